"""`resnetc study` with photographs: the nets of ImageNet, its recipe, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnetc.cli.study import make_study
from resnetc.runtime.data import read_outline
from resnetc.runtime.study.form import takes_photographs
from resnetc.runtime.study.plan import list_studies, read_plan
from tests.support import run_command

BRIEF = ("epochs=1", "batch_size=4", "image_size=32", "eval_resize=36", "threads=1", "workers=0")


def save_photographs(folder: Path, *sizes: tuple[int, int], parts: tuple[str, ...] = ("train", "test")) -> Path:
    """Two classes of four photographs in each part, of these sizes in turn."""
    generator = np.random.default_rng(0)
    for part in parts:
        for name in ("cat", "dog"):
            (folder / part / name).mkdir(parents=True)
            for number in range(4):
                height, width = sizes[number % len(sizes)]
                pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.png")
    return folder


def test_what_no_study_can_be_made_with_is_one_message(tmp_path: Path) -> None:
    mixed = save_photographs(tmp_path / "mixed", (70, 90), (80, 60))
    untested = save_photographs(tmp_path / "untested", (70, 90), (80, 60), parts=("train",))
    gray = tmp_path / "gray"
    for file in mixed.rglob("*.png"):
        (gray / file.relative_to(mixed)).parent.mkdir(parents=True, exist_ok=True)
        Image.open(file).convert("L").save(gray / file.relative_to(mixed))
    for words, status, message in (
        (
            ("norm", f"--data=folder:{mixed}"),
            1,
            "norm has no photograph form; degradation, options, depth have one",
        ),
        (
            ("degradation", f"--data=folder:{mixed}", "--quick"),
            1,
            "--quick needs images of one size, in memory; photographs need the full form, without",
        ),
        (("degradation", f"--data=folder:{untested}"), 1, "it has no test images; a study needs them"),
        (("degradation", f"--data=folder:{gray}"), 1, "folder has 1 channel: `lighting` needs red, green and blue"),
        (("degradation", f"--data=folder:{tmp_path / 'none'}"), 1, "none: no such folder; expected a folder with"),
        (("degradation", f"--data=pack:{mixed / 'train/cat/0.png'}"), 1, "0.png: not a pack; expected a file that"),
    ):
        ran = run_command("study", *words, "--out", str(tmp_path / "out"))
        assert ran.status == status and message in ran.err and "Traceback" not in ran.err, ran.err
        assert ran.err.count("error:") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("side", "expected"), [(16, False), (64, False), (65, True)])
def test_small_images_of_one_size_are_for_the_nets_of_cifar(side: int, expected: bool, tmp_path: Path) -> None:
    assert takes_photographs(read_outline("folder", save_photographs(tmp_path / "a", (side, side)))) is expected
    assert takes_photographs(read_outline("folder", save_photographs(tmp_path / "b", (side, side), (20, 20))))
    assert not takes_photographs(read_outline("digits"))


@pytest.mark.parametrize("name", ["degradation", "options", "depth"])
def test_a_study_is_made_of_photographs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way with small nets in the place of ImageNet's, under ImageNet's recipe."""
    photographs = save_photographs(tmp_path / "data", (40, 50), (48, 36))
    plan = read_plan(name, "photographs")
    assert plan.set_up is not None and plan.set_up.recipe == "imagenet"
    set_up = replace(plan.set_up, data=f"folder:{photographs}", seeds=(0,), overrides=BRIEF)
    arms = tuple(replace(arm, spec="cifar/resnet", settings=(("depth", "8"), ("width", "4"))) for arm in plan.arms)
    outline = read_outline("folder", photographs)
    make_study(replace(plan, set_up=set_up, arms=arms), outline, tmp_path / "out", 1)
    ran = capsys.readouterr()
    assert f"{name}: too small to tell: " in ran.out
    assert ran.err.count("1/1") == 1  # equal nets are one run
    report = (tmp_path / "out" / name / "report.html").read_text()
    assert f"resnetc study {name} --data folder:{photographs}" in report
    (run,) = (tmp_path / "out" / "runs").iterdir()
    make_study(replace(plan, set_up=set_up, arms=arms), outline, tmp_path / "out", 1)
    assert [run] == list((tmp_path / "out" / "runs").iterdir()) and "1/1" not in capsys.readouterr().err


def test_of_all_studies_those_that_want_small_images_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")  # where the folder of results should be: nothing is trained
    photographs = save_photographs(tmp_path / "data", (70, 90), (80, 60))
    ran = run_command("study", "all", f"--data=folder:{photographs}", "--out", str(tmp_path / "file"))
    left_out = [name for name in list_studies() if name not in ("table1", "degradation", "options", "depth")]
    assert f"skipped (no photograph form): {', '.join(left_out)}" in ran.err and ran.status == 1
