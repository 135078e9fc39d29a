"""The learning rates of the parts of a network, as multiples of the schedule's."""

from torch import nn

from resnetc.runtime.model.parts import split_parts
from resnetc.runtime.recipe.recipe import Recipe


def compute_lr_ratios(model: nn.Module, recipe: Recipe) -> dict[str, float]:
    """The multiple for each parameter that does not simply have the schedule's rate.

    The head: `head_lr_ratio`. The last stage: `layer_decay`; each stage before it, and the stem before the first,
    `layer_decay` times that of the next.
    """
    if recipe.head_lr_ratio == recipe.layer_decay == 1.0:
        return {}
    parts = split_parts(model)
    modules = dict.fromkeys(parts.head, recipe.head_lr_ratio)
    for distance, group in enumerate([*reversed(parts.stages), parts.stem], 1):
        modules |= dict.fromkeys(group, recipe.layer_decay**distance)
    names = [name for name, _ in model.named_parameters()]
    return {name: ratio for part, ratio in modules.items() for name in names if name.startswith(f"{part}.")}
