"""The report: one page with everything in it, right in its figures, harmless whatever the names say."""

import json
import re
import shutil
import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from resnetc.runtime import evaluate
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluation.result import Evaluation
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.report import chart, report
from resnetc.runtime.run.folder import EpochRecord
from resnetc.runtime.train import train

VOID = {"meta", "img", "br"}
OUTSIDE = {"src", "href", "xlink:href", "action", "data", "srcset"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed; keeps tags, links and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in OUTSIDE]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


@pytest.fixture(scope="module")
def run(source: str, few: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on data whose class names are markup."""
    out = tmp_path_factory.mktemp("report") / "run"
    names = ("<script>alert(1)</script>", '"><img src=x onerror=y>', "{{ 7 * 7 }}", "a&b", *few.class_names[4:])
    train(
        source,
        "small",
        replace(few, class_names=names),
        Recipe(epochs=2, batch_size=25, random_crop_padding=1),
        out,
        quiet=True,
    )
    return out


def test_training_leaves_one_harmless_page(run: Path) -> None:
    text = (run / "report.html").read_text("utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert re.findall(r"url\(|@import|https?://", text) == []
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_a_class_name_of_any_length_is_shown_short(run: Path, few: Data, tmp_path: Path) -> None:
    names = ("x" * 300, "\x1b[31m", *few.class_names[2:])
    out = tmp_path / "run"
    shutil.copytree(run, out)
    judged = evaluate.evaluate(run, replace(few, class_names=tuple("0123456789")))
    text = report.write(out, replace(few, class_names=names), replace(judged, class_names=names)).read_text("utf-8")
    assert "x" * 37 + "..." in text and "x" * 41 not in text
    assert r"\x1b[31m" in text and "\x1b" not in text


def test_it_says_what_the_evaluation_says(run: Path, few: Data) -> None:
    names = ("<script>alert(1)</script>", '"><img src=x onerror=y>', "{{ 7 * 7 }}", "a&b", *few.class_names[4:])
    data = replace(few, class_names=names)
    judged = evaluate.evaluate(run, data)
    page = Page((run / "report.html").read_text("utf-8"))
    assert f"{judged.top1:.2f} %" in page.text
    assert f"{judged.loss:.4f}" in page.text
    for part in ("layer1", "BasicBlock", "16 × 8 × 8", "learning_rate", "torch", torch.__version__, "sha256"):
        assert part in page.text
    assert (
        page.tags.count("img")
        == len(judged.worst)
        == min(24, sum(n for (true, guess), n in judged.confusion.items() if true != guess))
    )
    losses = [miss.loss for miss in judged.worst]
    assert losses == sorted(losses, reverse=True)
    for miss in judged.worst:
        assert miss.true == data.test_labels[miss.index] != miss.predicted
    before = page.text
    assert report.write(run, data) == run / "report.html"
    assert Page((run / "report.html").read_text("utf-8")).text == before


def test_other_data_than_the_runs_is_refused_where_it_does_not_fit(run: Path, digits: Data, few: Data) -> None:
    with pytest.raises(RunError, match="is missing|no such file|no run"):
        report.write(run / "nothing", few)
    with pytest.raises(RunError, match="11"):
        report.write(run, replace(digits, class_names=(*digits.class_names, "k")))


def test_a_network_that_is_always_right_and_many_classes_make_a_page_too(
    source: str, few: Data, tmp_path: Path
) -> None:
    many = replace(few, class_names=tuple(f"class {number}" for number in range(30)))
    wide = source.replace("nn.Linear(64, 10)", "nn.Linear(64, 30)")
    assert wide != source
    out = tmp_path / "run"
    train(wide, "small", many, Recipe(epochs=1, batch_size=25), out, quiet=True)
    page = Page((out / "report.html").read_text("utf-8"))
    absent = ", ".join(f"{label} (class {label})" for label in range(10, 15))
    assert f"20 of 30 classes have no test images: the labels {absent}, ...." in page.text
    wide_table = Evaluation(30, 0.0, 100.0, 100.0, {(i, i): 1 for i in range(30)}, many.class_names)
    report.write(out, many, wide_table)
    assert "Confusion" not in Page((out / "report.html").read_text("utf-8")).text
    judged = Evaluation(1, 0.0, 100.0, 100.0, {(0, 0): 1}, ("a", "b"))
    report.write(out, many, judged)
    page = Page((out / "report.html").read_text("utf-8"))
    assert "every test image is classified correctly" in page.text
    assert "img" not in page.tags


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_the_image(channels: int) -> None:
    image = torch.arange(channels * 6).view(channels, 2, 3).to(torch.uint8)
    content = report.encode_png(image)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (3, 2)
    length = struct.unpack(">I", content[33:37])[0]
    rows = zlib.decompress(content[41 : 41 + length])
    assert rows[0] == 0 and list(rows[1 : 1 + 3 * channels]) == image[:, 0].T.flatten().tolist()


def test_ticks_are_round_and_few() -> None:
    assert chart.choose_ticks(0, 1, 6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert chart.choose_ticks(0, 2, 9, whole_only=True) == [0, 1, 2]
    assert chart.choose_ticks(3, 3, 5) == [3]
    for low, high in ((0, 1e-9), (-5, 1e6), (98.2, 98.4), (0, 0.03)):
        found = chart.choose_ticks(low, high, 6)
        assert 2 <= len(found) <= 6
        assert low - 1e-12 <= found[0] and found[-1] <= high * (1 + 1e-9)


def test_a_chart_of_one_point_or_none_is_drawn() -> None:
    drawn = chart.make_chart("x", [("a", [(1, 5.0)]), ("b", []), ("c", [(1, float("nan"))])], 1)
    assert [line.points.count(",") for line in drawn.lines] == [1, 0, 0]
    assert all(0 <= x <= chart.WIDTH and 0 <= y <= chart.HEIGHT for line in drawn.lines for x, y in line.dots)


RECORD: EpochRecord = {
    "epoch": 7,
    "step": 4,
    "train_loss": 1.0,
    "curve": [1.0],
    "test_loss": 1.5,
    "top1": 12.5,
    "top5": 90.0,
    "lr": 0.1,
    "images_per_second": 1.0,
    "seconds": 1.0,
}


def test_its_head_is_the_last_epoch_and_not_the_best(run: Path, few: Data) -> None:
    judged = evaluate.evaluate(run, replace(few, class_names=tuple("0123456789")))
    last = report.choose_headline(judged, [RECORD])
    assert (last.accuracies[0], last.what) == (("top-1", 12.5), "the last epoch, 7")
    assert report.choose_headline(judged, []).accuracies[0] == ("top-1", judged.top1)
    text = (run / "report.html").read_text("utf-8")
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert f"<title>small: {records[-1]['top1']:.2f} %</title>" in text
    assert f"calibration error is {judged.calibration_error:.2f} %" in text
    assert text.count('class="bin c1"') == len(judged.bins) > 0
