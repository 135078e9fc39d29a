"""Ends a run: judges the best weights on the test images where others chose them, and writes the report."""

from resnetc.runtime.data import ImageSet
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.evaluation import Evaluation
from resnetc.runtime.model import user_classes
from resnetc.runtime.report import report
from resnetc.runtime.run.folder import Figures, RunFolder


def conclude(
    run: RunFolder, data: ImageSet, source: str, best_evaluation: Evaluation | None, has_trained: bool
) -> Figures | None:
    """Write the report; what was measured of the test images, where validation images chose the best epoch.

    best_evaluation: that of the best epoch, if it is at hand; has_trained: whether the report of before is out of date.
    """
    allowed = user_classes.list_permissions(source)
    final = evaluate(run.path, data, weights="best", allow_imports=allowed) if data.validation else None
    if has_trained or not run.report.is_file():
        report.write(run.path, data, final or best_evaluation, allow_imports=allowed)
    return final.figures if final else None
