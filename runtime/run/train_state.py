"""The state of a run: everything that must be saved so that a resumed run ends with exactly the same weights."""

import math
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from resnetc.runtime.data import ImageSet
from resnetc.runtime.data.preprocessing import Preprocessing
from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.errors import Diverged, RunError
from resnetc.runtime.model import loader as module
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.optim.optimizer import restore_state, state_tensors
from resnetc.runtime.recipe.places import fault_at
from resnetc.runtime.recipe.recipe import RULES, Recipe
from resnetc.runtime.run import checkpoint, environment
from resnetc.runtime.run.extension import describe_extension, write_extended_recipe
from resnetc.runtime.run.folder import EpochRecord, Figures, InitialWeights, RunFolder
from resnetc.runtime.run.state_metadata import FORMAT, BestEpoch, RunMetadata, has_ended, parse_metadata
from resnetc.runtime.step.epoch_losses import NO_STEP, EpochLosses
from resnetc.runtime.step.moment import Moment
from resnetc.runtime.step.precision import build_scaler, choose_dtype

_CLIPPING = "--override max_grad_norm=1"
_Item = TypeVar("_Item")
CURVE_POINTS = 10  # parts of an epoch whose mean losses are kept


def load(path: Path) -> tuple[dict[str, Tensor], RunMetadata]:
    """The tensors and the metadata of `last.ckpt` or `best.safetensors`; RunError for damage and for another format."""
    tensors, metadata = checkpoint.load(path)
    return tensors, parse_metadata(metadata, path)


class SavedState(NamedTuple):
    """A state of a run as it was read from its file; note: says so where that is not `last.ckpt`, else empty."""

    tensors: dict[str, Tensor]
    metadata: RunMetadata
    path: Path
    note: str = ""


def load_newest(run: RunFolder) -> SavedState:
    """The newest whole state of a run; RunError if there is none, with the way on."""
    try:
        return SavedState(*load(run.last), run.last)
    except RunError as fault:
        if not run.previous.is_file():
            raise
        try:
            tensors, metadata = load(run.previous)
        except RunError as other_fault:
            way_on = f"the best weights are in {run.best.name}" if run.best.is_file() else "start again"
            raise RunError(f"{fault}; the previous state is unusable too: {other_fault}; {way_on}") from None
        note = f"{fault}; continuing from {run.previous.name}, after {metadata['step']} steps"
        return SavedState(tensors, metadata, run.previous, note)


def _rank(best: BestEpoch) -> tuple[float, float]:
    """What makes an epoch better than others: more of the first, then of the second."""
    return best.get("mean_average_precision", best["top1"]), -best["test_loss"]


