"""A run folder may come from a stranger: nothing runs that the command does not name, and each fault is one message."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import resnetc
from resnetc.runtime.errors import RunError
from resnetc.runtime.model import loader
from resnetc.runtime.run import checkpoint
from tests.support import run_command
from tests.unit.runtime.data.test_preprocessing import CRAFTED, GOOD

SPEC = """edition 1

extern own() [C, H, W] => [C, H, W] = "{module}:Own"

model net(classes: int = 10, channels: int = 1) {{
  input [channels, H, W] = [channels, 8, 8]
  stem = conv(4, kernel=3) |> own
  head = global_avg_pool |> fc: linear(classes)
}}
"""
HONEST = "from torch import nn\nopen('ran', 'a').write('x')\nclass Own(nn.Identity):\n    pass\n"
QUICK = ("--override", "epochs=1", "--override", "threads=1")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the digits by a small network of the compiler's, and an image beside it."""
    root = tmp_path_factory.mktemp("honest")
    (root / "net.resnet").write_text(SPEC.replace("own() ", "unused() ").format(module="x").replace("own", "relu"))
    ran = run_command("train", str(root / "net.resnet"), *QUICK, "--out", str(root / "run"))
    assert ran.status == 0, ran.err
    from PIL import Image

    Image.new("L", (8, 8), 99).save(root / "8.png")
    return root


@pytest.fixture
def run(honest: Path, tmp_path: Path) -> Path:
    """A copy of that run to be attacked."""
    shutil.copytree(honest / "run", tmp_path / "run")
    shutil.copy(honest / "8.png", tmp_path)
    return tmp_path / "run"


def refuse(run: Path, words: str) -> None:
    """`predict` and `open_run` refuse the folder in one message that has these words; nothing is printed or written."""
    before = sorted(os.listdir(run))
    ran = run_command("predict", str(run), str(run.parent / "8.png"))
    assert (ran.status, ran.out) == (1, ""), ran.err
    assert ran.err.startswith("error: ") and ran.err.count("\n") == 1 and len(ran.err) < 700, ran.err
    assert words in ran.err, ran.err
    with pytest.raises(RunError):
        resnetc.open_run(run)
    assert sorted(os.listdir(run)) == before


