"""Datasets of the user's own: what a function may return, how its faults are told, and that runs on them are exact."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import resnetc
from resnetc.cli.main import main
from resnetc.runtime import data
from resnetc.runtime.data import Data, Outline
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.input_pipeline.splits import Split
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train
from tests.unit.runtime.run.test_resume import stopping
from tests.unit.runtime.test_photograph_runs import assert_equal_weights

START = """import random
import numpy, torch
from torch.utils.data import Dataset, TensorDataset

class Numbers(Dataset):
    def __init__(self, count, change=lambda values, index: values, label=lambda index: index % 10):
        self.count, self.change, self.label = count, change, label
    def __len__(self):
        return self.count
    def __getitem__(self, index):
        values = torch.full((1, 8, 8), index % 10 * 20, dtype=torch.uint8)
        return self.change(values, index), self.label(index)
"""
NOISY = """
def shake(values, index):
    shift = random.random() + numpy.random.rand() + torch.rand(1, 8, 8)
    return values.float() / 255 + shift

def load():
    return Numbers(40, shake), Numbers(20, shake)
"""
QUICK = Recipe(epochs=2, batch_size=8, eval_batch_size=7, workers=0, threads=1, learning_rate=0.05, seed=3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, in which modules of the user's lie; they are forgotten afterwards."""
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_data")]:
        del sys.modules[name]


def write(folder: Path, text: str, name: str = "own_data") -> None:
    (folder / f"{name}.py").write_text(START + text)


def read(name: str = "own_data:load", holdout: float = 0.0, validation: float = 0.0) -> data.ImageSet:
    outline = data.read_outline(name)
    assert isinstance(outline, Outline)
    return Split(holdout, validation, 0).apply(outline).read()


def test_a_run_on_datasets_is_that_on_their_arrays(source: str, few: Data, folder: Path) -> None:
    """Crops, mirroring and noise are those of data in memory, to the last bit."""
    names = ("train_images", "train_labels", "test_images", "test_labels")
    np.savez(folder / "few.npz", **{name: getattr(few, name).numpy() for name in names})
    write(
        folder,
        """
def load():
    with numpy.load("few.npz") as file:
        parts = [TensorDataset(*(torch.from_numpy(file[f"{part}_{what}"]) for what in ("images", "labels")))
                 for part in ("train", "test")]
    return {"train": parts[0], "test": parts[1], "classes": list("abcdefghij")}
""",
    )
    settings = replace(QUICK, random_crop_padding=1, horizontal_flip=True, noise=0.1, ema_decay=0.9)
    images = read()
    assert (images.class_names, images.size, images.classes) == (few.class_names, (8, 8), 10)
    train(source, "small", images, settings, folder / "own", quiet=True)
    train(source, "small", few, settings, folder / "memory", quiet=True)
    assert_equal_weights(folder / "own", folder / "memory")


@pytest.fixture(scope="module")
def noisy(source: str) -> str:
    return source.replace("x.mean((2, 3))", "torch.dropout(x.mean((2, 3)), 0.3, self.training)")


