"""scikit-learn's digits: 1,797 grey images of 8x8, ten classes, inside the package; 1,437 to train, 360 held out."""

from pathlib import Path

import torch

from resnetc.runtime import counter
from resnetc.runtime.data.dataset import Data
from resnetc.runtime.errors import RunError, require

HELD_OUT = 360
_SPLIT_SEED = 0  # the split belongs to the data, not to the run: every seed is judged on the same images


def read(path: Path | None) -> Data:
    """The digits, values 0 to 240 (the package's 0 to 16 times 15), split by class; the same split at every call."""
    if path is not None:
        raise RunError(f"--data digits:{path}: the digits come with scikit-learn and take no path", status=2)
    require("sklearn")
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy(bunch.images).mul(15).to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(bunch.target).to(torch.int64)

    # Shuffle, sort by class, then hold out every image at which the running share of 360/1797 gains a whole one:
    # exactly 360 images, and of every class its share to within one image.
    count = len(labels)
    shuffled = counter.order(_SPLIT_SEED, 0, count, torch.device("cpu"))
    by_class = shuffled[torch.argsort(labels[shuffled], stable=True)]
    position = torch.arange(count)
    held = (position + 1) * HELD_OUT // count > position * HELD_OUT // count
    train, test = by_class[~held].sort().values, by_class[held].sort().values
    return Data("digits", None, tuple("0123456789"), images[train], labels[train], images[test], labels[test])
