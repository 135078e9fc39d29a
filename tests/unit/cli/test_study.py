"""`resnetc study`: lists, refuses, and makes what it names without training where nothing is trained."""

from pathlib import Path

from resnetc.runtime.study.plan import list_studies
from tests.support import run_command


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
        ((), "NAME is missing: which study? `resnetc study --list` lists them, `all` makes all of them"),
        (("degradaton",), "no such study: degradaton; did you mean `degradation`?; `all` makes all of them"),
        (("table1", "--seeds", "1"), "table1 trains nothing: --data and --seeds have no meaning there"),
        (("options", "--jobs", "0"), "expected a number from 1 to 1024, not '0'"),
        (("options", "--seeds", "x"), "write them like 0,1,2, each from 0 to 4294967295, not 'x'"),
        (("options", "--seeds", "1" * 99), f"each from 0 to 4294967295, not '{'1' * 37}...'"),
        (("al",), "no such study: al; known: degradation, depth"),
        (
            ("options", "--costs", "--quick"),
            "--costs is about CIFAR-10 and ImageNet: --quick and --data have no meaning",
        ),
        (("options", "--data", "mydata:load"), "--data mydata:load: a study calls no function; save its images"),
    ):
        ran = run_command("study", *words, "--out", str(tmp_path))
        assert ran.status == 2 and message in ran.err, ran.err
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


def test_a_folder_that_cannot_be_made_is_one_message_before_anything_is_trained(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for words, folder in ((("table1",), "table1"), (("responses", "--data", "digits"), "responses")):
        ran = run_command("study", *words, "--quick", "--out", str(file))
        assert ran.status == 1, ran.err
        assert f"error: {file / folder}: cannot use it as a folder of the study: Not a directory" in ran.err
        (tmp_path / folder).write_text("")
        ran = run_command("study", *words, "--quick", "--out", str(tmp_path))
        assert ran.status == 1, ran.err
        assert f"error: {tmp_path / folder}: cannot use it as a folder of the study: File exists" in ran.err
        assert not (tmp_path / "runs").exists()
