"""What is refused of a recipe when the data are known says where the key was written: a file and line, or an option."""

import ast
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from resnetc import runtime
from resnetc.runtime.data import Data, Outline
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline import image_size
from resnetc.runtime.input_pipeline.sampling import build_order
from resnetc.runtime.model.dry_run import check_run
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.places import fault_at
from resnetc.runtime.recipe.recipe import RULES, Recipe
from resnetc.runtime.training.class_weights import compute_class_weights

CPU = torch.device("cpu")
PART = torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.zeros(4, 2, dtype=torch.uint8)
MULTI = Data("marks", None, ("a", "b"), *PART, *PART)  # images of any number of two classes


def outline(size: tuple[int, ...], channels: int = 1, train: int = 100, test: int = 40) -> Outline:
    return Outline("set", 10, channels, size, train, test, lambda: MULTI)


def fit(size: tuple[int, ...], channels: int = 1, **counts: int) -> Callable[[Recipe], object]:
    return lambda recipe: image_size.fit_images(outline(size, channels, **counts), recipe, None)


def fit_photographs(recipe: Recipe) -> object:
    photographs = replace(outline((8, 8)), fit=lambda fit: outline(fit.size))
    return image_size.fit_images(photographs, recipe, None)


def open_memory(recipe: Recipe) -> object:
    return image_size.refuse_keys_of_photographs("set", recipe)


REFUSALS: dict[str, tuple[str, Callable[[Recipe], object], str]] = {
    "a flip of signals": ("horizontal_flip: true", fit((64,)), "set has signals, which have no left and right"),
    "colours of volumes": (
        "color_jitter: 0.1",
        fit((8, 8, 8)),
        "set has volumes, which have no colours: set color_jit",
    ),
    "light on grey": ("lighting: 0.1", fit((8, 8)), "set has 1 channel: `lighting` needs red, green and blue; set"),
    "a size of signals": (
        "image_size: 32",
        fit((64,)),
        "set has no images: `image_size` and `eval_resize` do not apply",
    ),
    "a small resize": ("eval_resize: 4", fit_photographs, "`eval_resize` is 4, but images of 8x8 are cropped from it"),
    "small sides": (
        "train_resize: [4, 9]",
        fit_photographs,
        "`train_resize` starts at 4, below the crops of 8x8",
    ),
    "a size in memory": (
        "image_size: 32",
        fit((8, 8)),
        "set has images of 8x8, not of 32x32: only photographs (--data fo",
    ),
    "policies in memory": (
        "trivial_augment: true",
        open_memory,
        "`trivial_augment` changes photographs as they are dec",
    ),
    "crops in memory": ("train_size: [8]", open_memory, "`train_size` crops photographs as they are decoded, and set"),
    "a needless test part": ("holdout: 0.2", fit((8, 8)), "set has 40 test images: --holdout is for sets without"),
    "no test part": ("holdout: 0.001", fit((8, 8), test=0), "`holdout` is 0.001: 0 of the 100 training images of set"),
    "no validation": ("validation: 0.001", fit((8, 8)), "`validation` is 0.001: 0 of the 100 training images of set"),
    "balance of many labels": (
        "sampling: balanced",
        lambda recipe: build_order(recipe, MULTI, CPU),
        "`sampling` is balanced, but an image of marks has any number of classes, not one: set sampling: shuffled",
    ),
    "too many repeats": (
        "aug_repeats: 9",
        lambda recipe: build_order(recipe, MULTI, CPU),
        "`aug_repeats` is 9: an epoch would use only one of the 4 training images of marks: set aug_repeats to 4 "
        "or less",
    ),
    "too few weights": (
        "class_weights: [1]",
        lambda recipe: compute_class_weights(recipe, MULTI),
        "`class_weights` has 1 numbers, but marks has 2 classes: write one for each",
    ),
    "depth in no net": (
        "drop_path: 0.1",
        lambda recipe: check_run(torch.nn.Flatten(), "net", MULTI, recipe, 1),
        "`drop_path` is 0.1 in the recipe, and there is none in `net`: compile it with --set drop=",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_where_the_key_was_written(case: str, tmp_path: Path) -> None:
    line, refuse, message = REFUSALS[case]
    file = tmp_path / "own.yaml"
    file.write_text(f"# of the recipe\nepochs: 2\n{line}\n")
    with pytest.raises(RunError) as caught:
        refuse(recipe_file.load(str(file)))
    assert str(caught.value).startswith(f"{file}:3:{line.index(' ') + 2}: {message}")
    assert caught.value.status == 1
    override = line.replace(": ", "=", 1)
    key = line.partition(":")[0]
    for options, place in ({}, f"--override {override}"), ({key: f"--{key} X"}, f"--{key} X"):
        with pytest.raises(RunError) as caught:
            refuse(recipe_file.load(str(file), [override], options=options))
        assert str(caught.value).startswith(f"{place}: {message}")
        assert caught.value.status == 2
    values = {key: getattr(recipe_file.load(str(file)), key)}
    with pytest.raises(RunError) as caught:  # a recipe of a program was written nowhere
        refuse(Recipe(**values))
    assert str(caught.value).startswith(message) and caught.value.status == 1


def test_a_shipped_recipe_is_a_place() -> None:
    with pytest.raises(RunError) as caught:
        fit((64,))(recipe_file.load("cifar10"))
    assert str(caught.value).startswith("recipes/cifar10.yaml:")
    assert ": set has signals, which have no left and right" in str(caught.value)


def test_places_are_no_part_of_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("epochs: 3\n")
    one, two = recipe_file.load(str(tmp_path / "own.yaml")), Recipe(epochs=3)
    assert one.places == {"epochs": f"{tmp_path}/own.yaml:1:9"} and not two.places
    assert one == two and hash(one) == hash(two) and repr(one) == repr(two)
    assert (
        one.to_yaml() == two.to_yaml()
        and one.to_settings() == two.to_settings()
        and set(one.to_settings()) == set(RULES)
    )
    assert replace(one, seed=1).places == one.places == pickle.loads(pickle.dumps(one)).places


def test_an_option_goes_before_a_file_and_a_file_before_a_default() -> None:
    places = {"a": "own.yaml:1:4", "b": "own.yaml:2:4", "c": "--override c=1"}
    for keys, text, status in (
        (("a", "b"), "own.yaml:1:4: no", 1),
        (("x", "b"), "own.yaml:2:4: no", 1),
        (("a", "c"), "--override c=1: no", 2),
        (("x",), "no", 1),
    ):
        fault = fault_at(places, "no", *keys)
        assert (str(fault), fault.status) == (text, status)


def test_no_module_refuses_a_key_without_its_place() -> None:
    """Whatever else raises a RunError that begins with the name of a key, or says what to write in the recipe."""
    own_folder, bare = Path(runtime.__file__).parent, []
    for path in sorted(own_folder.rglob("*.py")):
        if path.parent.name == "recipe":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RunError":
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                text = "".join(part for part in texts if isinstance(part, str))
                if "in the recipe" in text or any(text.startswith(f"`{key}`") for key in RULES):
                    bare.append(f"{path.relative_to(own_folder)}:{node.lineno}: {text}")
    assert bare == []
