"""`labels.csv` in a folder of photographs: what it may not say, and that runs with it are those of any labels."""

import os
import random
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resnetc.cli.main import main
from resnetc.runtime import data
from resnetc.runtime.data import Data, Fit, label_table, pack_index
from resnetc.runtime.data.pack_writer import write_pack
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.errors import RunError
from tests import shape_photographs

FIT = Fit((16, 16), 18)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train/0.jpg` ... `train/15.jpg` and `test/0.jpg` ... `test/5.jpg`, of several sizes, and their table."""
    folder = tmp_path_factory.mktemp("photographs")
    shape_photographs.make(folder / "by_class", 16, 6)
    lines = ["file,tall,dark,rare"]
    for part in ("train", "test"):
        (folder / part).mkdir()
        files = sorted((folder / "by_class" / part).rglob("*.jpg"))
        for number, file in enumerate(files):
            shutil.copy(file, folder / part / f"{number}.jpg")
            lines.append(f"{part}/{number}.jpg,{number % 2},{number // 2 % 2},{int(number == 3)}")
    shutil.rmtree(folder / "by_class")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def read(argument: str, path: Path) -> Photographs:
    loaded = data.load(argument, path, FIT)
    assert isinstance(loaded, Photographs)
    return loaded


FAULTS = {
    "": "labels.csv:1: begins with ``; expected a header such as file,cat,dog, then lines with a "
    "file and a 0 or 1 for each class",
    "file\na.jpg\n": "labels.csv:1: begins with `file`; expected a header such as file,cat,dog, then lines with a file "
    "and a 0 or 1 for each class",
    "image,cat\na.jpg,1\n": "labels.csv:1: begins with `image,cat`; expected a header such as file,cat,dog, then lines",
    "file,cat,cat\na.jpg,1,0\n": "labels.csv:1: two classes are called `cat`",
    "file,cat,,dog\na.jpg,1,0,0\n": "labels.csv:1: class 1 has no name; check for an extra comma",
    "file,cat,dog\n": "labels.csv:1: no images after the header; expected",
    "file,cat,dog\na.jpg,1\n": "labels.csv:2: 2 cells; the first line has 3",
    "file,cat,dog\na.jpg,1,0\n\nb.jpg,1,yes\n": "labels.csv:4: `yes` for the class dog; expected 0 or 1",
    "file,cat,dog\na.jpg,1,\n": "labels.csv:2: `` for the class dog; expected 0 or 1",
    "file,cat,dog\na.jpg,1,0\n./a.jpg,0,0\n": "labels.csv:3: `a.jpg` is already in line 2",
    "file,cat,dog\n/etc/passwd,1,0\n": "labels.csv:2: `/etc/passwd`: expected a file below ",
    "file,cat,dog\ns/../../a.jpg,1,0\n": "labels.csv:2: `s/../../a.jpg`: expected a file below ",
    "file,cat,dog\nc.jpg,1,0\n": "labels.csv:2: no such file: c.jpg",
    "file,cat,dog\ntrain/a.jpg,1,0\na.jpg,1,0\n": "labels.csv:3: `a.jpg` is neither in train/ nor in test/, as the",
    "file,cat,dog\ntrain/a.jpg,1,0\nval/a.jpg,1,0\ntest/a.jpg,1,0\n": "labels.csv:4: `test/a.jpg` is neither in train/ "
    "nor in val/, as the other files",
    'file,cat,dog\n"a.jpg,1,0\n': "labels.csv:2: not CSV: the quote that opens here is not closed; expected a header "
    "such as",
    'file,cat,dog\n"a.jpg,1,0\nb.jpg,0,1\n\n': "labels.csv:2: not CSV: the quote that opens here is not closed",
    'file,cat,dog\r\na.jpg,1,0\r\n"b.jpg,1,0\r\nc,0,0\r\n': "labels.csv:3: not CSV: the quote that opens here is not",
    'file,"a\nb","c\nd""\n': "labels.csv:2: not CSV: the quote that opens here is not closed; expected",
    'file,cat,dog\n"a.jpg,1,0\n"b.jpg","1",0\n': "labels.csv:2: not CSV: the quote that opens here is closed in line 3"
    ": ',' expected after '\"'; expected a header such as",
    'file,cat,dog\n"a.jpg"x,1,0\n': "labels.csv:2: not CSV: ',' expected after '\"'; expected a header such as",
    f'file,cat,dog\n"a.jpg,1,0\n{"b.jpg,1,0" * 20_000}\n': "labels.csv:2: not CSV: the quote that opens here is not "
    "closed by line 3: field larger than field limit (131072); expected",
    'file,cat,dog\n"a.jpg\n",1\n': "labels.csv:2: 2 cells; the first line has 3",
    "file,cat,dog\ntrain,1,0\n": "labels.csv:2: train is a folder; expected an image file",
    "file," + "x" * 1001 + "\n": "labels.csv:1: the name of class 0 has 1,001 characters",
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_wrong_with_a_table_is_said_with_its_line(text: str, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "train/a.jpg", "test/a.jpg", "val/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(RunError) as caught:
        data.read_outline("folder", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/{FAULTS[text]}")
    assert "\n" not in str(caught.value)


def test_an_open_quote_is_said_with_the_line_on_which_it_opens(tmp_path: Path) -> None:
    """A table of cells with quotes, commas and ends of lines in them, cut off within one of them."""
    draw = random.Random(0)
    for _ in range(300):
        cells = ["".join(draw.choices('a,"\n', k=draw.randrange(5))) for _ in range(draw.randrange(1, 9))]
        written = ['"' + cell.replace('"', '""') + '"' for cell in cells]
        head = "file,cat\n" + "".join(cell + draw.choice(",\n") for cell in written[:-1])
        (tmp_path / "labels.csv").write_text(head + written[-1][:-1])
        with pytest.raises(RunError) as caught:
            list(label_table._read_rows(tmp_path / "labels.csv"))
        line = head.count("\n") + 1
        assert f"labels.csv:{line}: not CSV: the quote that opens here is not closed; " in str(caught.value)


def test_a_file_that_is_no_image_is_said_with_its_line(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, remedy = tmp_path / "copy", "put an image there, or remove the line"
    shutil.copytree(photographs, folder)
    damaged = folder / "test" / "1.jpg"  # its header is whole, and its pixels are not
    damaged.write_bytes(damaged.read_bytes()[:-400])
    lines = [line.partition(",")[0] for line in (folder / "labels.csv").read_text().splitlines()]
    where = f"{folder}/labels.csv:{lines.index('test/1.jpg') + 1}: {damaged}: damaged image: image file is truncated"
    with pytest.raises(RunError) as caught:
        write_pack(folder, tmp_path / "a.pack")
    assert str(caught.value).startswith(where) and str(caught.value).endswith(f"; {remedy}")
    assert not (tmp_path / "a.pack").exists()
    loaded = read("folder", folder)
    with pytest.raises(RunError) as caught:
        loaded.read_test_image(1)
    assert str(caught.value).startswith(where)
    broken = folder / "train" / "3.jpg"
    broken.write_text("an image\n")
    where = f"{folder}/labels.csv:{lines.index('train/3.jpg') + 1}: {broken}"
    for words in (["pack", str(folder), str(tmp_path / "a.pack")], ["train", "digits", "--data", f"folder:{folder}"]):
        assert main(words) == 1
        assert capsys.readouterr().err == f"error: {where}: not an image that Pillow can read; {remedy}\n"
    if os.geteuid():
        broken.chmod(0)
        assert main(["pack", str(folder), str(tmp_path / "a.pack")]) == 1
        assert capsys.readouterr().err == f"error: {where}: cannot read it: Permission denied; {remedy}\n"


def test_pack_says_of_a_file_that_it_is_no_folder(photographs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = photographs / "labels.csv"
    assert main(["pack", str(file), str(photographs / "a.pack")]) == 1
    assert capsys.readouterr().err == (
        f"error: {file}: a file, not a folder; expected a folder with train/<class>/<image> and test/<class>/<image>, "
        "or only <class>/<image>; or labels.csv, if an image has any number of classes\n"
    )


def test_a_table_that_is_no_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "labels.csv").write_bytes(b"file,c\xff\n")
    with pytest.raises(RunError, match=r"labels.csv: not UTF-8 text: byte 6"):
        data.read_outline("folder", tmp_path)
    monkeypatch.setattr("resnetc.runtime.data.label_table._MAX_BYTES", 5)
    with pytest.raises(RunError, match=r"labels.csv: larger than 5 bytes"):
        data.read_outline("folder", tmp_path)


def test_a_table_names_images_and_their_classes(photographs: Path) -> None:
    outline = data.read_outline("folder", photographs)
    assert (outline.classes, outline.train, outline.test) == (3, 16, 6)
    loaded = read("folder", photographs)
    assert loaded.class_names == ("tall", "dark", "rare")
    rows = torch.arange(16)
    by_hand = torch.stack([rows % 2, rows // 2 % 2, (rows == 3).long()], 1)
    order = sorted(range(16), key=str)  # the order of the table is that of the names before
    assert loaded.train_labels.dtype == torch.uint8
    assert loaded.train_labels.tolist() == by_hand.tolist() != by_hand[order].tolist()
    assert loaded.test_labels.tolist() == by_hand[:6].tolist()


def test_images_without_a_line_are_left_out_and_said(photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "copy")
    copy, whole = tmp_path / "copy", read("folder", photographs)
    assert data.read_outline("folder", copy).at(FIT).note == (
        f"{copy}/labels.csv: every image has any number of the 3 classes (labels of 0 and 1)"
    )
    assert read("folder", copy).fingerprint() == whole.fingerprint()
    lines = (copy / "labels.csv").read_text().splitlines()
    (copy / "labels.csv").write_text("\ufeff" + "\r\n".join([*lines[:5], *lines[7:]]))
    outline = data.read_outline("folder", copy).at(FIT)
    assert (outline.train, outline.test) == (14, 6)
    assert outline.note.endswith("(labels of 0 and 1); 2 images of the folder are not in it and are skipped")
    assert write_pack(copy, tmp_path / "copy.pack").note == outline.note  # a pack no longer holds them
    (copy / "labels.csv").write_text("\n".join([lines[0], lines[1].replace(",0", ",1"), *lines[2:]]))
    assert read("folder", copy).fingerprint() != whole.fingerprint()


def test_a_folder_of_one_size_and_without_parts_is_read_into_memory(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(4):
        Image.new("L", (9, 7), 10 * number).save(tmp_path / f"{number}.png")
    (tmp_path / "labels.csv").write_text("file,odd\n3.png,1\n0.png,0\n1.png,1\n2.png,0\n")
    loaded = data.load("folder", tmp_path)
    assert isinstance(loaded, Data)
    assert loaded.train_images[:, 0, 0, 0].tolist() == [30, 0, 10, 20]
    assert loaded.train_labels.tolist() == [[1], [0], [1], [0]] and loaded.test_labels.shape == (0, 1)


@pytest.mark.parametrize("classes", [3, 8, 17])
def test_a_pack_has_the_labels_of_the_folder(photographs: Path, tmp_path: Path, classes: int) -> None:
    shutil.copytree(photographs, tmp_path / "copy")
    table = np.random.default_rng(classes).integers(0, 2, (22, classes))
    files = [line.partition(",")[0] for line in (photographs / "labels.csv").read_text().splitlines()[1:]]
    lines = [f"file,{','.join(f'c{number}' for number in range(classes))}"]
    lines += [f"{file},{','.join(map(str, row))}" for file, row in zip(files, table.tolist(), strict=True)]
    (tmp_path / "copy" / "labels.csv").write_text("\n".join(lines))
    report = write_pack(tmp_path / "copy", tmp_path / "a.pack")
    assert (report.train, report.test, report.classes) == (16, 6, classes)
    ours, theirs = read("pack", tmp_path / "a.pack"), read("folder", tmp_path / "copy")
    assert ours.class_names == theirs.class_names
    assert torch.equal(ours.train_labels, torch.from_numpy(table[:16].astype(np.uint8)))
    assert torch.equal(ours.test_labels, theirs.test_labels)
    note = data.read_outline("pack", tmp_path / "a.pack").at(FIT).note
    assert note == f"{tmp_path}/a.pack: every image has any number of the {classes} classes (labels of 0 and 1)"


def test_a_pack_without_room_for_its_labels_is_refused(photographs: Path, tmp_path: Path) -> None:
    write_pack(photographs, tmp_path / "a.pack")
    content = (tmp_path / "a.pack").read_bytes()
    _, start, length, _ = pack_index.HEAD.unpack(content[: pack_index.HEAD.size])
    index = memoryview(content)[start : start + length]
    whole = pack_index.parse_index(index, start, Path("a"))
    rows = index[: 8 + int.from_bytes(index[:8], "little") + 22 * pack_index.ROW.itemsize]
    with pytest.raises(RunError, match="a: damaged: its index has no rows for 22 images"):
        pack_index.parse_index(rows, start, Path("a"))
    assert whole.table is not None and whole.table.shape == (22, 3) and not whole.rows["label"].any()


def test_a_run_is_trained_judged_and_used(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pack(photographs, tmp_path / "a.pack")
    small = ["--override", "image_size=16", "--override", "epochs=2", "--override", "batch_size=8"]
    small += ["--override", "workers=0", "--recipe", "photographs"]
    for name, argument in (("one", f"folder:{photographs}"), ("two", f"pack:{tmp_path}/a.pack")):
        assert main(["train", "digits", "--data", argument, *small, "--out", name]) == 0
        printed = capsys.readouterr()
        assert "every image has any number of the 3 classes" in printed.err and ": mAP " in printed.out
        assert main(["eval", name]) == 0
        assert "mAP" in capsys.readouterr().out
    assert (tmp_path / "one/metrics.jsonl").exists()
    losses = [
        [line.split('"test_loss":')[1].split(",")[0] for line in (tmp_path / name / "metrics.jsonl").open()]
        for name in ("one", "two")
    ]
    assert losses[0] == losses[1]  # the pack's crops and labels are the folder's
    assert main(["predict", "one", os.fspath(photographs / "test" / "0.jpg")]) == 0
    assert "tall" in capsys.readouterr().out
    assert main(["compare", "one", "two", "--out", "c"]) == 0
    assert "mAP mean" in capsys.readouterr().out


OWN = """
import torch

class Marks(torch.utils.data.Dataset):
    def __init__(self, count, kind):
        self.count, self.kind = count, kind
    def __len__(self):
        return self.count
    def __getitem__(self, index):
        return torch.full((1, 8, 8), index, dtype=torch.uint8), self.kind([index % 2, index // 2 % 2, 0])

def tensors():
    return {"train": Marks(12, torch.tensor), "test": Marks(5, lambda row: torch.tensor(row).float())}
def arrays():
    return {"train": Marks(12, lambda row: row), "test": Marks(5, lambda row: torch.tensor(row) > 0)}
def mixed():
    return Marks(9, lambda row: torch.tensor(row) if row[0] == 0 else 3), Marks(5, torch.tensor)
def longer():
    return Marks(9, torch.tensor), Marks(5, lambda row: torch.tensor(row[:2]))
def named():
    return {"train": Marks(9, torch.tensor), "test": Marks(5, torch.tensor), "classes": ["a", "b"]}
def twos():
    return Marks(9, lambda row: torch.tensor(row) * 2), Marks(5, torch.tensor)
def texts():
    return Marks(9, lambda row: ["a", "b"]), Marks(5, torch.tensor)
def empty():
    return Marks(9, lambda row: []), Marks(5, torch.tensor)
def changing():
    seen = []
    def drift(row):
        seen.append(row)
        return torch.tensor([row[0], int(len(seen) > 20), 0])
    return Marks(12, drift), Marks(5, torch.tensor)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_marks", raising=False)
    (tmp_path / "own_marks.py").write_text(OWN)


@pytest.mark.parametrize("function", ["tensors", "arrays"])
def test_items_of_datasets_have_any_number_of_classes(own: None, function: str) -> None:
    loaded = data.load(f"own_marks:{function}")
    assert loaded.class_names == ("0", "1", "2")
    assert loaded.train_labels.dtype == torch.uint8
    assert loaded.train_labels.tolist() == [[index % 2, index // 2 % 2, 0] for index in range(12)]
    assert loaded.test_labels.shape == (5, 3)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "mixed",
            "training item 1 of `own_marks:mixed` has an integer as its label, but the first training item has a ",
        ),
        (
            "longer",
            "test item 0 of `own_marks:longer` has a label of 2 numbers, but the first training item has a label",
        ),
        ("named", "training item 0 of `own_marks:named` has a label of 3 numbers, but `classes` has 2 names"),
        (
            "twos",
            "training item 1 of `own_marks:twos` has the label tensor([2, 0, 0]); expected an integer, or a vector",
        ),
        (
            "texts",
            "training item 0 of `own_marks:texts` has the label ['a', 'b']; expected an integer, or a vector with",
        ),
        ("empty", "training item 0 of `own_marks:empty` has a label of 0 numbers; expected 2 to 10,000 classes"),
    ],
)
def test_labels_of_datasets_that_cannot_be_are_refused(own: None, function: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        data.load(f"own_marks:{function}")
    assert str(caught.value).startswith(message)


def test_an_item_must_keep_its_classes(own: None) -> None:
    loaded = data.load("own_marks:changing")
    with pytest.raises(RunError) as caught:
        for _ in range(2):
            loaded.read_sample()  # type: ignore[attr-defined]
    assert "has label [1] now, but had [] in the first pass" in str(caught.value)


def test_a_run_on_datasets_is_judged_by_map(own: None, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--override", "epochs=1", "--override", "batch_size=4", "--override", "workers=0", "--out", "run"]
    assert main(["train", "digits", "--data", "own_marks:tensors", *arguments]) == 0
    assert ": mAP " in capsys.readouterr().out


def test_splits_of_a_table_keep_the_combinations(photographs: Path) -> None:
    from resnetc.runtime.input_pipeline.splits import Split

    split = Split(0, 0.5, 0).split(read("folder", photographs))
    assert split.validation is not None
    parts = [split.train_labels, split.validation.test_labels]
    assert [part.shape for part in parts] == [(8, 3), (8, 3)]
    assert parts[0].sum(0)[:2].tolist() == parts[1].sum(0)[:2].tolist()
    assert replace(split, validation=None).test_labels.shape == (6, 3)  # type: ignore[type-var]
