"""The report of a run as one HTML page."""

from resnetc.runtime.report.report import write

__all__ = ["write"]
