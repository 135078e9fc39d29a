"""Starts a network from weights of elsewhere: reads them, fits them, and tells what of them it took."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from resnetc.runtime.data import ImageSet
from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.run.folder import InitialWeights
from resnetc.runtime.weights import weight_file
from resnetc.runtime.weights.adaptation import Fit, fit_tensors, is_needed
from resnetc.runtime.weights.containers import list_state_dicts
from resnetc.runtime.weights.name_matching import Matching, match_names
from resnetc.runtime.weights.source import find_weight_file
from resnetc.terminal import brief, one_line

_MIN_SHARE = 0.5  # of the numbers of a network without its head: with less, the file is another network's
_MAX_FILE_FACTOR, _MAX_FILE_REST = 16, 1 << 26  # bytes of a file: averages and an optimizer's memory beside the weights
_MAX_LISTED = 6  # names in one line of the report
_MAX_WORD = 80


@dataclass(frozen=True, slots=True)
class Initialisation:
    """The tensors that a network starts from, by its names, and what a run records of them."""

    tensors: Mapping[str, Tensor]
    record: InitialWeights

    @property
    def report(self) -> str:
        """What was taken, changed and left out, a line each."""
        return "\n  ".join(
            [f"weights from {self.record['file']}: {self.record['report'][0]}", *self.record["report"][1:]]
        )

    def apply(self, model: nn.Module) -> None:
        """Give the network these values, in its own memory layout; what they do not name stays as it is."""
        targets = model.state_dict()
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                targets[name].copy_(tensor)


def initialise(
    model: nn.Module, path: Path | None, network: str, data: ImageSet, group: Group, quiet: bool
) -> InitialWeights | None:
    """Start the network from the weights in a file, if there is one, in every process of the group; the first reads it,
    and says what it took. RunError as `read_initialisation`."""
    if path is None:
        return None
    initial = group.broadcast_from_rank0(
        lambda: read_initialisation(find_weight_file(path), model, network, data.channels, data.class_names)
    )
    initial.apply(model)
    if not quiet and group.rank == 0:
        print(f"note: {initial.report}", file=sys.stderr)
    return initial.record


def read_initialisation(
    path: Path, model: nn.Module, network: str, channels: int, class_names: tuple[str, ...]
) -> Initialisation:
    """What the weights in the file `path` are for a network for images of `channels` and of these classes.

    RunError if the file is none of weights, or those of another network; nothing in it is executed.
    """
    targets = model.state_dict()
    size = sum(target.numel() * target.element_size() for target in targets.values())
    file = weight_file.read(path, _MAX_FILE_FACTOR * size + _MAX_FILE_REST)
    states = list_state_dicts(file)
    matching = match_names(states, targets)
    same_classes = file.classes is None or file.classes == class_names
    fit = fit_tensors(matching.tensors, model, channels, len(class_names), same_classes)
    lines = _describe(matching, fit, targets, network, channels, len(class_names), len(states))
    _refuse_another_network(path, fit, targets, lines)
    for name, tensor in fit.tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise RunError(f"{path}: {name} has non-finite values: no run can start from it")
    count = sum(map(is_needed, fit.tensors))
    return Initialisation(fit.tensors, {"file": str(path), "sha256": file.sha256, "tensors": count, "report": lines})


def _refuse_another_network(path: Path, fit: Fit, targets: Mapping[str, Tensor], lines: list[str]) -> None:
    """RunError where too little of the network, its head apart, is in the file."""
    needed = [name for name in targets if is_needed(name) and name.rpartition(".")[0] != fit.head]
    total = sum(targets[name].numel() for name in needed)
    taken = sum(targets[name].numel() for name in needed if name in fit.tensors)
    if taken == 0 or taken < _MIN_SHARE * total:
        raise RunError(f"{path}: weights of another network: {'; '.join(lines)}")


def _describe(
    matching: Matching,
    fit: Fit,
    targets: Mapping[str, Tensor],
    network: str,
    channels: int,
    classes: int,
    state_count: int,
) -> list[str]:
    """What matched, first; then a line for each kind of tensor that did not, or that was changed."""
    headline = f"{sum(map(is_needed, fit.tensors))} of {sum(map(is_needed, targets))} tensors of `{network}`"
    if matching.state.place:
        average = ", averaged weights" if matching.state.is_average and state_count > 1 else ""
        headline += f", in `{_shorten('.'.join(matching.state.place))}`{average}"
    if matching.prefix:
        headline += f", without `{_shorten(matching.prefix)}` before their names"
    if matching.names_of:
        headline += f", by the names of {matching.names_of}"
    lines = [headline]
    for name, inputs in fit.adapted.items():
        how = "their sum" if channels == 1 else "repeated and scaled"
        lines.append(f"{name}: {inputs} channel{'s' * (inputs != 1)} in the file, {channels} here: {how}")
    if fit.classifier:
        of_file = f"{fit.classes} classes in the file" if fit.classes != classes else "other classes in the file"
        lines.append(f"{_list(fit.classifier)}: left out: {of_file}, {classes} here")
    if fit.misfits:
        shapes = [f"{name} {list(shape)}, here {list(targets[name].shape)}" for name, shape in fit.misfits.items()]
        lines.append(f"{len(fit.misfits)} of another shape, left out: {_list(shapes)}")
    if fit.other_types:
        lines.append(f"{len(fit.other_types)} of another dtype, left out: {_list(fit.other_types)}")
    if missing := list(filter(is_needed, matching.missing)):
        lines.append(f"{len(missing)} not in the file: {_list(missing)}")
    if unused := list(filter(is_needed, matching.unused)):
        lines.append(f"{len(unused)} of the file not used: {_list(unused)}")
    return lines


def _list(names: Iterable[str]) -> str:
    """The first of the names, and how many more there are."""
    shown = [_shorten(name) for name in names]
    more = len(shown) - _MAX_LISTED
    return ", ".join(shown[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _shorten(name: str) -> str:
    return brief(one_line(name), _MAX_WORD)