def rewrite(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change the metadata of a checkpoint, and seal it again as a stranger can."""
    tensors, metadata = checkpoint.load(path)
    change(metadata)
    checkpoint.save(path, tensors, metadata)


# -- what a run folder names ------------------------------------------------------------------------------------------


COMMANDS = {
    "eval": ["eval", "run"],
    "eval other data": ["eval", "run", "--data", "digits"],
    "predict": ["predict", "run", "8.png"],
    "compare": ["compare", "run", "--out", "both"],
    "resume": ["train", "--resume", "--out", "run"],
}


def add_extern(run: Path, module: str) -> None:
    """Make the network of a run import `module`, as its spec could have said; importing it writes the file `ran`."""
    source = resnetc.compile(text=SPEC.format(module=module)).source
    (run / "model.py").write_text(source)
    for name in ("last.ckpt", "best.safetensors"):
        rewrite(run / name, lambda metadata: metadata.update(module=loader.compute_digest(source)))
    (run.parent / f"{module}.py").write_text(HONEST)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_imports_nothing_but_what_the_command_line_names(
    command: str, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"own_layer_of_{command.replace(' ', '_')}"
    add_extern(run, module)
    monkeypatch.chdir(run.parent)
    for names in ((), ("own", "layer"), (f"{module}.inner",)):
        ran = run_command(*COMMANDS[command], *(word for name in names for word in ("--allow-import", name)))
        assert ran.status == 1 and ran.out == "" and not Path("ran").exists(), ran.out
        assert ran.err.endswith(
            f"run/model.py: the network imports `{module}`, and a run folder may not decide which code runs: name it "
            f"with --allow-import {module} (in Python: allow_imports) if you trust it\n"
        ), ran.err
    with pytest.raises(RunError, match=f"the network imports `{module}`"):
        resnetc.open_run("run", allow_imports=["own"])
    ran = run_command(*COMMANDS[command], "--allow-import", module)
    assert ran.status == 0, ran.err
    assert f"note: the network may import `{module}` from {module}.py (--allow-import)\n" in ran.err
    assert Path("ran").exists()
    assert resnetc.open_run("run", allow_imports=[module]).classes == tuple("0123456789")


@pytest.mark.parametrize("text", ["own.py", "./own", "", "own-layer", "a..b"])
def test_allow_import_takes_the_name_of_a_module(text: str) -> None:
    ran = run_command("eval", "run", "--allow-import", text)
    assert ran.status == 2 and "expected the name of a Python module" in ran.err, ran.err
    assert ("write --allow-import own\n" in ran.err) == (text in ("./own", "own.py"))


# -- what its files hold ----------------------------------------------------------------------------------------------


def test_a_module_that_was_changed_is_refused(run: Path) -> None:
    (run / "model.py").write_text((run / "model.py").read_text() + "open('ran', 'w')\n")
    refuse(run, "model.py: changed since best.safetensors was written")
    assert not Path("ran").exists()


@pytest.mark.parametrize("case", CRAFTED)
def test_a_crafted_record_is_refused_in_the_file_and_in_the_metadata(case: str, run: Path) -> None:
    change, words = CRAFTED[case]
    record = GOOD
    (run / "preprocessing.json").write_text(json.dumps(record | change))
    with pytest.raises(RunError, match=r"preprocessing\.json: "):
        resnetc.open_run(run)
    (run / "preprocessing.json").unlink()
    rewrite(run / "best.safetensors", lambda metadata: metadata.update(preprocessing=record | change))
    with pytest.raises(RunError, match=r"best\.safetensors: preprocessing: "):
        resnetc.open_run(run)


def record_of(run: Path, **change: object) -> None:
    """Change the record of a run everywhere."""
    text = json.loads((run / "preprocessing.json").read_text()) | change
    (run / "preprocessing.json").write_text(json.dumps(text))
    rewrite(run / "best.safetensors", lambda metadata: metadata.update(preprocessing=text))


DISAGREEING: dict[str, tuple[Callable[[Path], None], str]] = {
    "other classes in the file": (
        lambda run: (
            (run / "preprocessing.json").write_text(
                json.dumps(json.loads((run / "preprocessing.json").read_text()) | {"classes": ["a"] * 10})
            )
            and None
        ),
        "preprocessing.json: `classes` differs from the record in best.safetensors",
    ),
    "fewer classes than scores": (
        lambda run: record_of(run, classes=["a"]),
        "model.py: the network does not return scores for 1 classes",
    ),
    "more channels than the network takes": (
        lambda run: record_of(run, channels=3, mean=[0.0] * 3, scale=[1.0] * 3),
        "model.py: the network does not accept inputs of 3x8x8: ",
    ),
    "a signal": (lambda run: record_of(run, kind="signal", size=[8]), "the network takes a signal, not images"),
    "no record": (
        lambda run: rewrite(run / "best.safetensors", lambda metadata: metadata.pop("preprocessing")),
        "`preprocessing` is miss",
    ),
    "a record that is a text": (
        lambda run: rewrite(run / "best.safetensors", lambda metadata: metadata.update(preprocessing="{}")),
        "`preprocessing` must be a table",
    ),
    "a format that is a list": (
        lambda run: rewrite(run / "best.safetensors", lambda metadata: metadata.update(format=[5])),
        "format [5]",
    ),
    "a format that is true": (
        lambda run: rewrite(run / "best.safetensors", lambda metadata: metadata.update(format=True)),
        "format True",
    ),
    "weights of another network": (
        lambda run: checkpoint.save(run / "best.safetensors", {}, checkpoint.load(run / "best.safetensors")[1]),
        "best.safetensors: does not fit",
    ),
}


@pytest.mark.parametrize("case", DISAGREEING)
def test_files_that_contradict_one_another_are_refused(case: str, run: Path) -> None:
    attack, words = DISAGREEING[case]
    attack(run)
    ran = run_command("predict", str(run), str(run.parent / "8.png"))
    assert (ran.status, ran.out) == (1, ""), ran.err
    assert words in ran.err and ran.err.count("\n") == 1, ran.err


FILES = ("model.py", "preprocessing.json", "best.safetensors")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a device", "a link to itself", "an endless file"])
def test_what_is_no_file_is_neither_waited_for_nor_read(kind: str, name: str, run: Path) -> None:
    path = run / name
    path.unlink()
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "an endless file":
        with open(path, "wb") as file:
            file.truncate(1 << 40)
    else:
        path.symlink_to("/dev/zero" if kind == "a device" else path)
    if name == "best.safetensors" and kind != "an endless file":  # then the last weights are there
        with pytest.raises(RunError, match="no such file"):
            resnetc.open_run(run, weights="best")
        assert len(resnetc.open_run(run).classes) == 10
        return
    refuse(run, "not a run folder" if name == "model.py" and kind != "an endless file" else name)


def test_names_of_classes_cannot_drive_a_terminal(run: Path) -> None:
    record_of(run, classes=["\x1b[2J", "a\nb", "\u202e", "\ud800", "=1+1", *"56789"])
    ran = run_command("predict", str(run), str(run.parent / "8.png"), "--top", "10")
    assert ran.status == 0 and ran.out.count("\n") == 1, ran.out + ran.err
    assert not {"\x1b", "\u202e", "\ud800"} & set(ran.out)
    for style in ("json", "csv"):
        listed = run_command("predict", str(run), str(run.parent / "8.png"), "--top", "10", "--format", style)
        assert listed.status == 0, listed.err
        assert "\x1b" in listed.out or "\\u001b" in listed.out


# -- what it is given -------------------------------------------------------------------------------------------------

INPUTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (lambda path: os.mkfifo(path), "not a regular file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "nothing in it": (lambda path: path.touch(), "not an image"),
    "no image": (lambda path: path.write_text("#!/bin/sh"), "not an image"),
    "an empty folder": (lambda path: path.mkdir(), "no images in it"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_inputs_that_cannot_be_read_are_named_and_nothing_is_printed(case: str, run: Path) -> None:
    make, words = INPUTS[case]
    path = run.parent / "strange\x1b[31m.png"
    make(path)
    ran = run_command("predict", str(run), str(run.parent / "8.png"), str(path))
    assert (ran.status, ran.out) == (1, ""), ran.out
    assert words in ran.err and r"strange\x1b[31m.png: " in ran.err and ran.err.count("\n") == 1, ran.err


def pickled() -> bytes:
    import pickle

    return pickle.dumps(os.system)


ARRAYS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a pickle": ("x.npy", lambda path: path.write_bytes(pickled()), "not a NumPy array"),
    "a pickle in a zip": ("x.npz", lambda path: path.write_bytes(pickled()), "not a NumPy array"),
    "nothing": ("x.npy", lambda path: path.touch(), "not a NumPy array"),
    "a pipe": ("x.npy", lambda path: os.mkfifo(path), "not a regular file"),
    "a giant header": (
        "x.npy",
        lambda path: path.write_bytes(
            b"\x93NUMPY\x01\x00\x76\x00"
            + b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 8, 8), }".ljust(117)
            + b"\n"
        ),
        "not a NumPy array",
    ),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_cannot_be_read_are_named(case: str, run: Path) -> None:
    name, make, words = ARRAYS[case]
    path = run.parent / name
    make(path)
    ran = run_command("predict", str(run), str(path))
    assert (ran.status, ran.out) == (1, ""), ran.err
    assert words in ran.err and f"{path}: " in ran.err and ran.err.count("\n") == 1, ran.err


def test_arrays_of_objects_and_bombs_are_refused(run: Path) -> None:
    import zipfile

    import numpy as np

    folder = run.parent
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "texts.npy", np.full((2, 8, 8), "a"))
    np.save(folder / "wide.npy", np.zeros((2, 8, 8, 3), np.uint8))
    np.savez(folder / "bomb.npz", x=np.zeros((2, 8, 8), np.uint8))
    header = b"\x93NUMPY\x01\x00\x76\x00" + (
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (100000000, 8, 8), }".ljust(117) + b"\n"
    )
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header + bytes(1000))
    for name, words in (
        ("objects.npy", "not a NumPy array"),
        ("texts.npy", "the network was trained on bytes: uint8"),
        ("wide.npy", "shape [8, 8, 3]; expected [height, width] or [height, width, 1]"),
        ("bomb.npz", "bomb.npz:x: larger than 2,147,483,648 bytes: write it as .npy"),
        ("bomb.npz:y", "no `y` in it (it holds x)"),
    ):
        ran = run_command("predict", str(run), str(folder / name))
        assert (ran.status, ran.out) == (1, "") and words in ran.err and ran.err.count("\n") == 1, ran.err


@pytest.mark.parametrize(
    "line",
    [
        'EXTERNS = ("own_evil:Own",)',
        "import own_evil",
        "from own_evil.inner import Own",
        "def build():\n    import torch, own_evil\n    return own_evil.Own()",
        "from . import own_evil",
        "import os",
    ],
)
def test_the_digest_of_a_module_is_no_permission(line: str, run: Path) -> None:
    """A stranger can seal what they like: whatever way a module imports, the command line has to name it."""
    evil = f"{(run / 'model.py').read_text()}\n{line}\n"
    (run / "model.py").write_text(evil)
    rewrite(run / "best.safetensors", lambda metadata: metadata.update(module=loader.compute_digest(evil)))
    refuse(run, "the network imports `")


def test_code_in_the_module_of_a_run_is_executed_only_if_it_is_named(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed as well as a stranger can: what no compiled module holds is found before anything is executed."""
    monkeypatch.chdir(run.parent)
    evil = (run / "model.py").read_text() + "\nopen('ran', 'w')\n"
    (run / "model.py").write_text(evil)
    for name in ("last.ckpt", "best.safetensors"):
        rewrite(run / name, lambda metadata: metadata.update(module=loader.compute_digest(evil)))
    line = evil.count("\n")
    for command in COMMANDS:
        ran = run_command(*COMMANDS[command])
        assert (ran.status, ran.out) == (1, "") and not Path("ran").exists(), ran.out
        assert (
            f"run/model.py:{line}: `open` is not something that resnetc writes, so nothing in the file is exec"
            in ran.err
        )
    ran = run_command(*COMMANDS["predict"], "--allow-import", "model.py")
    assert ran.status == 0 and Path("ran").exists()
    assert ran.err == "note: all code in model.py is executed (--allow-import model.py)\n"
