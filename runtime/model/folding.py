"""Folds batch norms into the convolutions before them, for evaluation: fewer layers, and nearly the same numbers."""

from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from resnetc.runtime.errors import RunError

MAX_DIFFERENCE = 1e-4  # between a probability with and without folding: rounding stays far below
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True, slots=True)
class Folding:
    """How many batch norms of a network were folded, and by how much a probability of some images differs at most."""

    folded: int
    norms: int
    difference: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.folded} of {self.norms} batch norms folded into convolutions; in the first batch, "
            f"probabilities differ by at most {self.difference:.0e}"
        )


def fold_batch_norms(model: nn.Module, place: str) -> Folding:
    """Fold, in place, every batch norm whose only input is a convolution that nothing else uses; others stay.

    model: in `eval` mode; place: names it in messages. RunError where its graph cannot be followed.
    """
    norms = sum(isinstance(part, _BatchNorm) for part in model.modules())
    try:
        graph = fx.Tracer().trace(model)
    except Exception as fault:  # torch names no type for what it cannot follow
        first = str(fault).strip().partition("\n")[0]
        raise RunError(f"{place}: cannot trace its layers, so nothing is folded: {first}") from fault
    parts = dict(model.named_modules())
    calls = [node for node in graph.nodes if node.op == "call_module"]
    folded = 0
    for node in calls:
        norm, inputs = parts[str(node.target)], node.all_input_nodes
        if not isinstance(norm, _BatchNorm) or norm.running_mean is None or len(inputs) != 1:
            continue
        before = inputs[0]
        convolution = parts.get(str(before.target)) if before.op == "call_module" else None
        if not isinstance(convolution, _CONVOLUTIONS) or len(before.users) != 1:
            continue
        if any(sum(call.target == one.target for call in calls) > 1 for one in (node, before)):
            continue  # used twice, with other layers around it
        _replace(model, str(before.target), fuse_conv_bn_eval(convolution, norm))
        _replace(model, str(node.target), nn.Identity())
        folded += 1
    return Folding(folded, norms)


def _replace(model: nn.Module, name: str, part: nn.Module) -> None:
    owner, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(owner), attribute, part)


def compare_probabilities(before: Tensor, after: Tensor, is_multi_label: bool, place: str) -> float:
    """By how much the probabilities of scores differ at most; RunError where that is no rounding."""
    pair = [scores.double().sigmoid() if is_multi_label else scores.double().softmax(1) for scores in (before, after)]
    difference = float(torch.max((pair[0] - pair[1]).abs())) if before.numel() else 0.0
    if not difference <= MAX_DIFFERENCE:
        raise RunError(
            f"{place}: with folded batch norms a probability differs by {difference:.2g}, more than "
            f"{MAX_DIFFERENCE:.0e}, because of a running variance near 0; evaluate without --folded"
        )
    return difference
