"""Data sets of the user's own: a function returns torch Datasets of (tensor, label), which are read during a run.

What an item contains is to be a function of its index and of the generators of torch, NumPy and Python: these are
seeded for every item by (seed, epoch, index), so that neither workers nor a stop change a value. Every item is looked
at once before the first step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol, TypeAlias, TypeGuard

import numpy.typing as npt
import torch
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.data.dataset import Outline
from resnetc.runtime.data.files import MAX_SIDE, MAX_VALUES, check_names
from resnetc.runtime.data.user_faults import describe_error
from resnetc.runtime.data.user_function import import_function
from resnetc.runtime.data.user_labels import GatheredLabels, Label, format_label, read_label
from resnetc.runtime.determinism import isolate_generators
from resnetc.runtime.errors import RunError

SAMPLE_ITEMS = 512  # training items over which mean and deviation are computed
_PARTS = {"train": "training", "test": "test", "validation": "validation"}  # and what a message calls them
_EXPECTED = (
    "expected a pair of torch Datasets, (train, test), or a dict with `train` and, if there are any, `test`, "
    "`validation` and `classes`"
)
Values: TypeAlias = npt.NDArray[Any]  # Any: uint8 or float32
_DTYPES = {torch.uint8: "uint8", torch.float32: "float32"}


class MapDataset(Protocol):
    """A torch Dataset with a length; what it returns is checked."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> object: ...


@dataclass(frozen=True, slots=True)
class ItemKind:
    """What every item of a set has alike."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    def __str__(self) -> str:
        return f"{_DTYPES.get(self.dtype, self.dtype)} {list(self.shape)}"


@dataclass(frozen=True, slots=True)
class UserPart:
    """Some items of a Dataset, in the order of `rows`; None: all. function: what the user called it; title: which part
    it is, in messages."""

    dataset: MapDataset
    function: str
    title: str
    kind: ItemKind
    count: int
    rows: Sequence[int] | None = None

    def __len__(self) -> int:
        return self.count if self.rows is None else len(self.rows)

    def take(self, rows: Sequence[int]) -> UserPart:
        """Some of these items."""
        return replace(self, rows=rows if self.rows is None else [self.rows[row] for row in rows])

    def read(self, indices: Sequence[int], keys: Sequence[int]) -> list[tuple[Tensor, Label]]:
        """Items with their labels, each read with the generators seeded by its key. RunError, which names the line of
        the user's code, where it fails, and where an item is not what it must be."""
        items = []
        with isolate_generators() as seed:
            for index, key in zip(indices, keys, strict=True):
                row = index if self.rows is None else self.rows[index]
                seed(key)
                try:
                    item: object = self.dataset[row]
                except (Exception, SystemExit) as fault:
                    raise RunError(f"{describe_error(fault)} ({self._name(row)})") from fault
                items.append(self._check(item, row))
        return items

    def _name(self, row: int) -> str:
        return f"{self.title} item {row} of `{self.function}`"

    def _check(self, item: object, row: int) -> tuple[Tensor, Label]:
        """The values and the label of an item; RunError for anything else."""
        if not isinstance(item, tuple | list) or len(item) != 2:
            self._refuse(row, f"is {_name_type(item)}; expected a pair of a tensor and a label")
        values, label = item
        check_values(values, self._name(row))
        if (tuple(values.shape), values.dtype) != (self.kind.shape, self.kind.dtype):
            kind = ItemKind(tuple(values.shape), values.dtype)
            self._refuse(row, f"is {kind}, but the first training item is {self.kind}")
        if values.is_floating_point() and not bool(values.isfinite().all()):
            self._refuse(row, "has a value that is not finite")
        return values.detach(), read_label(label, self._name(row))

    def _refuse(self, row: int, text: str) -> NoReturn:
        raise RunError(f"{self._name(row)} {text}")


