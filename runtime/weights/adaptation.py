"""Fits a file's tensors to a network of other channels or other classes, and tells those that do not fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

# Counters: of batch norms, which files of before torch 0.4.1 lack, and of torch's averaged model. Nothing needs them.
_COUNTERS = ("num_batches_tracked", "n_averaged")


@dataclass(slots=True)
class Fit:
    """The tensors of a file that fit a network, and what became of the others.

    `tensors` have the network's shapes and types. `head` is the name of the network's classifier, empty if it has none
    for these classes. `adapted` are convolutions that read other channels, each with the
    number in the file; `classifier` the names of the head that is left out, with the number of `classes` in the file;
    `misfits` those of another shape, each with that in the file; `other_types` those of another kind of number.
    """

    head: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    adapted: dict[str, int] = field(default_factory=dict)
    classifier: list[str] = field(default_factory=list)
    classes: int = 0
    misfits: dict[str, tuple[int, ...]] = field(default_factory=dict)
    other_types: list[str] = field(default_factory=list)


def fit_tensors(
    tensors: Mapping[str, Tensor], model: nn.Module, channels: int, classes: int, same_classes: bool = True
) -> Fit:
    """Fit a file's tensors to a network for images of `channels` and for so many `classes`.

    A tensor of which only axes of length 1 differ (a linear layer that is a convolution here) is taken. The first
    convolutions take other channels (`adapt_channels`). A classifier of other classes is left out: of another number of
    them, and where they are known not to be the `same_classes`.
    """
    fit = Fit(_find_classifier(model, classes))
    targets = model.state_dict()
    stem = _list_convolutions_of_input(model)
    for name, tensor in tensors.items():
        target = targets[name]
        owner = name.rpartition(".")[0]
        if target.is_floating_point() != tensor.is_floating_point() or tensor.dtype == torch.bool:
            fit.other_types.append(name)
        elif _differs_in_ones(tensor.shape, target.shape) and (same_classes or owner != fit.head):
            fit.tensors[name] = tensor.reshape(target.shape).to(target.dtype)
        elif owner == fit.head and tensor.ndim and (not same_classes or len(tensor) != len(target)):
            fit.classifier.append(name)
            fit.classes = len(tensor)
        elif name in stem and (adapted := _fit_channels(tensor, target.shape, channels)) is not None:
            fit.tensors[name] = adapted[0].to(target.dtype)
            fit.adapted[name] = adapted[1]
        else:
            fit.misfits[name] = tuple(tensor.shape)
    return fit


def is_needed(name: str) -> bool:
    """Whether it matters that a file lacks a name: counters do not."""
    return not name.endswith(_COUNTERS)


def adapt_channels(weight: Tensor, channels: int) -> Tensor:
    """The weight of a convolution, [outputs, inputs, ...], for another number of `channels` of images; as timm does it.

    One channel: the sum over the file's, so that a grey image counts as one of which all channels are equal. More: the
    file's in turn, times the ratio of their numbers, so that the sum over all stays about as large.
    """
    inputs = weight.shape[1]
    weight = weight.float()
    if channels == 1:
        return weight.sum(1, keepdim=True)
    times = -(-channels // inputs)
    repeated = torch.cat([weight] * times, 1)[:, :channels]
    return repeated * (inputs / channels)


def _fit_channels(tensor: Tensor, shape: torch.Size, channels: int) -> tuple[Tensor, int] | None:
    """The weight for images of `channels`, and the channels in the file; None where something else differs as well.

    Behind space-to-depth each channel is there several times, position by position: [outputs, positions * channels].
    """
    if tensor.ndim != len(shape) or (*tensor.shape[:1], *tensor.shape[2:]) != (*shape[:1], *shape[2:]):
        return None
    positions, rest = divmod(shape[1], channels)
    if rest or not positions or tensor.shape[1] % positions or not tensor.shape[1] or tensor.numel() > 1 << 28:
        return None
    inputs = tensor.shape[1] // positions
    by_position = tensor.reshape(len(tensor), positions, inputs, *tensor.shape[2:]).transpose(0, 1)
    adapted = torch.stack([adapt_channels(weight, channels) for weight in by_position], 1)
    return adapted.reshape(shape), inputs


def _differs_in_ones(shape: torch.Size, target: torch.Size) -> bool:
    """Whether two shapes are the same but for axes of length 1: behind the first, or in all of a vector's."""
    if len(target) == 1:
        return _drop_ones(shape) == _drop_ones(target)
    return shape[:1] == target[:1] and _drop_ones(shape[1:]) == _drop_ones(target[1:])


def _drop_ones(sizes: torch.Size) -> list[int]:
    return [size for size in sizes if size != 1]


def _find_classifier(model: nn.Module, classes: int) -> str:
    """The name of the last layer with a matrix or filter, if it gives as many numbers as there are classes."""
    layers = [name for name, module in model.named_modules() if isinstance(module, (nn.Linear, _ConvNd))]
    weight = model.get_submodule(layers[-1]).weight if layers else None
    return layers[-1] if isinstance(weight, Tensor) and len(weight) == classes else ""


def _list_convolutions_of_input(model: nn.Module) -> set[str]:
    """The weights of the first convolution, and of those beside it in the stem that take as many channels."""
    convolutions = {name: part for name, part in model.named_modules() if isinstance(part, _ConvNd)}
    if not convolutions:
        return set()
    first = next(iter(convolutions))
    stem, dot, _ = first.partition(".")
    channels = convolutions[first].in_channels
    beside = [name for name, part in convolutions.items() if part.in_channels == channels and part.groups == 1]
    return {f"{name}.weight" for name in beside if name == first or (dot and name.startswith(f"{stem}."))}
