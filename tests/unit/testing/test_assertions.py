"""The assertions of `resnetc.testing`: what they say of a wrong call, and of a module that does not run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import resnetc
from resnetc import testing
from resnetc.testing import Trial, trials

TEXT = """edition 1

model net() {
  input [3, H, W] = [3, 9, 9]
  stem = conv(4, kernel=3) |> max_pool(2, stride=2, padding=0)
  head = global_avg_pool |> fc: linear(2)
}
"""
AT_A_SIZE = (
    testing.assert_shapes_agree,
    testing.assert_multiply_adds_agree,
    testing.assert_activations_agree,
    testing.assert_images_independent,
    testing.assert_layouts_agree,
    testing.assert_outputs_agree,
)
OF_VALUES = AT_A_SIZE[1:]
OF_A_MODULE = (testing.assert_state_agrees, testing.assert_strides_agree)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def trial() -> Trial:
    (made,) = trials(TEXT)
    return made


WRONG_SIZES = {
    "too few": ((9,), ValueError, "net has 2 axes, H and W: sizes are like (9, 9), not (9,)"),
    "with the channels": ((3, 9, 9), ValueError, "net has 2 axes, H and W: sizes are like (9, 9), not (3, 9, 9)"),
    "none": ((), ValueError, "net has 2 axes, H and W: sizes are like (9, 9), not ()"),
    "a number": (9, TypeError, "net has 2 axes, H and W: sizes are like (9, 9), not 9"),
    "a text": ("9x9", TypeError, "net has 2 axes, H and W: sizes are like (9, 9), not '9x9'"),
    "a fraction": ((9, 4.5), TypeError, "net has 2 axes, H and W: sizes are like (9, 9), not (9, 4.5)"),
    "several": ([(9, 9), (5, 7)], TypeError, "net has 2 axes, H and W: sizes are like (9, 9), not [(9, 9), (5, 7)]"),
    "no position": ((0, 9), ValueError, "net at 0x9: a size must be at least 1"),
}


@pytest.mark.parametrize("check", AT_A_SIZE, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", WRONG_SIZES)
def test_sizes_that_are_none(check: Callable[..., Any], kind: str, trial: Trial, here: Path) -> None:
    """One error that says what sizes are; it is no failure of the network, so no spec is kept."""
    sizes, error, message = WRONG_SIZES[kind]
    with pytest.raises(error) as raised:
        check(trial, sizes)
    assert str(raised.value) == f"{check.__name__}: {message}"
    assert not hasattr(raised.value, "__notes__") and not any(here.iterdir())


def test_wrong_sizes_where_every_size_is_refused() -> None:
    """There is no set in which a missing size could be looked up."""
    (never,) = trials(TEXT.replace("conv(4, kernel=3)", "b").replace("\nmodel", BLOCK))
    assert repr(never) == "<resnetc.testing.Trial net: 226 parameters, rejected for its sizes>"
    assert never.refusals and not any(never.accepts((n, n)) for n in range(1, 20))
    with pytest.raises(ValueError, match=r"2 axes, H and W: sizes are like \(9, 9\), not \(32,\)"):
        testing.assert_shapes_agree(never, (32,))


BLOCK = """
block b() {
  let main = in |> conv(4, kernel=3)
  out = main + (in |> plain_conv(4, kernel=3, padding=0))
}

