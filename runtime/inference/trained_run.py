"""Opens what a training run has left, to use it: the network with its weights, and what goes in and what comes out.

run = open_run("runs/first")
probabilities = run.predict(["cat.jpg", "dog.jpg"])  # float32 [2, classes]
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import torch
from torch import Tensor, nn

from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.data.preprocessing import Preprocessing
from resnetc.runtime.determinism import limit_threads
from resnetc.runtime.distributed import batch_shares
from resnetc.runtime.errors import RunError, describe_no_folder
from resnetc.runtime.inference.inputs import Input, InputSource, list_inputs
from resnetc.runtime.model import loader, user_classes
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import train_state
from resnetc.runtime.run.folder import EpochRecord, RunFolder
from resnetc.runtime.run.preprocessing_record import describe_missing_record, read_record
from resnetc.runtime.run.state_metadata import RunMetadata

if TYPE_CHECKING:
    from os import PathLike

Weights = Literal["best", "last"]


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run read from its folder: the network in `eval` mode with the weights of `weights`, which `metadata` describe.

    preprocessing: the record of the run; None where an earlier version wrote none.
    """

    folder: RunFolder
    weights: Path
    metadata: RunMetadata
    preprocessing: Preprocessing | None
    model: nn.Module


def load_run(
    out: Path,
    *,
    weights: Weights | None = None,
    device: torch.device | None = None,
    allow_imports: Iterable[str] = (),
) -> LoadedRun:
    """Read the run in the folder `out`, which may come from a stranger.

    `weights` and `allow_imports` are those of `open_run`. RunError if the folder holds no run, a file of it is damaged,
    its `model.py` is not the one that was trained, or the files do not fit one another.
    """
    run = RunFolder(out)
    if not run.holds_run:
        if not os.path.isdir(out):  # which may be a name of any length
            raise RunError(f"{out}: {describe_no_folder(out)}; expected the folder of a run")
        raise RunError(f"{out}: not a run folder: {run.model_path.name} and {run.last.name} are missing")
    weights = weights or ("best" if run.best.is_file() else "last")
    path = run.best if weights == "best" else run.last
    tensors, metadata = train_state.load(path)
    source = read_sealed_source(run, metadata, path, allow_imports)
    preprocessing = read_record(run, metadata, path)
    if weights == "last":
        prefix = "average/" if metadata["recipe"].ema_decay else "model/"
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    model = loader.build_network(source, run.model_path, device or choose_device())
    try:
        model.load_state_dict(tensors)
    except RuntimeError as fault:
        raise RunError(f"{path}: does not fit {run.model_path}: {str(fault).splitlines()[-1].strip()}") from None
    return LoadedRun(run, path, metadata=metadata, preprocessing=preprocessing, model=model.eval())


def read_sealed_source(run: RunFolder, metadata: RunMetadata, weights: Path, allow_imports: Iterable[str]) -> str:
    """The text of the run's `model.py`, to be executed; RunError unless it is the one that `weights` were trained with,
    and holds only what the compiler writes and imports what `allow_imports` names."""
    source = run.read_source()
    if metadata["module"] != loader.compute_digest(source):
        raise RunError(
            f"{run.model_path}: changed since {weights.name} was written, so its weights belong to another network"
        )
    user_classes.admit_source(source, str(run.model_path), allow_imports)
    return source


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name, or CUDA's if there is one, else the CPU."""
    try:
        return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as fault:
        raise RunError(f"{str(fault).splitlines()[0]}") from None


