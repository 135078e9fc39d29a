"""Data that a network does not take: said of the data, with the place in the spec, before torch is imported."""

import json
from pathlib import Path

import pytest

from resnetc.cli.main import main
from tests.support import run_python

NET = """edition 1
use std.blocks

model net({parameters}) {{
  {extra}
  input {input}
  stem = conv(8, kernel=3) |> norm |> act {stem}
  stage layer1 = 1 of blocks.basic(16, stride=2)
  head = {head}
  {claim}
}}
"""
USUAL = {
    "parameters": "classes: int = 10, channels: int = 3",
    "extra": "",
    "input": "[channels, H, W] = [channels, 32, 32]",
    "stem": "",
    "head": "global_avg_pool |> fc: linear(classes)",
    "claim": "",
}
SCORES = "it must return scores for the 10 classes of digits, for instance with a head that ends in `linear`"
FEATURES = {
    "parameters": USUAL["parameters"] + ", features: bool = false",
    "head": "(none when features otherwise global_avg_pool |> fc: linear(classes))",
}

SAID = {  # what of the spec is unlike `USUAL` -> the options of the command, and what it says
    "fixed": (
        {"input": "[channels, 32, 32] = [channels, 32, 32]"},
        [],
        "digits has images of 8x8, `net` takes only 32x32 (net.resnet:6)",
    ),
    "fixed by a parameter": (
        {
            "parameters": USUAL["parameters"] + ", side: int = 32",
            "input": "[channels, side, side] = [channels, 32, 32]",
        },
        [],
        "digits has images of 8x8, `net` takes only 32x32 (net.resnet:6); `--set side=...` sets it",
    ),
    "one axis fixed": (
        {"input": "[channels, 32, W] = [channels, 32, 32]"},
        [],
        "digits has images of 8x8, `net` takes a height of 32, every W (net.resnet:6)",
    ),
    "too small": (
        {"stem": "|> max_pool(9, padding=0)"},
        [],
        "digits has images of 8x8, `net` takes H >= 9, W >= 9: `max_pool(9, padding=0)` needs H >= 9 (net.resnet:7)",
    ),
    "a condition": (
        {"input": USUAL["input"] + " when W % 32 == 0"},
        [],
        "digits has images of 8x8, `net` takes every H, W = 0 mod 32 (net.resnet:6)",
    ),
    "one axis": (
        {"input": "[channels, T] = [channels, 64]"},
        [],
        "`net` takes one axis (net.resnet:6), digits has two axes (8x8)",
    ),
    "three axes": (
        {"input": "[channels, D, H, W] = [channels, 8, 8, 8]"},
        [],
        "`net` takes three axes (net.resnet:6), digits has two axes (8x8)",
    ),
    "features": (
        FEATURES,
        ["--set", "features=true"],
        f"`net` returns the maps of its stages (`head = none`, net.resnet:9): {SCORES}",
    ),
    "a map": (
        {"head": "conv(classes, kernel=1)"},
        [],
        f"`net` returns a map [10, ceil(H / 2), ceil(W / 2)] (net.resnet:9): {SCORES}",
    ),
    "channels without a parameter": (
        {"parameters": "classes: int = 10", "input": "[3, H, W] = [3, 32, 32]"},
        [],
        "digits has 1 channel, but `net` takes 3 (net.resnet:6); its model has no parameter `channels` to set",
    ),
    "other channels set": (
        {},
        ["--set", "channels=4"],
        "digits has 1 channel, but `net` takes 4 (net.resnet:6), because of `--set channels=4`: remove it",
    ),
    "channels that the spec refuses": (
        {"extra": 'require channels == 3 otherwise "colour alone"'},
        [],
        "digits has 1 channel, but net.resnet does not accept channels = 1: colour alone (net.resnet:5)",
    ),
    "classes without a parameter": (
        {"parameters": "channels: int = 3", "head": "global_avg_pool |> fc: linear(1000)"},
        [],
        "digits has 10 classes, but `net` returns scores for 1000 (net.resnet:9); its model has no parameter `classes` "
        "to set",
    ),
    "other scores than classes": (
        {"head": "global_avg_pool |> fc: linear(2 * classes)"},
        [],
        "digits has 10 classes, but `net` returns scores for 20 (net.resnet:9), although classes = 10",
    ),
    "classes that the spec refuses": (
        {"parameters": "classes: int, channels: int = 3", "extra": 'require classes <= 5 otherwise "five at most"'},
        [],
        "digits has 10 classes, but net.resnet does not accept classes = 10: five at most (net.resnet:5)",
    ),
}

