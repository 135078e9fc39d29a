"""`report.html`: one page about a run, with everything in it; no script, nothing from the network.

write(Path("runs/first"))
"""

import base64
import dataclasses
import functools
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from resnetc.runtime import data as datasets
from resnetc.runtime import recipe as recipes
from resnetc.runtime.data import Data
from resnetc.runtime.determinism import threads
from resnetc.runtime.evaluate import WIDEST_TABLE, Evaluation, Miss, evaluate
from resnetc.runtime.model import loader as model_loader
from resnetc.runtime.model import summary
from resnetc.runtime.model.summary import Architecture
from resnetc.runtime.progress import figure
from resnetc.runtime.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Chart, Point, chart
from resnetc.runtime.run import checkpoint, train_state
from resnetc.runtime.run.folder import RunFolder
from resnetc.terminal import harmless

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = "report.html.j2"
_CHIPS = 16  # blocks of a stage that are drawn one by one
_PICTURE = 900  # width of the architecture's picture, in pixels


def write(out: Path, data: Data | None = None, judged: Evaluation | None = None) -> Path:
    """Write `report.html` into the run folder `out`; returns its path.

    `judged` is the evaluation of the best weights on the test images of `data`; without it they are evaluated here, and
    without `data` the run's own data is read again. Raises RunError where the run or the data are at fault.
    """
    run = RunFolder(out)
    facts = train_state.load(run.best if run.best.is_file() else run.last)[1]
    if data is None:
        data = datasets.load(*datasets.split(facts["data"]))
    judged = judged or evaluate(out, data)
    model = model_loader.build(run.source(), run.model, torch.device("cpu"))
    with threads(facts["recipe"]["threads"]):
        seen = summary.look(model, tuple(facts["shape"]))
    page = _template().render(
        run=out.absolute().name,
        facts=facts,
        records=run.records(),
        charts=charts(run.records()),
        frame={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "bottom": HEIGHT - BOTTOM},
        judged=judged,
        classes=[
            {"name": judged.name(label), "accuracy": accuracy, "images": images}
            for label, (images, accuracy) in judged.per_class.items()
        ],
        confusion=confusion(judged) if len(judged.occurring) <= WIDEST_TABLE else [],
        worst=[pictured(miss, data, judged) for miss in judged.worst],
        recipe=settings(facts["recipe"]),
        picture=picture(seen),
        compiler=getattr(sys.modules[type(model).__module__], "COMPILER", "unknown"),
        data=data,
        figure=figure,
        upright=len(judged.occurring) > 10 and any(len(judged.name(label)) > 3 for label in judged.occurring),
    )
    checkpoint.write(run.report, harmless(page).encode())
    return run.report


@functools.cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("resnetc.runtime.report", "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.get_template(_TEMPLATE)


def charts(records: list[dict[str, Any]]) -> list[Chart]:
    """Loss, accuracy and learning rate over the epochs; after a single one the loss alone, the rest would be points."""
    if not records:
        return []

    def column(key: str) -> list[Point]:
        return [(record["epoch"], record[key]) for record in records]

    fine = [
        (record["epoch"] - 1 + (part + 0.5) / len(record["curve"]), loss)
        for record in records
        for part, loss in enumerate(record["curve"])
    ]
    epochs = records[-1]["epoch"]
    made = [
        chart("loss", [("training", fine), ("test", column("test_loss"))], epochs),
        chart("test accuracy, %", [("top-1", column("top1")), ("top-5", column("top5"))], epochs),
        chart("learning rate", [("rate", column("lr"))], epochs),
    ]
    return made if len(records) > 1 else made[:1]


def confusion(judged: Evaluation) -> list[list[dict[str, Any]]]:
    """The confusion matrix as cells: count, share of the true class in percent, depth of the colour (0 to 1)."""
    rows = []
    for true, (images, _) in judged.per_class.items():
        row = [(predicted, judged.confusion.get((true, predicted), 0)) for predicted in judged.occurring]
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


def settings(chosen: dict[str, Any]) -> list[dict[str, Any]]:
    """Every key of a recipe, its value and meaning, and whether the value is not the default."""
    defaults = dataclasses.asdict(recipes.Recipe())
    return [
        {
            "key": key,
            "value": "true" if chosen.get(key) is True else "false" if chosen.get(key) is False else chosen.get(key),
            "meaning": rule.meaning,
            "own": chosen.get(key) != (list(defaults[key]) if isinstance(defaults[key], tuple) else defaults[key]),
        }
        for key, rule in recipes.RULES.items()
    ]


def pictured(miss: Miss, data: Data, judged: Evaluation) -> dict[str, Any]:
    """A badly answered test image with its picture inline."""
    return {
        "picture": "data:image/png;base64," + base64.b64encode(png(data.test_images[miss.index])).decode(),
        "index": miss.index,
        "true": judged.name(miss.true),
        "predicted": judged.name(miss.predicted),
        "probability": 100 * miss.probability,
        "loss": miss.loss,
    }


def png(image: Tensor) -> bytes:
    """uint8 [1 or 3, height, width] as a PNG file; of any other number of channels the first alone, as grey."""
    pixels = (image if image.shape[0] in (1, 3) else image[:1]).cpu().permute(1, 2, 0).contiguous()
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + bytes(row.flatten().tolist()) for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture(seen: Architecture) -> dict[str, Any]:
    """The stages as boxes from left to right: the height follows the map's, a chip stands for a block."""
    tallest = max((stage.shape[-1] for stage in seen.stages if len(stage.shape) > 1), default=1)
    tallest = max(tallest, seen.input[-1])
    gap, narrow = 26.0, 64.0
    shown = [min(stage.blocks, _CHIPS) for stage in seen.stages]
    free = _PICTURE - gap * len(shown) - narrow * (1 + sum(1 for count in shown if not count))
    chip = min(30.0, max(5.0, free / max(sum(shown), 1)))
    x, boxes = 0.0, []
    shapes = [seen.input, *(stage.shape for stage in seen.stages)]
    widths = [narrow, *(max(count * chip, narrow + 26) if count else narrow for count in shown)]
    for number, (shape, width) in enumerate(zip(shapes, widths, strict=True)):
        stage = seen.stages[number - 1] if number else None
        height = 24 + 96 * (shape[-1] / tallest) ** 0.5 if len(shape) > 1 else 24
        count = shown[number - 1] if number else 0
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
    return {"boxes": boxes, "width": round(x - gap, 1), "gap": gap, "seen": seen}
