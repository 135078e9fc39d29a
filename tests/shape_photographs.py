"""Makes JPEG photographs of 40 to 400 pixels in four classes that nothing but the shape of one object tells apart.

Colour, position, scale, turn, aspect, contrast, noise and the quality of the JPEG are drawn independently of the class:
all objects have areas of one distribution, and no mean of pixels says anything. `make` writes `train` and `test`.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("bar", "cross", "disc", "ring")
MIN_SIDE, MAX_SIDE = 40, 400  # pixels
_FINER = 2  # the outline is drawn so much larger, and averaged
_HOLE = 0.6  # of the ring's radius


def outline(shape: str, area: float, turn: float) -> list[tuple[float, float]]:
    """The outer corners of a shape of this area around the origin."""
    if shape in ("disc", "ring"):
        points = [(math.cos(a), math.sin(a)) for a in np.linspace(0, 2 * math.pi, 48, endpoint=False)]
    elif shape == "bar":
        points = [(-2.5, -0.5), (2.5, -0.5), (2.5, 0.5), (-2.5, 0.5)]
    else:
        arm = [(-0.3, -1), (0.3, -1), (0.3, -0.3)]
        points = [point for quarter in range(4) for point in _turned(arm, quarter * math.pi / 2)]
    x, y = np.array(points).T
    own_area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    if shape == "ring":
        own_area *= 1 - _HOLE**2
    scale = math.sqrt(area / own_area)
    return [(scale * x, scale * y) for x, y in _turned(points, turn)]


def _turned(points: list[tuple[float, float]], turn: float) -> list[tuple[float, float]]:
    cosine, sine = math.cos(turn), math.sin(turn)
    return [(cosine * x - sine * y, sine * x + cosine * y) for x, y in points]


def photograph(shape: str, random: np.random.Generator) -> Image.Image:
    """One of them: an object that is lighter than what is around it."""
    short = math.exp(random.uniform(math.log(MIN_SIDE), math.log(MAX_SIDE / 1.6)))
    long = min(MAX_SIDE, short * random.uniform(1, 1.6))
    width, height = (round(short), round(long)) if random.random() < 0.5 else (round(long), round(short))
    least = min(width, height)
    points = outline(shape, random.uniform(0.08, 0.16) * least**2, random.uniform(0, 2 * math.pi))
    room = 0.12 * least  # so that the object stays in the centre that evaluation sees
    x, y = width / 2 + random.uniform(-room, room), height / 2 + random.uniform(-room, room)
    mask = Image.new("L", (_FINER * width, _FINER * height))
    draw = ImageDraw.Draw(mask)
    draw.polygon([(_FINER * (x + a), _FINER * (y + b)) for a, b in points], fill=255)
    if shape == "ring":
        draw.polygon([(_FINER * (x + _HOLE * a), _FINER * (y + _HOLE * b)) for a, b in points], fill=0)
    inside = np.asarray(mask.resize((width, height), Image.Resampling.BOX), np.float32)[:, :, None] / 255

    ground, colour = random.uniform(10, 120, 3), random.uniform(140, 250, 3)
    rows, columns = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    slopes = random.uniform(-25, 25, (2, 3))
    shade = rows[:, None, None] * slopes[0] + columns[None, :, None] * slopes[1]
    pixels = ground * (1 - inside) + colour * inside + shade
    pixels += random.normal(0, random.uniform(2, 12), (height, width, 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def make(folder: Path, train: int, test: int, seed: int = 0) -> None:
    """Write `train` and `test` photographs, as many of each class, into `folder`."""
    for number, (part, count) in enumerate((("train", train), ("test", test))):
        for index in range(count):
            random = np.random.default_rng([seed, number, index])
            shape = SHAPES[index % len(SHAPES)]
            path = folder / part / shape / f"{index:05}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            photograph(shape, random).save(path, quality=int(random.integers(60, 96)))


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