class TrainedRun:
    """A trained network, ready to use; `resnetc.open_run` makes one.

    model: the network, a `torch.nn.Module` in `eval` mode; it takes what `preprocess` gives, as a batch [N, channels,
    *size], and returns scores [N, classes]. classes: the names of the classes, in the order of these scores.
    preprocessing: how an image becomes an input. recipe: how the run was trained.
    """

    model: nn.Module
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    recipe: Recipe

    def __init__(self, run: LoadedRun) -> None:
        if run.preprocessing is None:
            raise RunError(describe_missing_record(run.folder, run.weights))
        self.model, self.preprocessing, self.recipe = run.model, run.preprocessing, run.metadata["recipe"]
        self.classes = self.preprocessing.classes
        self._folder, self._network = run.folder, run.metadata["network"]
        parameter = next(run.model.parameters(), None)
        self._device = parameter.device if parameter is not None else torch.device("cpu")
        self._normalise = Normaliser.from_record(self.preprocessing, self._device)

    def __repr__(self) -> str:
        shape = "x".join(map(str, (self.preprocessing.channels, *self.preprocessing.size)))
        return f"<resnetc.TrainedRun {self._network}: {shape}, {len(self.classes)} classes>"

    @property
    def metrics(self) -> list[EpochRecord]:
        """What the run measured after each epoch: a dict per line of `metrics.jsonl`, with its fields. RunError if that
        file is damaged."""
        return self._folder.read_records()

    def preprocess(self, image: InputSource) -> Tensor:
        """One image as the network gets it: float32 [channels, *size] on the device of `model`.

        An image is a path, an image of Pillow, or its values: a NumPy array [height, width] or [height, width,
        channels] or a tensor [channels, height, width], of bytes (uint8). One of another size is resized and cropped
        as in evaluation. RunError, which names a path, for a file that is no image; ValueError for other values.
        """
        (only,) = list_inputs([image], self.preprocessing)
        return self._normalise_batch([only])[0]

    def predict(self, images: InputSource | Sequence[InputSource]) -> Tensor:
        """The probability of each class for each image: float32 [N, classes] on the CPU. Each row has the sum 1; if the
        run is one of several labels (`preprocessing.multi_label`), each probability stands alone.

        images: one, or a sequence of them, each as for `preprocess`, which also says what is raised. They are taken in
        batches of the recipe's `eval_batch_size`, like those of `resnetc eval`.
        """
        is_one = isinstance(images, str | os.PathLike) or not isinstance(images, Sequence)
        many = [cast(InputSource, images)] if is_one else cast(Sequence[InputSource], images)
        rows = [chances for _, chances in self.predict_batches(list_inputs(many, self.preprocessing))]
        return torch.cat([torch.zeros(0, len(self.classes)), *rows])

    def predict_batches(self, inputs: Sequence[Input]) -> Iterator[tuple[Sequence[Input], Tensor]]:
        """The same, batch by batch, for inputs that were listed: the inputs and float32 [batch, classes]."""
        for start, stop in batch_shares.split_batches(len(inputs), self.recipe.eval_batch_size):
            batch = inputs[start:stop]
            with limit_threads(self.recipe.threads):
                scores = self._score(self._normalise_batch(batch))
                yield batch, (scores.sigmoid() if self.preprocessing.multi_label else scores.softmax(1)).cpu()

    def _normalise_batch(self, inputs: Sequence[Input]) -> Tensor:
        """float32 [N, channels, *size]."""
        values = torch.stack([one.read() for one in inputs])
        return self._normalise(values.to(self._device))

    @torch.inference_mode()
    def _score(self, batch: Tensor) -> Tensor:
        """float32 [N, classes]; RunError if the network does not take such inputs or does not score the classes."""
        shape = "x".join(map(str, batch.shape[1:]))
        try:
            scores: object = self.model(batch)
        except (RuntimeError, ValueError) as fault:
            first = str(fault).strip().split("\n")[0]
            raise RunError(
                f"{self._folder.model_path}: the network does not accept inputs of {shape}: {first}"
            ) from fault
        if not isinstance(scores, Tensor) or scores.shape != (len(batch), len(self.classes)):
            raise RunError(
                f"{self._folder.model_path}: the network does not return scores for {len(self.classes)} classes"
            )
        return scores.float()


def open_run(
    folder: str | PathLike[str],
    *,
    weights: Weights | None = None,
    device: str | None = None,
    allow_imports: Iterable[str] = (),
) -> TrainedRun:
    """The trained run in `folder`, ready to predict: `resnetc.open_run`, which documents the arguments."""
    if isinstance(allow_imports, str):
        raise ValueError(f"allow_imports is a list of modules: write allow_imports=[{allow_imports!r}]")
    if weights not in (None, "best", "last"):
        raise ValueError(f"weights is 'best' or 'last', not {weights!r}")
    return TrainedRun(
        load_run(Path(folder), weights=weights, device=choose_device(device), allow_imports=allow_imports)
    )