@dataclass
class TrainState:
    """The state of a run. Random numbers are computed from it (`counter_rng`), so no generator needs saving.

    shape: (channels, *size) of an image; dtype: what a step computes in, with the scaler of the loss that it needs;
    environment: that of `environment.describe`, at the last start. step: steps done; epochs: epochs done and evaluated;
    seconds: wall time so far; losses: those of the current epoch's steps, their curve for each tenth of it (or for each
    step of a shorter one); epoch_seconds: wall time of those steps; data_seconds: what of it was spent waiting for
    data. records: those of the epochs done; initial_weights: what the run started from, if not from random ones;
    last_is_whole: whether this process has written or read `last.ckpt`, so that it is worth keeping; lr: the learning
    rate of the last step done.
    """

    network: str
    source_digest: str
    data_argument: str
    fingerprint: str
    shape: tuple[int, ...]
    recipe: Recipe
    preprocessing: Preprocessing
    environment: dict[str, str]
    steps_per_epoch: int
    split: str
    losses: EpochLosses
    dtype: torch.dtype = torch.float32
    scaler: torch.amp.GradScaler | None = None
    step: int = 0
    epochs: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    data_seconds: float = 0.0
    best: BestEpoch = field(default_factory=BestEpoch)
    records: list[EpochRecord] = field(default_factory=list)
    initial_weights: InitialWeights | None = None
    last_is_whole: bool = False
    lr: float = 0.0

    @classmethod
    def start(
        cls,
        network: str,
        source: str,
        data: ImageSet,
        recipe: Recipe,
        preprocessing: Preprocessing,
        steps_per_epoch: int,
        device: torch.device,
    ) -> "TrainState":
        """The start of a run whose epochs have `steps_per_epoch` steps."""
        dtype = choose_dtype(recipe.precision, device)
        return cls(
            network=network,
            source_digest=module.compute_digest(source),
            data_argument=data.argument,
            fingerprint=data.fingerprint(),
            shape=(data.channels, *data.size),
            recipe=recipe,
            preprocessing=preprocessing,
            environment=environment.describe(device) | {"precision": str(dtype).removeprefix("torch.")},
            steps_per_epoch=steps_per_epoch,
            split="test" if data.validation is None else "validation",
            losses=EpochLosses(min(CURVE_POINTS, steps_per_epoch), device),
            dtype=dtype,
            scaler=build_scaler(dtype, device),
        )

    def begin_step(self) -> Moment:
        """Count the step that begins; where it stands."""
        part = self.step % self.steps_per_epoch * len(self.losses.curve) // self.steps_per_epoch
        self.step += 1
        return Moment(self.epochs, self.step, part)

    def count_waiting(self, batches: Iterator[_Item]) -> Iterator[_Item]:
        """The batches; the time that each is waited for counts as `data_seconds`."""
        while True:
            began = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self.data_seconds += time.perf_counter() - began
            yield batch

    @property
    def data_share(self) -> float:
        """The share of the epoch's training time so far that was spent waiting for data."""
        return self.data_seconds / self.epoch_seconds if self.epoch_seconds else 0.0

    def mean_losses(self) -> list[float]:
        """The mean loss of each part of the finished epoch, rounded to six decimals."""
        count = len(self.losses.curve)
        first_steps = [
            -(-part * self.steps_per_epoch // count) for part in range(count + 1)
        ]  # its first step, rounded up
        counts = [after - before for before, after in zip(first_steps, first_steps[1:], strict=False)]
        return [round(total / number, 6) for total, number in zip(self.losses.curve.tolist(), counts, strict=True)]

    def describe_epoch(self, figures: Figures, images: int, seconds: float) -> EpochRecord:
        """The record of the epoch that has just been evaluated; images: how many it trained with."""
        return {
            "epoch": self.epochs + 1,
            "step": self.step,
            "train_loss": self.losses.total.item() / self.steps_per_epoch,
            "curve": self.mean_losses(),
            **figures,
            "lr": self.lr,
            "images_per_second": images / self.epoch_seconds,
            "data_seconds": self.data_seconds,
            "compute_seconds": max(self.epoch_seconds - self.data_seconds, 0.0),
            "seconds": seconds,
            "split": self.split,
        }

    def end_epoch(self, record: EpochRecord) -> None:
        """The epoch is over: keep its record, and start the next with no losses."""
        self.records.append(record)
        self.epochs, self.seconds = self.epochs + 1, record["seconds"]
        self.epoch_seconds = self.data_seconds = 0.0
        self.losses.start_epoch()

    def check_train_loss(self, run: RunFolder) -> None:
        """Wait for the device; Diverged with the first step at which the loss was not finite, if any."""
        step = int(self.losses.first_bad_step)
        if step != NO_STEP:
            raise Diverged(
                f"{run.path}: the loss is not finite at step {step} (learning rate {self.lr:.3g}); the last saved "
                f"state is intact; lower learning_rate or clip the gradient: {_CLIPPING}"
            )

    def check_test_loss(self, run: RunFolder, test_loss: float) -> None:
        """Diverged if the test loss is not finite; it uses running statistics, so the training loss can be finite."""
        if not math.isfinite(test_loss):
            raise Diverged(
                f"{run.path}: the test loss is not finite after step {self.step}; nothing after the last good "
                f"state was saved; lower learning_rate or clip the gradient: {_CLIPPING}"
            )

    def iterate_epochs(self) -> Iterator[int]:
        """The epochs to do, from 0, until the run has ended; each is to end with `end_epoch`."""
        while not has_ended(self.recipe, self.epochs, self.best):
            yield self.epochs

    def update_best(self, record: EpochRecord) -> bool:
        """Whether this epoch has the highest top-1 (of several labels, the highest mean average precision), or the same
        with a lower test loss; remembers it if so."""
        best: BestEpoch = {"epoch": record["epoch"], "top1": record["top1"], "test_loss": record["test_loss"]}
        if "mean_average_precision" in record:
            best["mean_average_precision"] = record["mean_average_precision"]
        is_better = not self.best or _rank(best) > _rank(self.best)
        if is_better:
            self.best = best
        return is_better

    def metadata(self, optimizer_tensors: int = 0) -> dict[str, object]:
        """The metadata of a checkpoint."""
        return {
            "format": FORMAT,
            "network": self.network,
            "module": self.source_digest,
            "data": self.data_argument,
            "fingerprint": self.fingerprint,
            "shape": list(self.shape),
            "environment": self.environment,
            "recipe": self.recipe.to_settings(),
            "preprocessing": self.preprocessing.to_json(),
            "initial_weights": self.initial_weights,
            "step": self.step,
            "epochs": self.epochs,
            "seconds": self.seconds,
            "epoch_seconds": self.epoch_seconds,
            "data_seconds": self.data_seconds,
            "best": self.best,
            "optimizer_tensors": optimizer_tensors,
            "records": self.records,
        }

    def save(
        self, run: RunFolder, model: nn.Module, average: ExponentialMovingAverage, optimizer: torch.optim.Optimizer
    ) -> None:
        """Write `last.ckpt`, and keep the one before as `previous.ckpt`; RunError, and nothing is written, if a weight
        is not finite."""
        tensors = {"loss_sum": self.losses.total, "curve": self.losses.curve}
        tensors |= {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
        memory = {f"optimizer/{name}": tensor for name, tensor in state_tensors(optimizer, model).items()}
        if average.decay:
            tensors |= {f"average/{name}": tensor for name, tensor in average.model.state_dict().items()}
        if self.scaler is not None:
            tensors |= {f"scaler/{name}": torch.tensor(value) for name, value in self.scaler.state_dict().items()}
        self._check_finite(run.last, tensors | memory)
        previous = run.previous if self.last_is_whole else None
        checkpoint.save(run.last, tensors | memory, self.metadata(len(memory)), previous)
        self.last_is_whole = True

    def save_best(self, run: RunFolder, model: nn.Module) -> None:
        """Write `best.safetensors`, the weights that were evaluated; RunError as for `save`."""
        tensors = model.state_dict()
        self._check_finite(run.best, tensors)
        checkpoint.save(run.best, tensors, self.metadata())

    def _check_finite(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            if not bool(tensor.isfinite().all()):
                raise RunError(
                    f"{path}: not saved: {name} is not finite after step {self.step}; lower learning_rate or "
                    f"clip the gradient: {_CLIPPING}"
                )

    def restore(
        self,
        run: RunFolder,
        model: nn.Module,
        average: ExponentialMovingAverage,
        optimizer: torch.optim.Optimizer,
        group: Group,
        extend: Collection[str] = (),
    ) -> str:
        """Restore everything from `last.ckpt`, or if it is damaged from `previous.ckpt`, and write the metrics and the
        preprocessing again; returns a note, empty or on the damage, or on how a finished run is extended by other
        values of the keys `extend`. RunError if the state is of another module, recipe or data."""
        tensors, metadata, path, note = group.broadcast_from_rank0(lambda: load_newest(run))
        if metadata["module"] != self.source_digest:
            raise RunError(
                f"{run.path}: cannot resume: {run.model_path} is a different network; use "
                f"another --out, or remove that folder"
            )
        if metadata["fingerprint"] != self.fingerprint:
            raise RunError(
                f"{run.path}: cannot resume: {self.data_argument} is not the data of that run ({metadata['data']})"
            )
        then = metadata["recipe"].to_settings()
        for key, current in self.recipe.to_settings().items():
            if current != then[key] and not RULES[key].may_change and key not in extend:
                change = f"`{key}` was {then[key]} in that run and is now {current}"
                raise fault_at(self.recipe.places, f"{run.path}: cannot resume: {change}", key)
        steps_done, epochs_done = metadata["step"], metadata["epochs"]
        if not 0 <= steps_done - epochs_done * self.steps_per_epoch <= self.steps_per_epoch:
            raise RunError(
                f"{path}: not the state of a run: {steps_done} steps after {epochs_done} epochs of "
                f"{self.steps_per_epoch} steps"
            )
        self._restore_tensors(tensors, metadata["optimizer_tensors"], path, model, average, optimizer)
        self.step, self.epochs, self.best = steps_done, epochs_done, metadata["best"]
        self.seconds, self.epoch_seconds = metadata["seconds"], metadata["epoch_seconds"]
        self.data_seconds = metadata["data_seconds"]
        self.records = metadata["records"] or group.broadcast_from_rank0(lambda: self._read_earlier_records(run))
        self.initial_weights = metadata["initial_weights"]
        self.last_is_whole = path == run.last
        if extend:
            own, best = metadata["recipe"], metadata["best"]
            change = describe_extension(own, self.recipe, extend, epochs_done, best, self.steps_per_epoch)
            group.broadcast_from_rank0(lambda: write_extended_recipe(run, self.recipe, change))
            note = f"{note}; {change}" if note else change
        group.broadcast_from_rank0(lambda: run.write_records(self.records))
        group.broadcast_from_rank0(lambda: run.write_preprocessing(self.preprocessing))
        group.broadcast_from_rank0(lambda: run.write_initial_weights(self.initial_weights))
        return note

    def _restore_tensors(
        self,
        tensors: Mapping[str, Tensor],
        optimizer_tensors: int | None,
        path: Path,
        model: nn.Module,
        average: ExponentialMovingAverage,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Restore weights, the optimizer's memory and the losses of the epoch; RunError unless all of them fit."""
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}, "average": {}, "scaler": {}}
        losses = {"loss_sum": self.losses.total, "curve": self.losses.curve}
        for name, tensor in tensors.items():
            part, _, rest = name.partition("/")
            if part in parts and rest:
                parts[part][rest] = tensor
            elif name not in losses:
                raise RunError(f"{path}: not the state of a run: a tensor `{name:.40}` in it")
        for name, loss in losses.items():
            if name not in tensors or tensors[name].shape != loss.shape:
                raise RunError(f"{path}: not the state of a run: no tensor `{name}` of shape {list(loss.shape)} in it")
            loss.copy_(tensors[name])
        try:
            model.load_state_dict(parts["model"])
            if average.decay:
                average.model.load_state_dict(parts["average"])
        except RuntimeError as fault:
            raise RunError(f"{path}: does not fit the network: {str(fault).splitlines()[-1].strip()}") from None
        if optimizer_tensors not in (None, len(parts["optimizer"])):
            raise RunError(
                f"{path}: not the state of a run: {len(parts['optimizer'])} tensors of the optimizer, not "
                f"{optimizer_tensors}"
            )
        if self.scaler is not None:
            values = {name: tensor.item() for name, tensor in parts["scaler"].items() if tensor.numel() == 1}
            if values.keys() != self.scaler.state_dict().keys():
                raise RunError(f"{path}: not the state of a run: no scaler of the loss in it")
            self.scaler.load_state_dict(values)
        try:
            restore_state(optimizer, model, parts["optimizer"])
        except ValueError as fault:
            raise RunError(f"{path}: does not fit the optimizer: {fault}") from None

    def _read_earlier_records(self, run: RunFolder) -> list[EpochRecord]:
        """The records of a run whose state, of an earlier version, has none; RunError if some are missing."""
        records = [record for record in run.read_records() if record["epoch"] <= self.epochs]
        if len(records) != self.epochs:
            raise RunError(
                f"{run.metrics}: {len(records)} of the {self.epochs} epochs that {run.last.name} has completed"
            )
        return records
