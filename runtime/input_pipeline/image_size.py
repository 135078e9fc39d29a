"""Decides which size the images of a run have: that of the recipe, their own, or the one that the spec declares.

Imports no torch: it is known, and compared with the sizes that the network accepts, before anything is read.
"""

import ast

from resnetc.runtime.data import Fit, MixedOutline, Outline
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.splits import Split
from resnetc.runtime.recipe.places import fault_at, name_places
from resnetc.runtime.recipe.recipe import Recipe

_CENTRE = 0.875  # of the short side is what evaluation sees, where the recipe does not say


def fit_images(outline: Outline | MixedOutline, recipe: Recipe, declared: tuple[int, ...] | None) -> Outline:
    """The outline of the images as the network gets them, with those set aside that the recipe says.

    `declared` and the errors are those of `choose_fit`.
    """
    return Split.from_recipe(recipe).apply(choose_fit(outline, recipe, declared))


def choose_fit(outline: Outline | MixedOutline, recipe: Recipe, declared: tuple[int, ...] | None) -> Outline:
    """The outline of the images as the network gets them.

    declared: the size of an image in the spec or the module. RunError where no size can be told, and where images would
    have to be resized that are no photographs.
    """
    if isinstance(outline, Outline):
        refuse_augmentation(outline.name, len(outline.size), outline.channels, recipe)
    else:
        refuse_augmentation(outline.name, 2, outline.channels, recipe)
    own_size = outline.size if isinstance(outline, Outline) else None
    size: tuple[int, ...]
    if recipe.image_size is not None:
        size = recipe.image_size, recipe.image_size
    elif own_size is not None:
        size = own_size
    elif declared is not None and len(declared) == 2:
        size = declared[0], declared[1]
    else:
        raise RunError(
            f"{outline.name} has images of several sizes, and the network declares none: set one, for instance "
            f"--override image_size=224"
        )
    if outline.fit is not None and not recipe.train_size and recipe.train_resize and recipe.train_resize[0] < max(size):
        raise fault_at(
            recipe.places,
            f"`train_resize` starts at {recipe.train_resize[0]}, below the crops of {'x'.join(map(str, size))}: "
            f"start at {max(size)} or above",
            "train_resize",
        )
    if isinstance(outline, Outline) and size == own_size and (recipe.eval_resize is None or outline.fit is None):
        return outline
    if isinstance(outline, Outline) and len(outline.size) != 2:
        no_images = f"{outline.name} has no images: `image_size` and `eval_resize` do not apply"
        raise fault_at(recipe.places, f"{no_images}; remove them from the recipe", "image_size", "eval_resize")
    resize = round(max(size) / _CENTRE) if recipe.eval_resize is None else recipe.eval_resize
    if resize < max(size):
        raise fault_at(
            recipe.places,
            f"`eval_resize` is {resize}, but images of {'x'.join(map(str, size))} are cropped from it: --override "
            f"eval_resize={round(max(size) / _CENTRE)}",
            "eval_resize",
        )
    with name_places(recipe.places, "image_size", "eval_resize"):
        return outline.at(Fit((size[0], size[1]), resize))


def refuse_augmentation(name: str, axes: int, channels: int, recipe: Recipe) -> None:
    """RunError where the recipe changes inputs of so many axes and channels in a way that makes no sense for them."""
    if axes == 1 and recipe.horizontal_flip:
        raise fault_at(
            recipe.places,
            f"{name} has signals, which have no left and right: set horizontal_flip: false in the recipe "
            "(random_crop_padding shifts them, noise adds noise)",
            "horizontal_flip",
        )
    if axes != 2 and (recipe.color_jitter or recipe.lighting):
        key, kind = "color_jitter" if recipe.color_jitter else "lighting", "signals" if axes == 1 else "volumes"
        raise fault_at(recipe.places, f"{name} has {kind}, which have no colours: set {key}: 0 in the recipe", key)
    if channels != 3 and recipe.lighting:
        raise fault_at(
            recipe.places,
            f"{name} has {channels} channel{'s' if channels > 1 else ''}: `lighting` needs red, green and blue; set "
            "lighting: 0 in the recipe",
            "lighting",
        )


def refuse_keys_of_photographs(name: str, recipe: Recipe) -> None:
    """RunError where the recipe has what is done to photographs as they are decoded, and the set has none."""
    for key, what in (
        ("trivial_augment", "changes"),
        ("rand_augment", "changes"),
        ("train_size", "crops"),
        ("train_resize", "resizes"),
    ):
        if getattr(recipe, key) not in (False, "none", ()):
            decoded = f"`{key}` {what} photographs as they are decoded, and {name} has none: remove it from the recipe"
            raise fault_at(recipe.places, decoded, key)


def choose_train_size(recipe: Recipe, epoch: int, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the training crops of an epoch (from 0), where evaluation has `size`."""
    if not recipe.train_size:
        return size
    side = int(recipe.train_size[epoch * len(recipe.train_size) // recipe.epochs])
    return side, side


def count_declared_axes(source: str) -> int:
    """How many axes an input of a generated module has, from its text; 2 if it does not say."""
    return len(read_declared_size(source) or (0, 0))


def read_declared_size(source: str) -> tuple[int, ...] | None:
    """The size of an image for which a generated module was compiled, from its text; None if it does not say."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # what is wrong with it is said where it is built
    for statement in statements:
        if isinstance(statement, ast.Assign) and [ast.unparse(name) for name in statement.targets] == ["INPUT_SHAPE"]:
            try:
                shape = ast.literal_eval(statement.value)
            except ValueError:
                return None
            is_shape = isinstance(shape, tuple) and len(shape) > 1 and all(type(n) is int and n > 0 for n in shape)
            return shape[1:] if is_shape else None
    return None
