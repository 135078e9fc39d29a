"""The learning rate as a pure function of the step: nothing to save, nothing to restore."""

import math
from bisect import bisect_right

from resnetc.runtime.recipe import Recipe


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The rate for step `step` (from 0) of a run of `steps`: the warm-up first, then `recipe.schedule` on what is left.

    The first step has the warm-up's start, the step at the end of the warm-up the peak, the last step the end.
    """
    peak, last = recipe.learning_rate, max(steps - 1, 1)
    warm = recipe.warmup * last
    if step < warm:
        way = step / warm
        if recipe.schedule == "onecycle":
            way = (1 - math.cos(math.pi * way)) / 2
        elif recipe.warmup_shape == "constant":
            way = 0.0
        return peak * (recipe.warmup_from + (1 - recipe.warmup_from) * way)
    way = min((step - warm) / max(last - warm, 1), 1.0)
    if recipe.schedule in ("cosine", "onecycle"):
        return peak * (recipe.final_lr_ratio + (1 - recipe.final_lr_ratio) * (1 + math.cos(math.pi * way)) / 2)
    if recipe.schedule == "linear":
        return peak * (recipe.final_lr_ratio + (1 - recipe.final_lr_ratio) * (1 - way))
    if recipe.schedule == "step":
        return peak * recipe.gamma ** bisect_right(recipe.milestones, step / steps)
    return peak
