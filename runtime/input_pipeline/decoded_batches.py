"""Batches of photographs, or from Datasets of the user's own, read by worker processes of torch's `DataLoader`.

What a batch contains is a function of the recipe's seed, the epoch and the indices: neither the number of workers nor
where a run was stopped changes a pixel. Workers decode the next batches while the network trains.
"""

import multiprocessing
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from resnetc.runtime.augmentation.image_policy import choose_policy
from resnetc.runtime.augmentation.resized_crops import RandomCrops, read_crops
from resnetc.runtime.augmentation.short_side_crops import ScaledCrops
from resnetc.runtime.data.decode import Pixels, Region
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.data.user_datasets import UserDatasets
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.image_size import choose_train_size
from resnetc.runtime.recipe.recipe import Recipe

MAX_AUTO_WORKERS = 8  # a process of its own for each, and for each a copy of the names of all files
_Item = TypeVar("_Item")
_BATCHES_AHEAD = 2  # that each worker decodes before they are asked for


@dataclass(frozen=True, slots=True)
class _Request:
    """A batch: of the training images as an epoch sees them, or (None) of the test images."""

    epoch: int | None
    indices: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a photograph: a RunError cannot be sent from one process to another as it is."""

    text: str
    status: int


class _Decoder(Dataset[Pixels | _Fault]):
    """Decodes a batch; it is copied to every worker."""

    def __init__(self, data: Photographs, recipe: Recipe, mean_colour: tuple[int, ...]) -> None:
        self.data, self.recipe, self.crops = data, recipe, RandomCrops.from_recipe(recipe)
        self.policy = choose_policy(recipe, mean_colour)

    def __getitem__(self, request: _Request) -> Pixels | _Fault:
        try:
            if request.epoch is None:
                return self.data.crop_centres(self.data.test, request.indices)
            return self._crop_randomly(request.epoch, request.indices)
        except RunError as fault:
            return _Fault(str(fault), fault.status)

    def _crop_randomly(self, epoch: int, indices: Sequence[int]) -> Pixels:
        pixels = self._read_crops(epoch, indices)
        if self.policy is not None:
            for row, operations in enumerate(self.policy.draw(epoch, indices)):
                pixels[row] = self.policy.change(pixels[row], operations)
        return pixels

    def _read_crops(self, epoch: int, indices: Sequence[int]) -> Pixels:
        size, part = choose_train_size(self.recipe, epoch, self.data.size), self.data.train
        if self.recipe.train_resize:
            shortest, longest = self.recipe.train_resize
            return ScaledCrops(self.recipe.seed, (shortest, longest), size).read(part, epoch, indices)
        draws = self.crops.draw(epoch, indices)

        def choose_box(row: int, height: int, width: int) -> Region:
            return self.crops.choose_box(draws[row], height, width)

        return read_crops(part, [index % len(part) for index in indices], choose_box, size)


class _Reader(Dataset[Pixels | _Fault]):
    """Reads a batch from Datasets of the user's own; it is copied to every worker."""

    def __init__(self, data: UserDatasets, seed: int) -> None:
        self.data, self.seed = data, seed

    def __getitem__(self, request: _Request) -> Pixels | _Fault:
        try:
            if request.epoch is None:
                return self.data.read_test(request.indices)
            return self.data.read_train(self.seed, request.epoch, request.indices)
        except RunError as fault:
            return _Fault(str(fault), fault.status)


class _Requests(Sampler[_Request]):
    """The batches that are due, in their order."""

    def __init__(self) -> None:
        self.due: list[_Request] = []

    def __iter__(self) -> Iterator[_Request]:
        return iter(self.due)

    def __len__(self) -> int:
        return len(self.due)


def _pass_on(item: _Item) -> _Item:
    """A batch as it is: as an array it comes through a pipe, and takes none of the few bytes of /dev/shm that a
    container has."""
    return item


def _ignore_signals(worker: int) -> None:
    """Ctrl-C and SIGTERM go to all processes of a terminal or a job; the run decides what follows."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def _allow_many_workers() -> Iterator[None]:
    """More workers than CPUs are what the recipe asks for: torch need not say so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")
        yield


def count_workers(recipe: Recipe) -> int:
    """The recipe's number; for `auto` one for each CPU that this process may use, shared with torchrun's others."""
    if recipe.workers is not None:
        return recipe.workers
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MAX_AUTO_WORKERS, cpus // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))


class DecodedBatches:
    """Reads batches of a set; a context, which ends its workers.

    mean_colour: of photographs, 0 to 255 for each channel.
    """

    def __init__(self, data: Photographs | UserDatasets, recipe: Recipe, mean_colour: tuple[int, ...] = ()) -> None:
        self._work = f"reads `{data.name}`" if isinstance(data, UserDatasets) else "decodes photographs"
        self._decoder: _Decoder | _Reader = (
            _Reader(data, recipe.seed) if isinstance(data, UserDatasets) else _Decoder(data, recipe, mean_colour)
        )
        self._requests = _Requests()
        self._loader = self._start_loader(count_workers(recipe))

    def _start_loader(self, workers: int) -> DataLoader[Pixels | _Fault] | None:
        if not workers:
            return None
        with _allow_many_workers():
            return DataLoader(
                self._decoder,
                batch_size=None,  # an item is a whole batch
                sampler=self._requests,
                num_workers=workers,
                collate_fn=_pass_on,
                worker_init_fn=_ignore_signals,
                persistent_workers=True,
                prefetch_factor=_BATCHES_AHEAD,
                generator=torch.Generator(),  # it draws a number, which the run's own generator must not lose
                multiprocessing_context="fork" if "fork" in multiprocessing.get_all_start_methods() else None,
            )

    def __enter__(self) -> "DecodedBatches":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers. torch does so when its iterator is freed, which a traceback would put off."""
        loader, self._loader = self._loader, None
        iterator = loader._iterator if loader is not None else None
        if iterator is not None:
            iterator._shutdown_workers()  # type: ignore[attr-defined]  # torch has no public name for it
        if isinstance(error, RuntimeError) and "DataLoader worker" in str(error):
            raise self._describe_lost_worker(error) from error  # torch raises it between any two lines of the loop

    def read_train(self, epoch: int, parts: Sequence[Sequence[int]]) -> Iterator[Pixels | RunError]:
        """For each part, random crops of its photographs: uint8 [N, height, width, channels]; of Datasets the items
        as they are: [N, channels, *size]."""
        return self._read([_Request(epoch, part) for part in parts])

    def read_test(self, parts: Sequence[Sequence[int]]) -> Iterator[Pixels | RunError]:
        """For each part, the centres of its photographs, or the items, as above."""
        return self._read([_Request(None, part) for part in parts])

    def _read(self, due: list[_Request]) -> Iterator[Pixels | RunError]:
        self._requests.due = due
        with _allow_many_workers():
            items = iter(self._loader) if self._loader is not None else map(self._decoder.__getitem__, due)
        for _ in due:
            try:
                item = next(items)
            except RuntimeError as fault:
                if "DataLoader worker" not in str(fault):
                    raise
                yield self._describe_lost_worker(fault)
                return
            yield RunError(item.text, status=item.status) if isinstance(item, _Fault) else item

    def _describe_lost_worker(self, fault: RuntimeError) -> RunError:
        reason = str(fault).splitlines()[0]
        return RunError(
            f"a process that {self._work} was killed, possibly out of memory ({reason}); use "
            "fewer: --override workers=1"
        )
