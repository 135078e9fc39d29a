"""The keys of a recipe that depend on each other: what is refused because two of them contradict each other."""

from collections.abc import Callable, Collection

from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe.places import fault_at
from resnetc.runtime.recipe.recipe import Recipe

# On these depends what a state contains, or which images are whose.
FIXED_KEYS = frozenset(
    "batch_size seed optimizer freeze ema_decay image_size eval_resize normalise holdout validation split_seed "
    "drop_path precision".split()
)


def check_agreement(recipe: Recipe) -> None:
    """Refuse keys that contradict each other."""

    def fail(message: str, *keys: str) -> None:
        raise fault_at(recipe.places, message, *keys)

    if recipe.optimizer == "sgd" and recipe.nesterov and recipe.momentum == 0:
        fail("`nesterov` needs a `momentum` above 0; for plain sgd also set nesterov: false", "nesterov", "momentum")
    if recipe.batch_size % recipe.accumulate:
        parts = f"`batch_size` ({recipe.batch_size}) must be a multiple of `accumulate` ({recipe.accumulate})"
        fail(f"{parts}, the number of parts", "accumulate", "batch_size")
    if recipe.precision == "float16" and recipe.optimizer not in ("sgd", "adamw"):
        fail(
            f"`precision` is float16, which may skip updates, and `optimizer` {recipe.optimizer} does not support "
            "that; use bfloat16",
            "precision",
            "optimizer",
        )
    if recipe.image_size and recipe.eval_resize and recipe.eval_resize < recipe.image_size:
        sizes = f"`eval_resize` ({recipe.eval_resize}) must be at least `image_size` ({recipe.image_size})"
        fail(f"{sizes}, the size of the crop", "eval_resize", "image_size")
    if recipe.train_size and recipe.normalise == "pixel":
        fail("`normalise: pixel` has a mean per pixel of one size, but `train_size` sets others", "train_size")
    if recipe.sampling == "balanced" and recipe.class_weights == "balanced":
        both = "`sampling` and `class_weights` are both balanced, so rare classes would count twice: choose one"
        fail(both, "sampling", "class_weights")
    _check_augmentation(recipe, fail)
    if recipe.schedule == "onecycle" and recipe.warmup == 0:
        fail("`schedule` is onecycle, which needs a `warmup` above 0, e.g. 0.3", "schedule", "warmup")
    if recipe.schedule == "step":
        if not recipe.milestones:
            fail("`schedule` is step, which needs `milestones`, e.g. [0.5, 0.75]", "schedule", "milestones")
        if any(after <= before for before, after in zip(recipe.milestones, recipe.milestones[1:], strict=False)):
            fail("`milestones` must ascend", "milestones")


def _check_augmentation(recipe: Recipe, fail: Callable[..., None]) -> None:
    """What check_agreement refuses of what is done to images, by `fail(message, *keys)`."""
    if recipe.trivial_augment and recipe.rand_augment != "none":
        both = "`trivial_augment` and `rand_augment` are alternatives"
        fail(f"{both}: set trivial_augment: false or rand_augment: none", "rand_augment", "trivial_augment")
    if recipe.sampling == "balanced" and recipe.aug_repeats > 1:
        both = f"`sampling` is balanced, which itself repeats images, and `aug_repeats` is {recipe.aug_repeats}"
        fail(f"{both}: set sampling: shuffled or aug_repeats: 1", "aug_repeats", "sampling")
    if recipe.aug_repeats > recipe.batch_size:
        repeats = f"`aug_repeats` ({recipe.aug_repeats}) must be at most `batch_size` ({recipe.batch_size})"
        fail(f"{repeats}, or a step would use only one image", "aug_repeats", "batch_size")
    side = max(recipe.train_size or (recipe.image_size or 0,))
    if recipe.train_resize and recipe.train_resize[0] < side:
        fail(
            f"`train_resize` starts at {recipe.train_resize[0]}, below the crops of {side} pixels: start at {side} "
            "or above",
            "train_resize",
            "train_size",
            "image_size",
        )


def refuse_fixed_keys(keys: Collection[str]) -> None:
    """RunError (status 2) for a key that stays what it is as long as there is the run."""
    for key in keys:
        if key in FIXED_KEYS:
            raise RunError(
                f"--extend {key}=...: `{key}` cannot change during a run; start a new one from its weights: "
                f"--init RUN --override {key}=...",
                status=2,
            )
