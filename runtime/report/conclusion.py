"""The report of a run: while it goes on, and at its end, when the best weights are judged on the test images where
others chose them."""

import time

from resnetc.runtime.data import ImageSet
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.evaluation.result import Evaluation
from resnetc.runtime.model import user_classes
from resnetc.runtime.report import report
from resnetc.runtime.run.folder import Figures, RunFolder

SECONDS_BETWEEN_REPORTS = 30.0  # at least, of a run that goes on: a report costs a second or so


class RunReport:
    """Writes the report of a run. Set `best_evaluation` to that of the best epoch, once there has been one."""

    best_evaluation: Evaluation | None = None

    def __init__(self, run: RunFolder, data: ImageSet, source: str, epochs: int) -> None:
        """`epochs`: how many are done."""
        self._run, self._data, self._epochs = run, data, epochs
        self._allowed = user_classes.list_permissions(source)
        self._last_time = time.perf_counter()

    def write_if_due(self) -> None:
        """Write it after an epoch, if the last time is long ago. What it shows is the evaluation by which the best
        epoch is chosen."""
        if self.best_evaluation is None or time.perf_counter() - self._last_time < SECONDS_BETWEEN_REPORTS:
            return
        selection = self._data.validation or self._data
        report.write(self._run.path, selection, self.best_evaluation, allow_imports=self._allowed, is_running=True)
        self._last_time = time.perf_counter()

    def conclude(self, epochs: int) -> Figures | None:
        """Write it at the end, after so many epochs; what was measured of the test images, where validation images
        chose the best epoch."""
        has_validation = self._data.validation is not None
        final = (
            evaluate(self._run.path, self._data, weights="best", allow_imports=self._allowed)
            if has_validation
            else None
        )
        if epochs > self._epochs or not self._run.report.is_file():
            report.write(self._run.path, self._data, final or self.best_evaluation, allow_imports=self._allowed)
        return final.figures if final else None
