"""The learning rate as a pure function of the step, so that there is no state to save."""

import math
from bisect import bisect_right

from resnetc.runtime.recipe.recipe import Recipe


def compute_learning_rate(recipe: Recipe, step: int, total_steps: int) -> float:
    """The learning rate of step `step` (from 0) in a run of `total_steps`: the warm-up, then `recipe.schedule` on the
    rest.

    The first step has the rate at which the warm-up starts, the step at the end of the warm-up the peak, the last step
    the final rate.
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
