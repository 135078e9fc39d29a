"""The Python API: what it shows, what it takes, and how it refuses."""

from pathlib import Path

import pytest
from torch import nn

import resnetc
from tests.support import run_python

TEXT = """edition 1
use std.blocks

model small(classes: int = 10, channels: int = 3, ratio: number = 0.5, flag: bool = false) {
  input [channels, H, W] = [channels, 16, 16]
  stem = conv(8, kernel=3) |> norm |> act |> dropout(ratio)
  stage layer1 = 2 of blocks.basic(8)
  head = global_avg_pool |> fc: linear(classes)
}
"""


def test_dir_shows_the_api() -> None:
    shown = [name for name in dir(resnetc) if not name.startswith("_")]
    assert shown == ["CompileError", "Compiled", "compile", "load", "open_run", "testing"]
    assert all(getattr(resnetc, name) is not None for name in dir(resnetc))
    assert "__version__" in dir(resnetc)


def test_a_spec_may_be_a_text() -> None:
    compiled = resnetc.compile(text=TEXT, classes=7)
    assert compiled.network.name == "small_classes7"
    assert compiled.checked.title == "text" and "SPEC = 'text'" in compiled.source.replace('"', "'")
    assert isinstance(resnetc.load(text=TEXT), nn.Module)
    with pytest.raises(resnetc.CompileError) as caught:
        resnetc.compile(text=TEXT.replace("basic(8)", "basik(8)"))
    assert "--> text:7:30" in str(caught.value)
    with pytest.raises(resnetc.CompileError, match=r"text is not a text file: a byte that is not UTF-8 on line 1"):
        resnetc.compile(text="\ud800")


def test_a_text_that_stands_for_several_networks_is_called_the_text() -> None:
    two = TEXT + TEXT.split("std.blocks\n")[1].replace("small", "other")
    with pytest.raises(ValueError, match=r"^the text defines 2 networks \(small, other\): choose one"):
        resnetc.compile(text=two)
    assert resnetc.compile(text=two, model="other").network.name == "other"


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((), {}, "pass a spec: its name or path, or its text as `text=`"),
        (("digits",), {"text": TEXT}, "pass a spec or a `text=`, not both"),
        ((TEXT,), {}, "`spec` is a name or a path: pass the text of a spec as `text=`"),
        (("-",), {}, "`spec` is a name or a path: pass the text of a spec as `text=`"),
        ((nn.ReLU(),), {}, "`spec` is a name or a path, not a torch.nn.modules.activation.ReLU"),
        ((), {"text": 3}, "`text=` is the text of a spec, a string, not an int"),
    ],
)
def test_what_is_neither_a_spec_nor_a_text_is_refused(
    arguments: tuple[object, ...], keywords: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        resnetc.compile(*arguments, **keywords)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_a_spec_may_be_a_path(tmp_path: Path) -> None:
    (tmp_path / "small.resnet").write_text(TEXT)
    assert resnetc.compile(tmp_path / "small.resnet").network.name == "small"


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("in_chans", "`in_chans` is called `channels` here"),
        ("num_classes", "`num_classes` is called `classes` here"),
        ("n_classes", "`n_classes` is called `classes` here"),
        ("norm_layer", "`norm_layer` is called `norm` here"),
        ("pretrained", "no weights are shipped: `train --init FILE` and `load_state_dict` take yours"),
        ("clases", "a similar one exists: `classes`"),
        ("zzz", ""),
    ],
)
def test_an_unknown_keyword_lists_what_there_is(name: str, others: str) -> None:
    with pytest.raises(ValueError) as caught:
        resnetc.compile(text=TEXT, **{name: 1})
    first, parameters, slots = str(caught.value).split("\n")
    assert first == f"no model here has a parameter or slot `{name}`" + (f"; {others}" if others else "")
    assert parameters == "parameters: classes, channels, ratio, flag"
    assert slots.startswith("slots: ") and "norm" in slots[7:].split(", ")


def test_a_hint_is_given_only_where_it_leads_somewhere() -> None:
    text = TEXT.replace("(classes: int", "(kinds: int").replace("(classes)", "(kinds)")
    with pytest.raises(ValueError, match="`num_classes`\nparameters: kinds, channels, ratio, flag\n"):
        resnetc.compile(text=text, num_classes=3)


SLOT = (
    "a slot takes a string with an expression of the language, such as"
    ' norm="group_norm(groups=32)"; a parameter takes a number, True, False or a list'
)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("norm", nn.GroupNorm, f"`norm` is given the class torch.nn.modules.normalization.GroupNorm: {SLOT}"),
        ("act", nn.ReLU(), f"`act` is given a torch.nn.modules.activation.ReLU: {SLOT}"),
        ("act", max, f"`act` is given a builtin_function_or_method: {SLOT}"),
        ("classes", {1}, f"`classes` is given a set: {SLOT}"),
        ("ratio", [0.5, 1j], f"`ratio` is given a complex: {SLOT}"),
        ("norm_layer", nn.GroupNorm, "`norm_layer` is called `norm` here"),
    ],
)
def test_a_value_that_a_spec_cannot_say_is_refused_plainly(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        resnetc.compile(text=TEXT, **{name: value})
    assert message in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    compiled = resnetc.compile(text=TEXT, classes=numpy.int64(5), ratio=numpy.float64(0.25), flag=numpy.bool_(True))
    assert compiled.network.name == "small_classes5_ratio1_4_flagtrue"


def test_load_without_torch_says_what_to_install() -> None:
    program = """
import sys
sys.modules["torch"] = None
import resnetc
from resnetc.runtime.errors import RunError, require_packages
resnetc.compile("digits")
try:
    require_packages("torch")
except RunError as error:
    wanted = str(error)
try:
    resnetc.load("digits")
except ImportError as error:
    print(str(error) == wanted and "[run]" in wanted, error.name)
"""
    done = run_python(program)
    assert (done.stdout, done.stderr) == ("True torch\n", "")
