"""Logs of a run for other programs: TensorBoard's event files in the run folder, and Weights & Biases.

Both are written after every epoch, from the record that is its line of the metrics. Their packages are imported only
where they are asked for.
"""

import hashlib
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run.folder import EpochRecord, RunFolder
from resnetc.runtime.training.log_names import check_names


class Log(Protocol):
    """Where the figures of a run go."""

    def write(self, values: dict[str, float], step: int) -> None:
        """Write figures down, as they were after `step`."""

    def close(self) -> None:
        """Write down what is not yet."""


class TensorBoardLog:
    """Event files in the folder `tensorboard` of the run. What an earlier part of the run wrote after its last save is
    not shown any more."""

    def __init__(self, run: RunFolder, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run.path / "tensorboard"), purge_step=step + 1 if step else None)

    def write(self, values: dict[str, float], step: int) -> None:
        """Write figures down, as they were after `step`."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Write down what is not yet."""
        self._writer.close()


class WandbLog:
    """A run of the project `resnetc`, named after the run folder; a resumed run goes on in its own."""

    def __init__(self, run: RunFolder, network: str, recipe: Recipe) -> None:
        import wandb

        path = run.path.absolute()
        self._run = wandb.init(
            project="resnetc",
            name=path.name,
            id=hashlib.sha256(str(path).encode()).hexdigest()[:16],
            resume="allow",
            dir=str(path),
            config={"network": network} | recipe.to_settings(),
        )

    def write(self, values: dict[str, float], step: int) -> None:
        """Write figures down, as they were after `step`."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """Write down what is not yet."""
        self._run.finish()


class EpochLogs:
    """All logs of a run, as a context; none if none were asked for."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._logs = logs

    def __enter__(self) -> "EpochLogs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for log in self._logs:
            log.close()

    def write(self, record: EpochRecord) -> None:
        """Write down the figures of an epoch."""
        values = {name: float(value) for name, value in record.items() if isinstance(value, int | float)}
        step = int(values.pop("step"))
        for log in self._logs:
            log.write(values, step)


def open_logs(names: Sequence[str], run: RunFolder, network: str, recipe: Recipe, step: int) -> EpochLogs:
    """The logs of these names, for a run that has done `step` steps."""
    check_names(names)
    logs: list[Log] = []
    for name in dict.fromkeys(names):
        logs.append(TensorBoardLog(run, step) if name == "tensorboard" else WandbLog(run, network, recipe))
    return EpochLogs(logs)
