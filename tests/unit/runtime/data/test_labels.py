"""Classes: names that may be any text, labels that no image has, and tables as large as what occurs."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

import resnetc
from resnetc.cli.main import main
from resnetc.runtime import data
from resnetc.runtime.data import Data, labels
from resnetc.runtime.data.files import check_names
from resnetc.runtime.distributed.batch_shares import describe_single_step
from resnetc.runtime.errors import RunError
from resnetc.runtime.run import checkpoint

MOST = 900  # MiB that a process may hold, torch and all

LIMITED = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
from resnetc.cli.main import main
statuses = [main(arguments) for arguments in json.load(sys.stdin)]
peak = open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]  # getrusage's is also that of the parent
print(json.dumps([statuses, int(peak)]))
"""
QUICK = ("--recipe", "digits", "--override", "epochs=1", "--override", "threads=1")


def limited(folder: Path, commands: list[list[str]]) -> tuple[list[int], str, str]:
    """The statuses of commands, and what they printed, in a process with little memory and time."""
    path = os.pathsep.join([str(Path(resnetc.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, "-c", LIMITED],
        input=json.dumps(commands),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    *said, last = process.stdout.splitlines()
    statuses, kilobytes = json.loads(last)
    assert kilobytes < MOST << 10
    return statuses, "\n".join(said), process.stderr


def archive(path: Path, train: numpy.ndarray, test: numpy.ndarray, names: list[str] | None = None) -> list[str]:
    """`--data` and its value for noise of 8x8 with these labels."""
    random = numpy.random.default_rng(0)
    train_images, test_images = (random.integers(0, 256, (len(part), 8, 8), numpy.uint8) for part in (train, test))
    named = {} if names is None else {"class_names": numpy.array(names)}
    images = {"train_images": train_images, "test_images": test_images}
    numpy.savez(path, **images, train_labels=train, test_labels=test, **named)
    return ["--data", f"npz:{path}"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system for limits and for what was used, in its units")
def test_many_names_a_wild_label_and_a_name_that_is_no_text_take_little(tmp_path: Path) -> None:
    train, test = numpy.arange(100) % 4, numpy.arange(20) % 4
    wild = train.copy()
    wild[99] = 9999
    surrogate = archive(tmp_path / "surrogate.npz", train, test, ["a", "\ud800", "c", "d"])
    many = archive(tmp_path / "many.npz", train, test, ["a"] * 20000)
    label = archive(tmp_path / "label.npz", wild, test)
    runs = [["train", "digits", *given, *QUICK, "--out", f"run{n}"] for n, given in enumerate((surrogate, many, label))]
    statuses, said, told = limited(tmp_path, [*runs, ["eval", runs[0][-1]], ["eval", runs[2][-1]]])
    assert statuses == [0, 1, 0, 0, 0]
    assert f"error: {tmp_path}/many.npz: class_names: 20,000 names; the limit is 10,000 classes\n" in told
    assert "\n  1 \\ud800 " in said
    assert "note: npz: no training image has the labels 4 to 9998: 9,995 of 10,000 classes\n" in told
    assert "note: npz: no test image has label 9999: a class trained but never evaluated\n" in told
    assert "\n9,996 of 10,000 classes have no test images: the labels 4 to 9999\n" in said
    assert len(said.splitlines()) < 100
    for run in (runs[0], runs[2]):
        assert (tmp_path / run[-1] / "report.html").stat().st_size < 100_000


def labelled(few: Data, train: Callable[[int], int], test: Callable[[int], int], names: tuple[str, ...]) -> Data:
    made = [torch.tensor([label(i) for i in range(40)]) for label in (train, test)]
    return replace(
        few,
        class_names=names,
        train_images=few.train_images[:40],
        train_labels=made[0],
        test_images=few.test_images[:40],
        test_labels=made[1],
    )


NUMBERS = tuple("01234")


@pytest.mark.parametrize(
    ("train", "test", "names", "said"),
    [
        (lambda i: i % 5, lambda i: i % 5, NUMBERS, []),
        (
            lambda i: i % 4 + 1,
            lambda i: i % 4 + 1,
            NUMBERS,
            [
                "npz: no training image has label 0 (labels 1 to 4): labels start at 0. The classes are 0 to 4, "
                "and the network has 5 outputs"
            ],
        ),
        (lambda i: i % 2 * 4, lambda i: i % 2 * 4, NUMBERS, [
            "npz: no training image has the labels 1 to 3: 3 of 5 classes",
        ]),
        (lambda i: i % 2 * 2 + 1, lambda i: i % 2 * 2 + 1, (*NUMBERS, "5"), [
            "npz: no training image has label 0 (labels 1 to 3): labels start at 0. The classes are 0 to 5, and "
            "the network has 6 outputs",
            "npz: no training image has the labels 2, 4 to 5: 3 of 6 classes",
        ]),
        (lambda i: i % 4 + 1, lambda i: i % 5, NUMBERS, ["npz: no training image has label 0: 1 of 5 classes"]),
        (lambda i: i % 5, lambda i: i % 2, NUMBERS, [
            "npz: no test image has the labels 2 to 4: 3 classes trained but never evaluated",
        ]),
        (lambda i: i % 2 + 1, lambda i: 1, ("cat", "d\x1bog", "eel"), [
            "npz: no training image has label 0 (cat): 1 of 3 classes",
            "npz: no test image has label 2 (eel): a class trained but never evaluated",
        ]),
        (lambda i: 3, lambda i: i % 5, NUMBERS, [
            "npz: all 40 training images have label 3: there is nothing to learn",
            "npz: no training image has the labels 0 to 2, 4: 4 of 5 classes",
        ]),
        (lambda i: i % 2, lambda i: i % 2, ("a", "a"), [
            "npz: 2 classes have the name `a`: only their numbers distinguish them",
        ]),
        (lambda i: 0, lambda i: 0, tuple("abcdefghi"), [
            "npz: all 40 training images have label 0 (a): there is nothing to learn",
            "npz: no training image has the labels 1 (b), 2 (c), 3 (d), 4 (e), 5 (f), ...: 8 of 9 classes",
        ]),
    ],
)  # fmt: skip
def test_labels_that_no_image_has_are_told(
    few: Data, train: Callable[[int], int], test: Callable[[int], int], names: tuple[str, ...], said: list[str]
) -> None:
    assert labels.list_notes(labelled(few, train, test, names)) == said


def test_a_folder_whose_name_is_no_text_is_a_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [b"a", b"b\xff\xfe", "b\u202e\x1b[31m".encode()]
    for part in ("train", "test"):
        for shade, name in enumerate(names):
            folder = os.fsencode(tmp_path / part) + b"/" + name
            try:
                os.makedirs(folder)
            except OSError:
                pytest.skip("no such names on this disk")
            for number in range(3):
                Image.new("L", (8, 8), 90 * shade + number).save(os.fsdecode(folder + b"/%d.png" % number))
    assert main(["train", "digits", "--data", f"folder:{tmp_path}", *QUICK, "--out", "run"]) == 0
    assert main(["eval", "run"]) == 0
    told = capsys.readouterr()
    said = (told.out + told.err).encode().decode()
    assert r"  1 b\u202e\x1b[31m" in said and "  2 b\\udcff\\udcfe " in said
    page = Path("run", "report.html").read_text("utf-8")
    assert "b\\udcff\\udcfe" in page
    for hidden in ("\x1b", "\u202e"):
        assert hidden not in said and hidden not in page
    assert checkpoint.load(Path("run", "last.ckpt"))[1]["fingerprint"] == data.load("folder", tmp_path).fingerprint()
    broken = os.fsdecode(os.fsencode(tmp_path / "train") + b"/b\xff\xfe/0.png")
    Path(broken).write_bytes(b"")
    with pytest.raises(RunError, match=r"b\\udcff\\udcfe/0.png: not an image") as caught:
        data.load("folder", tmp_path)
    str(caught.value).encode()


def test_equal_data_of_any_names_has_equal_fingerprints(few: Data) -> None:
    prints = {
        replace(few, class_names=(name, *few.class_names[1:])).fingerprint() for name in ("a", "\ud800", "\udfff")
    }
    assert len(prints) == 3
    digest = hashlib.sha256("\n".join(few.class_names).encode())
    for tensor in (few.train_images, few.train_labels, few.test_images, few.test_labels):
        digest.update(str(list(tensor.shape)).encode())
        digest.update(tensor.numpy().tobytes())
    assert few.fingerprint() == digest.hexdigest()  # as runs have it that were begun long ago


def test_names_have_a_limit(tmp_path: Path) -> None:
    check_names("x", ("",) * 10_000)
    check_names("x", ("a" * 1_000, "\ud800"))
    with pytest.raises(RunError, match=r"^x: 10,001 classes; the limit is 10,000$"):
        check_names("x", ("",) * 10_001)
    with pytest.raises(
        RunError, match=r"^x: the name of class 1 has 1,001 characters \(b{20}\.\.\.\); the limit is 1,000"
    ):
        check_names("x", ("a", "b" * 1_001))
    one = numpy.zeros(2, int)
    for names, said in (
        (["a" * 1_001], "class_names: a name is longer than 1,000 characters"),
        (["a"] * 10_001, "class_names: 10,001 names; the limit is 10,000 classes"),
    ):
        archive(tmp_path / "a.npz", one, one, names)
        with pytest.raises(RunError, match=said):
            data.load("npz", tmp_path / "a.npz")


def test_what_chooses_the_epoch_may_lack_a_class(few: Data) -> None:
    part = replace(few, test_images=few.test_images[:3], test_labels=few.test_labels[:3])
    assert labels.list_notes(replace(few, validation=part)) == [
        "npz: none of the images that choose the best epoch has the labels 3 (d), 4 (e), 5 (f), 6 (g), 7 (h), ..."
    ]


@pytest.mark.parametrize(
    ("images", "batch_size", "expected"),
    [
        (20, 128, "20 training images make one step per epoch (`batch_size` is 128)"),
        (20, 11, "20 training images make one step per epoch (`batch_size` is 11); 9 are dropped"),
        (20, 10, ""),
    ],
)
def test_an_epoch_of_one_step_is_told(images: int, batch_size: int, expected: str) -> None:
    assert describe_single_step(images, batch_size) == expected


FAULTS = {
    "labels from 1, with names": (
        [1, 2],
        ["a", "b"],
        "2 names, but label 2 occurs (the labels are 1 to 2: they must st",
    ),
    "a gap behind the names": ([0, 2], ["a", "b"], "class_names: 2 names, but label 2 occurs\n"),
    "no class": (
        [-1, 2],
        None,
        "label -1 at image 0; 0 to 9999 are allowed (20 are negative: remove images without a cl",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_wrong_labels_are_refused_with_what_they_may_mean(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers, names, expected = FAULTS[name]
    options = archive(tmp_path / "a.npz", numpy.tile(numbers, 20), numpy.array([max(numbers)] * 2), names)
    assert main(["train", "digits", *options]) == 1
    printed = capsys.readouterr().err
    assert expected in printed and printed.count("\n") == 1


def test_one_image_is_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = archive(tmp_path / "a.npz", numpy.array([1]), numpy.array([0, 1]))
    assert main(["train", "digits", *options, *QUICK, "--out", str(tmp_path / "run")]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: npz")]
    assert notes == [
        "note: npz: the only training image has label 1: there is nothing to learn",
        "note: npz: no training image has label 0: 1 of 2 classes",
        "note: npz: 1 training image makes one step per epoch (`batch_size` is 64)",
    ]