model"""


SEVERAL = "assert_network_agrees: several sizes of net are like [(9, 9), (10, 10)], not "


@pytest.mark.parametrize("sizes", [(9, 9), 9, "9x9", [9]])
def test_one_size_where_several_are_wanted(sizes: Any, trial: Trial) -> None:
    with pytest.raises(TypeError) as raised:
        testing.assert_network_agrees(trial, sizes)
    assert str(raised.value) == f"{SEVERAL}{sizes!r}"


def test_several_sizes_of_which_one_is_wrong(trial: Trial) -> None:
    with pytest.raises(ValueError, match=r"^assert_network_agrees: net has 2 axes.* not \(9, 9, 9\)$"):
        testing.assert_network_agrees(trial, [(9, 9), (9, 9, 9)])
    assert testing.assert_network_agrees(trial, iter([(9, 9), [1, 5]]), values=False) == 1  # type: ignore[list-item]


def test_sizes_may_be_a_list(trial: Trial) -> None:
    assert testing.assert_shapes_agree(trial, [9, 4])  # type: ignore[arg-type]


def test_an_axis_that_the_model_fixes() -> None:
    (fixed,) = trials(TEXT.replace("[3, H, W] = [3, 9, 9]", "[3, H, 9] = [3, 9, 9]"))
    assert testing.assert_shapes_agree(fixed, (5, 9))
    with pytest.raises(ValueError, match=r"^assert_shapes_agree: net at 5x8: the model fixes axis 2 to 9$"):
        testing.assert_shapes_agree(fixed, (5, 8))
    with pytest.raises(ValueError, match=r"net has 2 axes, H and one of 9: sizes are like \(9, 9\), not \(5,\)"):
        testing.assert_shapes_agree(fixed, (5,))


@pytest.mark.parametrize("check", [*AT_A_SIZE, *OF_A_MODULE], ids=lambda check: check.__name__)
@pytest.mark.parametrize("wrong", ["text", TEXT.encode(), None, 5, []], ids=repr)
def test_what_is_no_network(check: Callable[..., Any], wrong: Any) -> None:
    with pytest.raises(TypeError) as raised:
        check(wrong, (9, 9)) if check in AT_A_SIZE else check(wrong)
    said = "a network comes from `trials(text)` or `resnetc.compile`, not"
    assert str(raised.value) == f"{check.__name__}: {said} {type(wrong).__name__}"


def test_a_module_or_a_network_is_not_what_was_compiled(trial: Trial) -> None:
    for wrong in (resnetc.load("digits"), trial.network):
        with pytest.raises(
            TypeError, match=r"^assert_network_agrees: a network comes from `trials\(text\)` or `resnetc"
        ):
            testing.assert_network_agrees(wrong, [(9, 9)])  # type: ignore[arg-type]


def test_what_was_compiled_is_no_network_to_draw_sizes_for(trial: Trial) -> None:
    with pytest.raises(TypeError, match=r"^input_sizes: sizes are drawn for a `\.network`, not for a Trial$"):
        testing.input_sizes(trial)  # type: ignore[arg-type]


@pytest.mark.parametrize("batch", [0, -1, 1.5, "2"])
def test_a_batch_is_a_number_of_images(batch: Any, trial: Trial) -> None:
    for call in (testing.assert_shapes_agree, testing.assert_network_agrees):
        sizes: Any = (9, 9) if call is testing.assert_shapes_agree else [(9, 9)]
        with pytest.raises(ValueError) as raised:
            call(trial, sizes, batch)  # type: ignore[operator]
        assert str(raised.value) == f"{call.__name__}: a batch must have at least 1 image, not {batch!r}"


def test_an_argument_that_is_missing(trial: Trial) -> None:
    with pytest.raises(TypeError, match="^assert_shapes_agree: missing a required argument: 'sizes'$"):
        testing.assert_shapes_agree(trial)  # type: ignore[call-arg]


# -- a module that does not run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", OF_VALUES, ids=lambda check: check.__name__)
def test_a_size_that_the_module_refuses(check: Callable[..., Any], trial: Trial) -> None:
    with pytest.raises(AssertionError) as failed:
        check(trial, (1, 7))
    told, (note,) = str(failed.value), failed.value.__notes__
    assert told.startswith("net at 1x7: the module does not run: Given input size: (4x1x7). Calculated output size: ")
    assert "\n" not in told and note.endswith("--input 3x1x7")


@pytest.mark.parametrize("check", OF_VALUES, ids=lambda check: check.__name__)
def test_a_module_that_runs_at_no_size(check: Callable[..., Any], trial: Trial) -> None:
    broken = replace(trial, source=trial.source.replace("self.fc(", "self.nothing("))
    with pytest.raises(AssertionError) as failed:
        check(broken, (9, 9))
    assert str(failed.value) == "net at 9x9: the module does not run: 'Net' object has no attribute 'nothing'"
    assert isinstance(failed.value.__cause__, AttributeError)


# -- items ------------------------------------------------------------------------------------------------------------


def test_an_item_of_ones_own_in_a_file() -> None:
    """`uses` are files of `std`."""
    text = "block gated(width: int) {\n  out = in |> conv(width, kernel=1) |> gates.eca\n}"
    model = "model net() { input [3, L] = [3, 9] stem = stems.standard(4) stage layer1 = 1 of gated(4) head = none }"
    file = testing.Item("gated", text, ("gates", "stems")).file(model)
    assert file == f"edition 1\nuse std.gates\nuse std.stems\n\n{text}\n\n{model}\n"
    (made,) = trials(file)
    assert made.network.name == "net"
