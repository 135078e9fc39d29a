"""scikit-learn's digits: 1,797 grey images of 8x8, ten classes, inside the package; 1,437 to train, 360 held out."""

from pathlib import Path

from resnetc.runtime.data.dataset import Data, Outline
from resnetc.runtime.errors import RunError, require_packages

IMAGES, HELD_OUT = 1797, 360


def read_outline(path: Path | None) -> Outline:
    """The outline of the digits, which is always the same; scikit-learn is imported only by `read`."""
    if path is not None:
        raise RunError(f"--data digits:{path}: the digits come with scikit-learn and take no path", status=2)
    require_packages("sklearn")
    return Outline("digits", 10, channels=1, size=(8, 8), train=IMAGES - HELD_OUT, test=HELD_OUT, read=read_data)


def read_data() -> Data:
    """The digits, values 0 to 240 (the package's 0 to 16 times 15), with a common split.

    The split is `train_test_split(test_size=360, stratify=target, random_state=0)`: independent of the seed of the
    run, so that results can be compared with those of scikit-learn's own classifiers.
    """
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images = torch.from_numpy(bunch.images).mul(15).to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(bunch.target).to(torch.int64)
    train, test = train_test_split(range(len(labels)), test_size=HELD_OUT, stratify=bunch.target, random_state=0)
    return Data(
        "digits",
        None,
        class_names=tuple("0123456789"),
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
    )
