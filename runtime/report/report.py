"""Writes `report.html`: one self-contained page about a run, without scripts or external files.

write(Path("runs/first"))
"""

import base64
import functools
import struct
import sys
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from resnetc.runtime.data import ImageSet
from resnetc.runtime.determinism import limit_threads
from resnetc.runtime.evaluate import evaluate, load_run_data
from resnetc.runtime.evaluation.calibration import ConfidenceBin
from resnetc.runtime.evaluation.result import MAX_TABLE_CLASSES, Evaluation, Misclassification
from resnetc.runtime.inference.trained_run import read_sealed_source
from resnetc.runtime.model import loader as model_loader
from resnetc.runtime.model import summary
from resnetc.runtime.model.summary import Architecture
from resnetc.runtime.progress import format_loss
from resnetc.runtime.recipe import recipe as recipes
from resnetc.runtime.recipe.key_rules import format_value
from resnetc.runtime.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, Point, make_chart
from resnetc.runtime.run import checkpoint, train_state
from resnetc.runtime.run.folder import EpochRecord, Figures, RunFolder
from resnetc.terminal import harmless

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = "report.html.j2"
_LABEL_FIGURES: dict[Literal["mean_average_precision", "micro_f1", "subset_accuracy"], str] = {
    "mean_average_precision": "mAP",
    "micro_f1": "micro F1",
    "subset_accuracy": "all classes right",
}
_MAX_CHIPS = 16  # blocks of a stage that are drawn one by one
_SIGNAL_SIZE = 64, 128  # height and width of the curve of a signal, in pixels
_PICTURE_WIDTH = 900  # width of the architecture's picture, in pixels


def write(
    out: Path,
    data: ImageSet | None = None,
    evaluation: Evaluation | None = None,
    *,
    allow_imports: Iterable[str] = (),
    is_running: bool = False,
) -> Path:
    """Write `report.html` into the run folder `out`; returns its path.

    `evaluation` is that of the best weights on the test images of `data`. Without it they are evaluated here; without
    `data` the run's own data is read again. `allow_imports` names the modules of the user's own that the network may
    import. `is_running`: the run goes on, and the page says so. Raises RunError if the run or the data are at fault.
    """
    run = RunFolder(out)
    weights = run.best if run.best.is_file() else run.last
    metadata = train_state.load(weights)[1]
    if data is None:
        data = load_run_data(metadata)
    evaluation = evaluation or evaluate(out, data, allow_imports=allow_imports)
    source = read_sealed_source(run, metadata, weights, allow_imports)
    model = model_loader.build_network(source, run.model_path, torch.device("cpu"))
    with limit_threads(metadata["recipe"].threads):
        architecture = summary.summarize(model, tuple(metadata["shape"]))
    page = _load_template().render(
        run=out.absolute().name,
        metadata=metadata,
        records=run.read_records(),
        charts=make_charts(run.read_records()),
        frame={
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "top": TOP,
            "bottom": HEIGHT - BOTTOM,
        },
        evaluation=evaluation,
        is_running=is_running,
        headline=choose_headline(evaluation, run.read_records(), data.validation is not None),
        best_of_selection=metadata["best"].get("mean_average_precision", metadata["best"].get("top1")),
        best_accuracy=list_accuracies(evaluation)[0][1],
        reliability=lay_out_bins(evaluation.bins),
        classes=[
            {"name": evaluation.format_class_name(label), "accuracy": accuracy, "images": images}
            for label, (images, accuracy) in evaluation.class_accuracies.items()
        ],
        confusion=make_confusion_rows(evaluation) if len(evaluation.occurring_labels) <= MAX_TABLE_CLASSES else [],
        labels=list_class_figures(evaluation),
        worst=[describe_misclassification(miss, data, evaluation) for miss in evaluation.worst],
        recipe=list_settings(metadata["recipe"]),
        picture=lay_out_architecture(architecture),
        compiler=getattr(sys.modules[type(model).__module__], "COMPILER", "unknown"),
        data=data,
        format_loss=format_loss,
        upright=len(evaluation.occurring_labels) > 10
        and any(len(evaluation.format_class_name(label)) > 3 for label in evaluation.occurring_labels),
    )
    checkpoint.write(run.report, harmless(page).encode())
    return run.report


