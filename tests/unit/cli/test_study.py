"""`resnetc study`: lists, refuses, and makes what it names without training where nothing is trained."""

import os
from pathlib import Path

import pytest

from resnetc.runtime.study.plan import list_studies
from tests.support import read_folder, run_command


def test_the_list_names_every_study() -> None:
    ran = run_command("study", "--list")
    assert ran.status == 0 and [line.split()[0] for line in ran.out.splitlines()] == list_studies()


def test_the_costs_of_the_papers_are_counted_without_training(tmp_path: Path) -> None:
    ran = run_command("study", "table1", "--quick", "--out", str(tmp_path))
    assert ran.status == 0, ran.err
    assert "table1: supported here" in ran.out
    assert {path.name for path in (tmp_path / "table1").iterdir()} == {
        "table.csv",
        "figure.svg",
        "figure.png",
        "report.html",
    }
    rows = (tmp_path / "table1" / "table.csv").read_text().splitlines()
    assert "ResNet-50,,multiply_adds,0,,3857973248" in rows  # the stride on the first 1x1, as the paper has it


def test_what_the_command_line_asks_for_in_vain_is_refused(tmp_path: Path) -> None:
    for words, message in (
        ((), "NAME is missing: `resnetc study --list` lists the studies, `all` runs all of them"),
        (("degradaton",), "no such study: degradaton; a similar name exists: `degradation`; `all` runs all of them"),
        (("table1", "--seeds", "1"), "table1 trains nothing: --data, --seeds and --jobs have no effect"),
        (("table1", "--jobs", "2"), "table1 trains nothing: --data, --seeds and --jobs have no effect"),
        (("options", "--jobs", "0"), "expected a number from 1 to 1024, not '0'"),
        (("options", "--seeds", "x"), "write them as 0,1,2, each from 0 to 4294967295, not 'x'"),
        (("options", "--seeds", "1" * 99), f"each from 0 to 4294967295, not '{'1' * 37}...'"),
        (("al",), "no such study: al; known: degradation, depth"),
        (("options", "--data", "mydata:load"), "--data mydata:load: a study cannot call a function; save its images"),
    ):
        ran = run_command("study", *words, "--out", str(tmp_path))
        assert ran.status == 2 and message in ran.err, ran.err
        assert not ran.out
    assert not list(tmp_path.iterdir())


def test_data_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    ran = run_command("study", "options", "--data", f"npz:{tmp_path / 'no.npz'}", "--out", str(tmp_path / "out"))
    assert ran.status == 1 and "no.npz" in ran.err and "No such file" in ran.err and "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()


def test_all_studies_miss_their_data_before_the_first_is_made(tmp_path: Path) -> None:
    """`table1`, which needs none, is the first of them."""
    ran = run_command("study", "all", "--seeds", "0", "--out", str(tmp_path / "out"))
    assert ran.status == 1 and ran.err.startswith("error: --data cifar10: needs a path: --data cifar10:PATH")
    assert not ran.out and not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [("table1",), ("responses", "--data", "digits")])
@pytest.mark.parametrize("name", ["", "/below", "/{study}", "/runs", "/data"])
def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_printed(
    words: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    if words[0] == "table1" and name in ("/runs", "/data"):
        pytest.skip("it trains nothing")
    out = tmp_path / "out"
    file = out if name in ("", "/below") else Path(f"{out}{name.format(study=words[0])}")
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    before = read_folder(tmp_path)
    ran = run_command("study", *words, "--quick", "--out", f"{out}/below" if name == "/below" else str(out))
    assert ran == (1, "", f"error: {file}: a file, not a folder: choose another folder with --out\n")
    assert read_folder(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o555)
    for words in (("study", "table1"), ("train", "digits"), ("compare", "digits")):
        ran = run_command(*words, "--out", str(tmp_path / "out" / "below"))
        assert ran == (1, "", f"error: {tmp_path}/out: this folder cannot be written: choose another with --out\n")


def test_other_commands_refuse_such_a_folder_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words in (("train", "digits"), ("compare", "digits")):
        ran = run_command(*words, "--out", str(tmp_path / "file"))
        assert ran == (1, "", f"error: {tmp_path}/file: a file, not a folder: choose another folder with --out\n")
