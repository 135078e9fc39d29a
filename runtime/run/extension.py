"""Extends a finished run: what of its recipe may change, what that means for the run, and that its folder says so."""

from collections.abc import Collection

from resnetc.runtime.errors import RunError
from resnetc.runtime.optim.lr_schedule import compute_learning_rate
from resnetc.runtime.recipe.key_rules import format_value
from resnetc.runtime.recipe.recipe import RULES, Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.state_metadata import BestEpoch, has_ended


def describe_extension(
    then: Recipe, now: Recipe, keys: Collection[str], epochs: int, best: BestEpoch, steps_per_epoch: int
) -> str:
    """What is different from now on in a run that has done so many epochs; RunError where it has not ended, or would
    not go on."""
    changes = [
        f"{key} {format_value(getattr(then, key))} -> {format_value(getattr(now, key))}"
        for key in RULES
        if key in keys and getattr(then, key) != getattr(now, key)
    ]
    if not has_ended(then, epochs, best):
        raise RunError(
            f"--extend is for a finished run, but this one has done {epochs} of {then.epochs} epochs: use --resume"
        )
    if not changes or has_ended(now, epochs, best):
        remedy = "early_stopping=0" if epochs < now.epochs else f"epochs={2 * epochs}"
        raise RunError(f"nothing is left to train after epoch {epochs}: --extend {remedy}", status=2)
    step = epochs * steps_per_epoch
    last = compute_learning_rate(then, step - 1, then.epochs * steps_per_epoch)
    following = compute_learning_rate(now, step, now.epochs * steps_per_epoch)
    return (
        f"extended after epoch {epochs}: {', '.join(changes)}; the learning rate continues at {following:.3g} "
        f"(the last was {last:.3g})"
    )


def write_extended_recipe(run: RunFolder, recipe: Recipe, note: str) -> None:
    """Write `recipe.yaml` anew, with a comment that says what was changed, behind those of earlier extensions."""
    lines = run.recipe_path.read_text("utf-8").splitlines() if run.recipe_path.is_file() else []
    earlier = [line for line in lines if line.startswith("# ")]
    checkpoint.write(
        run.recipe_path, "".join(f"{line}\n" for line in [*earlier, f"# {note}"]).encode() + recipe.to_yaml().encode()
    )