@functools.cache
def _load_template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("resnetc.runtime.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(_TEMPLATE)


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures that stand for the run: accuracies in percent under their names, the loss, and of what they are."""

    accuracies: tuple[tuple[str, float], ...]
    loss: float
    what: str


def choose_headline(evaluation: Evaluation, records: Sequence[EpochRecord], has_validation: bool = False) -> Headline:
    """The figures of the last epoch, which nobody has chosen; before the first epoch is done those of `evaluation`.
    These also where validation images have chosen the epoch, so that the test images judged it once."""
    if has_validation and records:
        what = "the epoch that was best on the validation images"
        return Headline(list_accuracies(evaluation), evaluation.loss, what)
    if not records:
        return Headline(list_accuracies(evaluation), evaluation.loss, "the weights so far")
    last = records[-1]
    what = f"the last epoch, {last['epoch']}"
    return Headline(name_accuracies(last, len(evaluation.class_names)), last["test_loss"], what)


def list_accuracies(evaluation: Evaluation) -> tuple[tuple[str, float], ...]:
    """The accuracies of an evaluation that stand at the head."""
    return name_accuracies(evaluation.figures, len(evaluation.class_names))


def name_accuracies(figures: Figures, classes: int) -> tuple[tuple[str, float], ...]:
    """The accuracies that stand at the head, under their names."""
    of_labels = tuple((name, figures[key]) for key, name in _LABEL_FIGURES.items() if key in figures)
    return of_labels or (("top-1", figures["top1"]), (f"top-{min(5, classes)}", figures["top5"]))


def lay_out_bins(bins: Sequence[ConfidenceBin]) -> list[dict[str, object]]:
    """The bars of the reliability diagram, in pixels of a chart."""
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return [
        {
            "x": round(LEFT + one.low * width, 1),
            "y": round(TOP + (1 - one.accuracy) * height, 1),
            "width": round((one.high - one.low) * width - 1, 1),
            "height": round(one.accuracy * height, 1),
            "confidence": round(TOP + (1 - one.confidence) * height, 1),
            "title": f"{one.images:,} images, {100 * one.accuracy:.2f} % right",
        }
        for one in bins
    ]


def make_charts(records: list[EpochRecord]) -> list[Chart]:
    """Loss, accuracy and learning rate over the epochs; after a single epoch only the loss, since the others are one
    point."""
    if not records:
        return []

    def select_column(
        key: Literal["test_loss", "top1", "top5", "lr", "mean_average_precision", "micro_f1"],
    ) -> list[Point]:
        return [(record["epoch"], record[key]) for record in records]

    split = records[-1].get("split", "test")
    lines = [("top-1", select_column("top1")), ("top-5", select_column("top5"))]
    if "mean_average_precision" in records[-1]:
        lines = [("mAP", select_column("mean_average_precision")), ("micro F1", select_column("micro_f1"))]

    loss_curve = [
        (record["epoch"] - 1 + (part + 0.5) / len(record["curve"]), loss)
        for record in records
        for part, loss in enumerate(record["curve"])
    ]
    epochs = records[-1]["epoch"]
    charts = [
        make_chart("loss", [("training", loss_curve), (split, select_column("test_loss"))], epochs),
        make_chart(f"{split} accuracy, %", lines, epochs),
        make_chart("learning rate", [("rate", select_column("lr"))], epochs),
    ]
    return charts if len(records) > 1 else charts[:1]


def list_class_figures(evaluation: Evaluation) -> list[dict[str, object]]:
    """What is found of each class, where an image has any number of them; else nothing."""
    if evaluation.labels is None:
        return []
    return [
        {"name": evaluation.format_class_name(label), "figures": figures}
        for label, figures in evaluation.labels.list_classes()
    ]


def make_confusion_rows(evaluation: Evaluation) -> list[list[dict[str, object]]]:
    """The confusion matrix as cells: count, share of the true class in percent, intensity of the colour (0 to 1)."""
    rows = []
    for true, (images, _) in evaluation.class_accuracies.items():
        row = [(predicted, evaluation.confusion.get((true, predicted), 0)) for predicted in evaluation.occurring_labels]
        rows.append(
            [
                {
                    "count": count,
                    "share": 100 * count / (images or 1),
                    "right": true == predicted,
                    "depth": round((count / (images or 1)) ** 0.5, 3),
                }
                for predicted, count in row
            ]
        )
    return rows


def list_settings(recipe: recipes.Recipe) -> list[dict[str, object]]:
    """Every key of a recipe with its value and meaning, and whether the value differs from the default."""
    default = recipes.Recipe()
    return [
        {
            "key": key,
            "value": format_value(getattr(recipe, key)),
            "meaning": rule.meaning,
            "own": getattr(recipe, key) != getattr(default, key),
        }
        for key, rule in recipes.RULES.items()
    ]


def describe_misclassification(miss: Misclassification, data: ImageSet, evaluation: Evaluation) -> dict[str, object]:
    """A misclassified test image with its picture inline."""
    return {
        "picture": "data:image/png;base64,"
        + base64.b64encode(encode_png(draw_input(data.read_test_image(miss.index)))).decode(),
        "index": miss.index,
        "true": evaluation.format_class_name(miss.true),
        "predicted": evaluation.format_class_name(miss.predicted),
        "probability": 100 * miss.probability,
        "loss": miss.loss,
    }


def draw_input(values: Tensor) -> Tensor:
    """An input [channels, *size] as a picture, uint8 [channels, height, width]: of a volume the middle slice, of a
    signal the curve of its first channel. Numbers other than bytes go from black, the least, to white."""
    if values.ndim == 4:
        values = values[:, values.shape[1] // 2]
    if values.ndim == 3 and values.dtype == torch.uint8:
        return values
    values = values.float()
    low, high = values.amin(), values.amax()
    shares = (values - low) / (high - low).clamp(min=1e-30)
    if values.ndim == 3:
        return (255 * shares).round().to(torch.uint8)
    curve = shares[0, torch.linspace(0, shares.shape[1] - 1, _SIGNAL_SIZE[1]).round().long()]
    rows = ((1 - curve) * (_SIGNAL_SIZE[0] - 1)).round().long()
    picture = torch.full((1, *_SIGNAL_SIZE), 255, dtype=torch.uint8)
    for column, row in enumerate(rows.tolist()):
        before = int(rows[max(column - 1, 0)])
        picture[0, min(row, before) : max(row, before) + 1, column] = 0
    return picture


def encode_png(image: Tensor) -> bytes:
    """uint8 [1 or 3, height, width] as a PNG file; with any other number of channels, only the first one, in grey."""
    pixels = (image if image.shape[0] in (1, 3) else image[:1]).cpu().permute(1, 2, 0).contiguous()
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + bytes(row.flatten().tolist()) for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def lay_out_architecture(architecture: Architecture) -> dict[str, object]:
    """The stages as boxes from left to right: the height follows that of the map, each chip is a block."""
    tallest = max((stage.shape[-1] for stage in architecture.stages if len(stage.shape) > 1), default=1)
    tallest = max(tallest, architecture.input[-1])
    gap, narrow = 26.0, 64.0
    chip_counts = [min(stage.blocks, _MAX_CHIPS) for stage in architecture.stages]
    free_width = _PICTURE_WIDTH - gap * len(chip_counts) - narrow * (1 + sum(1 for count in chip_counts if not count))
    chip = min(30.0, max(5.0, free_width / max(sum(chip_counts), 1)))
    x, boxes = 0.0, []
    shapes = [architecture.input, *(stage.shape for stage in architecture.stages)]
    widths = [narrow, *(max(count * chip, narrow + 26) if count else narrow for count in chip_counts)]
    for number, (shape, width) in enumerate(zip(shapes, widths, strict=True)):
        stage = architecture.stages[number - 1] if number else None
        height = 24 + 96 * (shape[-1] / tallest) ** 0.5 if len(shape) > 1 else 24
        count = chip_counts[number - 1] if number else 0
        inside = width / count if count else 0.0
        boxes.append(
            {
                "x": round(x, 1),
                "y": round(64 - height / 2, 1),
                "width": round(width, 1),
                "height": round(height, 1),
                "middle": round(x + width / 2, 1),
                "chips": [round(x + inside * (i + 0.5), 1) for i in range(count)],
                "stage": stage,
                "shape": " × ".join(map(str, shape)),
            }
        )
        x += width + gap
    return {"boxes": boxes, "width": round(x - gap, 1), "gap": gap, "architecture": architecture}
