"""Static checks of a file before anything is expanded: every name is looked up, also in items that no network uses."""

from resnetc.compiler.names.resolve import check

__all__ = ["check"]