def _name_type(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def check_values(values: object, name: str) -> None:
    """RunError unless the values of an item can be those of a signal, an image or a volume."""
    if not isinstance(values, Tensor):
        raise RunError(
            f"{name} contains {_name_type(values)}; expected a torch.Tensor [channels, *size] (torch.from_numpy and "
            "torchvision's ToTensor give one)"
        )
    if values.is_meta or values.is_nested or values.layout is not torch.strided:
        kind = "without values (meta)" if values.is_meta else "nested" if values.is_nested else str(values.layout)
        raise RunError(f"{name} is a tensor that is {kind}; expected a dense one, with values")
    if values.dtype not in _DTYPES:
        raise RunError(f"{name} is of {values.dtype}; expected torch.uint8 or torch.float32")
    shape = list(values.shape)
    if not 2 <= len(shape) <= 4 or not all(0 < side <= MAX_SIDE for side in shape) or values.numel() > MAX_VALUES:
        raise RunError(f"{name} has the shape {shape}; expected [channels, *size] with one to three sizes")


@dataclass(frozen=True, eq=False, slots=True)
class UserDatasets:
    """Datasets of the user's own as a set for training; `dataset.ImageSet` explains the rest.

    range: the least and the largest value; digest: SHA-256 (hex) of every item, as seen before the first step.
    """

    name: str
    class_names: tuple[str, ...]
    train: UserPart
    train_labels: Tensor
    test: UserPart
    test_labels: Tensor
    range: tuple[float, float]
    digest: str
    validation: UserDatasets | None = None

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def channels(self) -> int:
        """The number of channels of an item."""
        return self.train.kind.shape[0]

    @property
    def size(self) -> tuple[int, ...]:
        """The lengths of the axes of an item."""
        return self.train.kind.shape[1:]

    @property
    def argument(self) -> str:
        """The argument of `--data` that gives this set again, where its module is found."""
        return self.name

    def fingerprint(self) -> str:
        """SHA-256 (hex) of class names, items and labels, and of which items each part has."""
        digest = hashlib.sha256(self.digest.encode())
        parts = [self.train, self.test, *([self.validation.test] if self.validation else [])]
        for part in parts:
            digest.update(f"\n{part.title} {','.join(map(str, part.rows)) if part.rows is not None else ''}".encode())
        return digest.hexdigest()

    def split(self, train: Tensor, test: Tensor | None) -> UserDatasets:
        """The set whose training part are the rows `train` of it; its test part, unless `test` is None, the rows
        `test`."""
        part = replace(self, train=self.train.take(train.tolist()), train_labels=self.train_labels[train])
        if test is not None:
            part = replace(part, test=self.train.take(test.tolist()), test_labels=self.train_labels[test])
        return part.with_validation(self.validation) if self.validation is not None else part

    def with_validation(self, other: UserDatasets) -> UserDatasets:
        """This set, whose best epoch the test items of `other` choose."""
        return replace(self, validation=replace(self, test=other.test, test_labels=other.test_labels, validation=None))

    def read_test_image(self, index: int) -> Tensor:
        """A test item: uint8 or float32 [channels, *size]."""
        return torch.from_numpy(self.read_test([index])[0])

    def read_sample(self) -> Tensor:
        """At most `SAMPLE_ITEMS` training items, equally spaced, as they were looked at: [N, channels, *size]."""
        count = len(self.train)
        chosen = range(count) if count <= SAMPLE_ITEMS else [i * count // SAMPLE_ITEMS for i in range(SAMPLE_ITEMS)]
        return torch.from_numpy(self._stack(self.train, self.train_labels, list(chosen), derive_fixed_keys(chosen)))

    def read_train(self, seed: int, epoch: int, indices: Sequence[int]) -> Values:
        """Training items as an epoch of a run with that seed sees them: [N, channels, *size]."""
        bits = counter_rng.random_bits(seed, epoch, torch.tensor(indices, dtype=torch.int64), counter_rng.USER)
        rows = [index % len(self.train) for index in indices]  # beyond it, an item again
        return self._stack(self.train, self.train_labels, rows, bits.tolist())

    def read_test(self, indices: Sequence[int]) -> Values:
        """Test items, alike in every epoch and every run: [N, channels, *size]."""
        return self._stack(self.test, self.test_labels, indices, derive_fixed_keys(indices))

    def _stack(self, part: UserPart, labels: Tensor, indices: Sequence[int], keys: Sequence[int]) -> Values:
        items = part.read(indices, keys)
        for index, (_, label) in zip(indices, items, strict=True):
            expected = labels[index].tolist()
            if (list(label) if isinstance(label, tuple) else label) != expected:
                row = index if part.rows is None else part.rows[index]
                raise RunError(
                    f"{part.title} item {row} of `{self.name}` has label {format_label(label)} now, but had "
                    f"{format_label(expected)} in the first pass: an item must keep its label"
                )
        values: Values = torch.stack([values for values, _ in items]).cpu().numpy()
        return values


def derive_fixed_keys(indices: Sequence[int] | range) -> list[int]:
    """The seeds of items that are the same in every epoch and every run."""
    rows = torch.tensor(list(indices), dtype=torch.int64)
    keys: list[int] = counter_rng.random_bits(0, 0, rows, counter_rng.USER_FIXED).tolist()
    return keys


def read_outline(name: str) -> Outline:
    """The set that the function `module:function` returns; it is called, and its first item read."""
    parts, class_names = _call(name)
    train = parts["train"]
    if class_names is None:
        data = _look_at_all(name, parts, None)
        class_names, read = data.class_names, lambda: data
    else:
        names = class_names
        read = lambda: _look_at_all(name, parts, names)  # noqa: E731  # as readers of files: what takes long comes later
    return Outline(
        name,
        len(class_names),
        channels=train.kind.shape[0],
        size=train.kind.shape[1:],
        train=len(train),
        test=len(parts["test"]) if "test" in parts else 0,
        read=read,
    )


def _call(name: str) -> tuple[dict[str, UserPart], tuple[str, ...] | None]:
    """The parts of a set, and the names of its classes, if they are said."""
    function = import_function(name)
    with isolate_generators() as seed:
        seed(0)
        try:
            value = function()
        except (Exception, SystemExit) as fault:
            raise RunError(f"{describe_error(fault)} (`{name}()`)") from fault
    class_names: object = None
    if isinstance(value, tuple | list) and len(value) == 2:
        datasets: dict[str, object] = dict(zip(_PARTS, value, strict=False))
    elif isinstance(value, Mapping) and "train" in value and set(value) <= {*_PARTS, "classes"}:
        datasets = {key: value[key] for key in _PARTS if value.get(key) is not None}
        class_names = value.get("classes")
    else:
        what = f"a dict with {', '.join(map(repr, value))[:80]}" if isinstance(value, Mapping) else _name_type(value)
        raise RunError(f"`{name}` returns {what}; {_EXPECTED}")
    counted = {key: _count(name, _PARTS[key], dataset) for key, dataset in datasets.items()}
    kind = _find_kind(name, counted["train"][0])
    parts = {
        key: UserPart(dataset, name, title=_PARTS[key], kind=kind, count=count)
        for key, (dataset, count) in counted.items()
    }
    own_names: object = getattr(datasets["train"], "classes", None)  # as torchvision's Datasets have it
    if class_names is None and not _are_names(own_names):
        return parts, None
    class_names = own_names if class_names is None else class_names
    if not _are_names(class_names):
        raise RunError(f"`{name}` returns {_name_type(class_names)} as `classes`; expected a list of strings")
    names = tuple(class_names)
    check_names(f"`{name}`", names)
    return parts, names


def _are_names(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, tuple | list) and bool(value) and all(isinstance(one, str) for one in value)


def _is_dataset(value: object) -> TypeGuard[MapDataset]:
    return hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, Tensor)


def _count(name: str, title: str, dataset: object) -> tuple[MapDataset, int]:
    """A Dataset with the number of its items; RunError for what is none."""
    if not _is_dataset(dataset):
        hint = ", which has no random access" if isinstance(dataset, torch.utils.data.IterableDataset) else ""
        raise RunError(
            f"`{name}` returns {_name_type(dataset)} as its {title} part{hint}; expected a torch Dataset, with "
            "`__len__` and `__getitem__`"
        )
    try:
        count = len(dataset)
    except (Exception, SystemExit) as fault:
        raise RunError(f"{describe_error(fault)} (the length of the {title} part of `{name}`)") from fault
    if not count:
        raise RunError(f"`{name}`: the {title} part has no items")
    return dataset, count


def _find_kind(function: str, dataset: MapDataset) -> ItemKind:
    """The shape and the numbers of the first item. RunError where it is another one when it is read again."""
    (key,) = derive_fixed_keys([0])
    values = []
    for _ in range(2):
        with isolate_generators() as seed:
            seed(key)
            try:
                item: object = dataset[0]
            except (Exception, SystemExit) as fault:
                raise RunError(f"{describe_error(fault)} (training item 0 of `{function}`)") from fault
        name = f"training item 0 of `{function}`"
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise RunError(f"{name} is {_name_type(item)}; expected a pair of a tensor and a label")
        check_values(item[0], name)
        values.append(item[0].clone())
    if values[0].shape != values[1].shape or not torch.equal(values[0].nan_to_num(), values[1].nan_to_num()):
        raise RunError(
            f"training item 0 of `{function}` changes each time it is read: draw random numbers from the generators "
            "of torch, numpy.random or random, which are seeded for every item, not from your own"
        )
    return ItemKind(tuple(values[0].shape), values[0].dtype)


def _look_at_all(name: str, parts: Mapping[str, UserPart], class_names: tuple[str, ...] | None) -> UserDatasets:
    """The set, after every item was read once."""
    digest = hashlib.sha256("\n".join(class_names or ()).encode(errors="surrogatepass"))
    labels, low, high = GatheredLabels(class_names), float("inf"), float("-inf")
    for key, part in parts.items():
        digest.update(f"\n{key} {len(part)} {part.kind}".encode())
        for index, fixed_key in enumerate(derive_fixed_keys(range(len(part)))):
            ((values, label),) = part.read([index], [fixed_key])
            labels.add(key, label, f"{part.title} item {index} of `{name}`")
            digest.update(f"\n{label} ".encode() + values.cpu().contiguous().numpy().tobytes())
            if key == "train":
                low, high = min(low, float(values.min())), max(high, float(values.max()))
    train = parts["train"]
    extent = (0.0, 255.0) if train.kind.dtype == torch.uint8 else (low, high) if low < high else (0.0, 1.0)
    of_train, of_test, of_validation = map(labels.make_tensor, _PARTS)
    test = parts.get("test", train.take([]))
    data = UserDatasets(
        name,
        labels.name_classes(),
        train=train,
        train_labels=of_train,
        test=test,
        test_labels=of_test,
        range=extent,
        digest=digest.hexdigest(),
    )
    if "validation" not in parts:
        return data
    return data.with_validation(replace(data, test=parts["validation"], test_labels=of_validation))