HARNESS = """
import importlib.util, json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "sklearn"):
            sys.stderr.write(f"imports {name}\\n")
            raise KeyboardInterrupt

find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: name in ("torch", "sklearn") or find(name, package)
sys.meta_path.insert(0, Absent())
from resnetc.cli.main import main
for arguments in json.load(sys.stdin):
    print(main(arguments), file=sys.stderr, flush=True)
"""


def spec(folder: Path, name: str = "net.resnet", **other: str) -> str:
    (folder / name).write_text(NET.format(**{**USUAL, **other}))
    return name


def without_torch(folder: Path, commands: list[list[str]]) -> list[str]:
    """What the commands say in a process that ends if torch or scikit-learn is imported; the status behind each."""
    process = run_python(HARNESS, folder=folder, input=json.dumps(commands))
    assert process.returncode == 0, process.stderr
    return process.stderr.splitlines()


def test_what_the_data_lacks_is_said_of_the_data_and_without_torch(tmp_path: Path) -> None:
    due, commands = [], []
    for number, (other, options, said) in enumerate(SAID.values()):
        name = spec(tmp_path, f"{number}.resnet", **other)
        commands.append(["train", name, *options, "--out", "run"])
        due += [f"error: {said.replace('net.resnet', name)}", "1"]
    first = commands[0][1]
    told = without_torch(tmp_path, [*commands, ["compare", first, first, "--set", "classes=10", "--out", "run"]])
    assert told == [*due, *due[:2]]
    assert not (tmp_path / "run").exists()


def test_the_outline_of_every_data_set_is_found_without_torch(tmp_path: Path) -> None:
    import numpy
    from PIL import Image

    pixels = numpy.zeros((2, 8, 8), numpy.uint8)
    labels = numpy.arange(2)
    numpy.savez(tmp_path / "a.npz", train_images=pixels, test_images=pixels, train_labels=labels, test_labels=labels)
    for name in ("train/a/0.png", "test/a/0.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / name)
    fixed = spec(tmp_path, input="[channels, 48, 48] = [channels, 48, 48]")
    sets = [f"npz:{tmp_path}/a.npz", f"folder:{tmp_path}", f"cifar10:{tmp_path}", f"cifar100:{tmp_path}"]
    told = without_torch(tmp_path, [["train", fixed, "--data", name] for name in sets])
    sizes = ["npz has images of 8x8", "folder has images of 8x8", "cifar10 has images of 32x32"]
    sizes.append("cifar100 has images of 32x32")
    assert told[::2] == [f"error: {size}, `net` takes only 48x48 (net.resnet:6)" for size in sizes]
    assert told[1::2] == ["1"] * 4


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"head": "linear(4)"}, "E0310"),
        ({"input": "[channels, 48, 48] = [channels, 32, 32]"}, "E0323"),
        ({"stem": "|> max_pool(33, padding=0)"}, "E0320"),
        ({"input": USUAL["input"] + " when H % 5 == 0"}, "E0333"),
        ({"claim": "expect multiply_adds == 5"}, "E0402"),
        ({"parameters": "classes: int", "input": "[3, H, W] = [3, 32, 32]", "head": "linear(4)"}, "E0310"),
    ],
)
def test_a_mistake_that_does_not_depend_on_the_data_is_the_specs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    other: dict[str, str],
    code: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", spec(tmp_path, **other), "--out", "run"]) == 1
    told = capsys.readouterr().err
    assert f"error[{code}]" in told and "digits" not in told
    assert not (tmp_path / "run").exists()


def test_a_claim_about_the_declared_size_is_none_about_the_datas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cost alone is that of the declared size: 32x32 here, and the images are 8x8."""
    monkeypatch.chdir(tmp_path)
    name = spec(tmp_path, claim="expect multiply_adds > 500_000")
    assert main(["check", name]) == 0
    assert main(["train", name, "--override", "epochs=1", "--override", "threads=1", "--out", "run"]) == 0
    assert "note: net_channels1: from the data: classes = 10, channels = 1, input 8x8" in capsys.readouterr().err
    assert "INPUT_SHAPE = (1, 8, 8)" in (tmp_path / "run" / "model.py").read_text()


def test_the_specs_own_size_keeps_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["show", spec(tmp_path, stem="|> max_pool(9, padding=0)"), "--input", "3x8x9"]) == 2
    assert capsys.readouterr().err == "resnetc: --input 3x8x9: net accepts H >= 9, not 8\n"
