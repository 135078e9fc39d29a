"""Name resolution: every name of a file is looked up before expansion, also in items that no network uses."""

from resnetc.compiler.names.resolve import check

__all__ = ["check"]
