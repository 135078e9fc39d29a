"""Sets that are no photographs, made by code: signals that only their shape tells apart, and clips of moving digits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

Values = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

SHAPES: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {  # one period, phase 0 to 1
    "sine": lambda phase: np.sin(2 * np.pi * phase),
    "square": lambda phase: np.where(phase < 0.5, 1.0, -1.0),
    "triangle": lambda phase: 4 * np.abs(phase - 0.5) - 1,
    "rising": lambda phase: 2 * phase - 1,
    "falling": lambda phase: 1 - 2 * phase,
}
DIRECTIONS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}


def make_signals(count: int, seed: int, steps: int = 256) -> tuple[Values, Labels]:
    """Waves: period, phase, height, offset and noise are drawn independently of the class, which is their shape."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(SHAPES)
    signals = np.empty((count, steps), np.float32)
    for row, label in enumerate(labels):
        periods, phase = random.uniform(4, 12), random.uniform()
        wave = list(SHAPES.values())[label]((np.arange(steps) / steps * periods + phase) % 1)
        wave = wave / wave.std() * random.uniform(0.5, 2) + random.uniform(-1, 1)
        signals[row] = wave + random.normal(0, 0.1, steps)
    return signals, labels


def make_clips(digits: Pixels, labels: Labels, count: int, seed: int) -> tuple[npt.NDArray[np.uint8], Labels]:
    """Eight frames of 16x16 in which one of `digits` moves by a pixel every second frame; the class is the digit and
    the direction. No frame alone tells the direction for certain."""
    random = np.random.default_rng(seed)
    clips = np.zeros((count, 8, 16, 16), np.uint8)
    answers = np.empty(count, np.int64)
    for row in range(count):
        chosen, direction = random.integers(len(digits)), random.integers(len(DIRECTIONS))
        steps = list(DIRECTIONS.values())[direction]
        start = [random.integers(max(0, -3 * step), 9 - max(0, 3 * step)) for step in steps]
        for frame in range(8):
            top, left = (place + step * (frame // 2) for place, step in zip(start, steps, strict=True))
            clips[row, frame, top : top + 8, left : left + 8] = digits[chosen] * 15
        answers[row] = labels[chosen] * len(DIRECTIONS) + direction
    return clips, answers


def write_signals(path: Path, train: int, test: int) -> None:
    """An archive of signals, float32 [N, steps]."""
    (images, labels), (test_images, test_labels) = make_signals(train, 0), make_signals(test, 1)
    np.savez(
        path,
        train_images=images,
        train_labels=labels,
        test_images=test_images,
        test_labels=test_labels,
        class_names=np.array(list(SHAPES)),
    )


def write_clips(path: Path, train: int, test: int) -> None:
    """An archive of clips, uint8 [N, frames, height, width]; test clips show other digits than training clips."""
    bunch = load_digits()
    parts = []
    order = np.random.default_rng(0).permutation(len(bunch.target))
    for chosen, count, seed in ((order[:1400], train, 0), (order[1400:], test, 1)):
        parts += make_clips(bunch.images[chosen], bunch.target[chosen], count, seed)
    names = [f"{digit} {direction}" for digit in range(10) for direction in DIRECTIONS]
    keys = ("train_images", "train_labels", "test_images", "test_labels")
    np.savez(path, class_names=np.array(names), **dict(zip(keys, parts, strict=True)))
