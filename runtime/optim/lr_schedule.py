"""The learning rate as a pure function of the step: nothing to save, nothing to restore."""

import math
from bisect import bisect_right

from resnetc.runtime.recipe import Recipe


def compute_learning_rate(recipe: Recipe, step: int, total_steps: int) -> float:
    """The rate for step `step` (from 0) of a run of `steps`: the warm-up first, then `recipe.schedule` on what is left.

    The first step has the warm-up's start, the step at the end of the warm-up the peak, the last step the end.
    """
    peak, last_step = recipe.learning_rate, max(total_steps - 1, 1)
    warmup_steps = recipe.warmup * last_step
    if step < warmup_steps:
        progress = step / warmup_steps
        if recipe.schedule == "onecycle":
            progress = (1 - math.cos(math.pi * progress)) / 2
        elif recipe.warmup_shape == "constant":
            progress = 0.0
        return peak * (recipe.warmup_from + (1 - recipe.warmup_from) * progress)
    progress = min((step - warmup_steps) / max(last_step - warmup_steps, 1), 1.0)
    if recipe.schedule in ("cosine", "onecycle"):
        return peak * (recipe.final_lr_ratio + (1 - recipe.final_lr_ratio) * (1 + math.cos(math.pi * progress)) / 2)
    if recipe.schedule == "linear":
        return peak * (recipe.final_lr_ratio + (1 - recipe.final_lr_ratio) * (1 - progress))
    if recipe.schedule == "step":
        return peak * recipe.gamma ** bisect_right(recipe.milestones, step / total_steps)
    return peak