def test_neither_workers_nor_a_stop_change_random_items(
    noisy: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The items draw from the generators of torch, NumPy and Python, and the network from torch's."""
    write(folder, NOISY)
    train(noisy, "small", read(), QUICK, folder / "whole", quiet=True)
    for workers in (1, 2):
        train(noisy, "small", read(), replace(QUICK, workers=workers), folder / f"by{workers}", quiet=True)
        assert_equal_weights(folder / f"by{workers}", folder / "whole")
    with monkeypatch.context() as patch:
        stopping(patch, [3], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(noisy, "small", read(), replace(QUICK, workers=2), folder / "cut", quiet=True)
    train(noisy, "small", read(), QUICK, folder / "cut", resume=True, quiet=True)
    assert_equal_weights(folder / "cut", folder / "whole")
    train(noisy, "small", read(), replace(QUICK, seed=4), folder / "other", quiet=True)
    with pytest.raises(AssertionError):
        assert_equal_weights(folder / "other", folder / "whole")


def test_epochs_see_other_items_and_evaluations_the_same(folder: Path) -> None:
    write(folder, NOISY)
    from resnetc.runtime.data.user_datasets import UserDatasets

    images = read()
    assert isinstance(images, UserDatasets)
    first, again, later = (images.read_train(3, epoch, [5, 6]) for epoch in (0, 0, 1))
    assert (first == again).all() and not (first == later).any()
    assert (images.read_train(3, 0, [6]) == first[1:]).all()  # whatever stands beside it
    assert (images.read_test([4]) == images.read_test([3, 4])[1:]).all()
    state = torch.get_rng_state()
    images.read_test([0])
    assert torch.equal(state, torch.get_rng_state())


FAULTS = {  # the module, and what is said of it
    "no module": ("own_data_nowhere:load", "", "--data own_data_nowhere:load: there is no data set and no module"),
    "a misspelt data set": ("fodler:photos", "", "a similar name exists: `folder`"),
    "no function": ("own_data:laod", "def load(): pass", "own_data.py has no `laod`; a similar name exists: `load`"),
    "no function but a value": ("own_data:load", "load = 3", "`load` is int, not a function"),
    "a module that fails": ("own_data:load", "1 / 0", "own_data.py:13: ZeroDivisionError: division by zero (importing"),
    "no Python": ("own_data:load", "def", "own_data.py:13: SyntaxError: "),
    "a function that fails": (
        "own_data:load",
        "def load():\n    return torch.zeros(3).view(4)",
        "own_data.py:14: RuntimeError: shape '[4]' is invalid for input of size 3 (`own_data:load()`)",
    ),
    "a function that ends the process": ("own_data:load", "def load(): raise SystemExit(3)", "py:13: SystemExit: 3 ("),
    "no pair": ("own_data:load", "def load(): return Numbers(9)", "returns own_data.Numbers; expected a pair of torch"),
    "another key": ("own_data:load", "def load(): return {'train': Numbers(9), 'names': 3}", "a dict with 'train', 'n"),
    "no Dataset": ("own_data:load", "def load(): return 3, Numbers(9)", "returns int as its training part; expected a"),
    "no items": ("own_data:load", "def load(): return Numbers(9), Numbers(0)", "the test part has no items"),
    "no length": (
        "own_data:load",
        "class Stream(torch.utils.data.IterableDataset):\n    def __iter__(self): pass\n"
        "def load(): return Stream(), Stream()",
        "returns own_data.Stream as its training part, which has no random access; expected a torch Dataset",
    ),
    "no tensor": (
        "own_data:load",
        "def load(): return Numbers(9, lambda values, index: values.numpy()), Numbers(9)",
        "training item 0 of `own_data:load` contains numpy.ndarray; expected a torch.Tensor [channels, *size]",
    ),
    "other numbers": (
        "own_data:load",
        "def load(): return Numbers(9, lambda values, index: values.double()), Numbers(9)",
        "training item 0 of `own_data:load` is of torch.float64; expected torch.uint8 or torch.float32",
    ),
    "no values": (
        "own_data:load",
        "def load(): return Numbers(9, lambda values, index: values.to('meta')), Numbers(9)",
        "training item 0 of `own_data:load` is a tensor that is without values (meta); expected a dense one, with",
    ),
    "a sparse tensor": (
        "own_data:load",
        "def load(): return Numbers(9), Numbers(9, lambda values, index: values.to_sparse() if index == 3 else values)",
        "test item 3 of `own_data:load` is a tensor that is torch.sparse_coo; expected a dense one, with values",
    ),
    "names that are none": (
        "own_data:load",
        "def load(): return {'train': Numbers(9), 'test': Numbers(9), 'classes': ['a', 3]}",
        "`own_data:load` returns a list of 2 as `classes`; expected a list of strings",
    ),
    "no channels": (
        "own_data:load",
        "def load(): return Numbers(9, lambda values, index: values[0, 0]), Numbers(9)",
        "training item 0 of `own_data:load` has the shape [8]; expected [channels, *size] with one to three sizes",
    ),
    "another shape": (
        "own_data:load",
        "def load(): return Numbers(9), Numbers(9, lambda values, index: values[:, : 8 - index % 3])",
        "test item 1 of `own_data:load` is uint8 [1, 7, 8], but the first training item is uint8 [1, 8, 8]",
    ),
    "a number that is none": (
        "own_data:load",
        "def load(): return Numbers(9, lambda values, index: values / (index - 7)), Numbers(9)",
        "training item 7 of `own_data:load` has a value that is not finite",
    ),
    "a label that is none": (
        "own_data:load",
        "def load(): return Numbers(9, label=lambda index: 'cat'), Numbers(9)",
        "training item 0 of `own_data:load` has the label 'cat'; expected an integer",
    ),
    "a negative label": (
        "own_data:load",
        "def load(): return Numbers(9, label=lambda index: index - 1), Numbers(9)",
        "training item 0 of `own_data:load` has label -1; 0 to 9999 are allowed",
    ),
    "a class without a name": (
        "own_data:load",
        "def load(): return {'train': Numbers(9), 'test': Numbers(9), 'classes': ['a', 'b']}",
        "training item 2 of `own_data:load` has label 2, but `classes` has 2 names",
    ),
    "an item that fails": (
        "own_data:load",
        "def load():\n    return Numbers(9), Numbers(9, lambda values, index: values[index - 5 :].view(1, 8, 8))",
        "own_data.py:14: RuntimeError: shape '[1, 8, 8]' is invalid for input of size 0 (test item 6 of",
    ),
    "a generator of its own": (
        "own_data:load",
        "own = numpy.random.default_rng()\n"
        "def load(): return Numbers(9, lambda values, index: values.float() + float(own.random())), Numbers(9)",
        "training item 0 of `own_data:load` changes each time it is read: draw random numbers from the gen",
    ),
    "no test part": ("own_data:load", "def load(): return {'train': Numbers(9)}", "hold some images out, e.g."),
    "another number of axes": (
        "own_data:load",
        "def load(): return Numbers(9, lambda values, index: values[0]), Numbers(9, lambda values, index: values[0])",
        "takes two axes",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_said_in_one_line_before_the_first_step(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argument, text, expected = FAULTS[name]
    write(folder, text)
    assert main(["train", "digits", "--data", argument, "--override", "epochs=1"]) in (1, 2)
    printed = capsys.readouterr().err
    errors = [line for line in printed.splitlines() if not line.startswith("note: ")]
    assert len(errors) == 1 and expected in errors[0], printed
    assert "Traceback" not in printed and not (folder / "runs").exists()


def test_a_fault_in_the_middle_of_a_run_ends_it_with_its_state_saved(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from pathlib import Path\ndef check(values, index):\n    if index == 11 and Path('spoilt').exists():\n"
    write(
        folder,
        text + "        raise KeyError('lost')\n    return values\ndef load(): return Numbers(40, check), Numbers(9)",
    )
    images = read()
    train(source, "small", images, QUICK, folder / "whole", quiet=True)
    outs, create = [], RunFolder.create

    def spoil(self: RunFolder, *arguments: object) -> None:
        (folder / "spoilt").touch()  # after mean and deviation were measured
        create(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFolder, "create", spoil)
    for workers in (0, 2):
        out = folder / f"by{workers}"
        outs.append(out)
        with pytest.raises(RunError) as caught:
            train(source, "small", images, replace(QUICK, workers=workers), out, quiet=True)
        assert str(caught.value) == "own_data.py:16: KeyError: 'lost' (training item 11 of `own_data:load`)"
        (folder / "spoilt").unlink()
    for out in outs:
        train(source, "small", images, QUICK, out, resume=True, quiet=True)
        assert_equal_weights(out, folder / "whole")


def test_a_label_that_changes_ends_the_run(folder: Path) -> None:
    write(folder, "turn = [0]\ndef load(): return Numbers(9, label=lambda index: turn[0]), Numbers(9)")
    images = read()
    import sys

    sys.modules["own_data"].turn[0] = 1
    from resnetc.runtime.data.user_datasets import UserDatasets

    assert isinstance(images, UserDatasets)
    with pytest.raises(
        RunError, match="training item 3 of `own_data:load` has label 1 now, but had 0 in the first pass"
    ):
        images.read_train(0, 0, [3])


def test_parts_are_held_out_and_validate(source: str, folder: Path) -> None:
    write(folder, "def load(): return {'train': Numbers(100)}\ndef own(): return Parts()")
    images = read(holdout=0.2, validation=0.25)
    assert images.validation is not None
    counts = [len(one) for one in (images.train_labels, images.test_labels, images.validation.test_labels)]
    assert counts == [60, 20, 20] and images.test_labels.bincount().tolist() == [2] * 10
    result = train(source, "small", images, replace(QUICK, validation=0.25, holdout=0.2), folder / "run", quiet=True)
    assert result.best_top1 >= 0
    write(
        folder, "def load(): return dict(train=Numbers(30), test=Numbers(20), validation=Numbers(10))", "own_data_parts"
    )
    own = read("own_data_parts:load")
    assert own.validation is not None
    assert [len(one.test_labels) for one in (own, own.validation)] == [20, 10]
    assert own.fingerprint() != read("own_data_parts:load", validation=0).validation.fingerprint()  # type: ignore[union-attr]
    with pytest.raises(RunError, match="already has validation images: remove --validation"):
        read("own_data_parts:load", validation=0.1)
    held = read("own_data_parts:load")
    assert held.validation is not None and held.validation.train_labels.equal(held.train_labels)


def test_only_the_command_line_says_what_is_imported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run folder that names a function cannot have it called, whatever it is."""
    write(folder, "open('called', 'a').write('x')\ndef load(): return Numbers(40), Numbers(20)")
    chosen = ["--override", "epochs=1", "--override", "batch_size=8"]
    assert main(["train", "digits", "--data", "own_data:load", *chosen, "--out", "run"]) == 0
    printed = capsys.readouterr()
    assert "note: calls `own_data:load` from own_data.py (--data)" in printed.err
    assert "% of the held-out own_data:load images after 1 epoch" in printed.out
    import sys

    for command in (["train", "--resume", "--out", "run"], ["eval", "run"]):
        sys.modules.pop("own_data", None)
        (folder / "called").unlink(missing_ok=True)
        capsys.readouterr()
        assert main(command) == 1
        printed = capsys.readouterr()
        assert printed.err.count("\n") == 1 and "imported only if you name it: add --data own_data:load" in printed.err
        assert not (folder / "called").exists()
        assert main([*command, "--data", "own_data:load"]) == 0
        assert (folder / "called").exists()
    (folder / "own_data.py").unlink()
    capsys.readouterr()
    np.save("new.npy", np.zeros((2, 8, 8), np.uint8))
    assert main(["predict", "run", "new.npy", "--format", "json"]) == 0
    assert [json.loads(line)["input"] for line in capsys.readouterr().out.splitlines()] == ["new.npy[0]", "new.npy[1]"]
    assert resnetc.open_run("run").predict(torch.zeros(1, 8, 8, dtype=torch.uint8)).shape == (1, 10)
    assert RunFolder(Path("run")).read_records()[0]["epoch"] == 1
