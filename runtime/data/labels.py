"""Which classes of a data set have images, and how the name of a class is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resnetc.terminal import one_line

if TYPE_CHECKING:
    from resnetc.runtime.data.dataset import ImageSet

_MAX_NAME_CHARACTERS = 40  # characters of a name that is shown
_MAX_LISTED = 5  # runs of labels, or names, that are listed


def shorten_name(name: str) -> str:
    """A class's name as one short line without control characters, safe for terminals and tables."""
    line = one_line(name)
    return line if len(line) <= _MAX_NAME_CHARACTERS else line[: _MAX_NAME_CHARACTERS - 3] + "..."


def describe_labels(classes: int) -> str:
    """What the user is told of a set whose labels are a table of 0 and 1."""
    what = f"any number of the {classes:,} classes" if classes > 1 else "the one class, or not"
    return f"every image has {what} (labels of 0 and 1)"


def list_notes(data: ImageSet) -> list[str]:
    """Notes for the user about classes that cannot be told apart, or have no images of some use, one line each."""
    if data.train_labels.ndim == 2:
        return _list_multi_label_notes(data)
    train_labels, test_labels = (set(labels.tolist()) for labels in (data.train_labels, data.test_labels))
    notes = [
        f"{data.name}: {count} classes have the name `{shorten_name(name)}`: only their numbers distinguish them"
        for name, count in Counter(data.class_names).most_common(_MAX_LISTED)
        if count > 1
    ]
    if len(train_labels) == 1:
        all_images = (
            f"all {count:,} training images have"
            if (count := len(data.train_labels)) > 1
            else "the only training image has"
        )
        notes.append(
            f"{data.name}: {all_images} {format_labels([*train_labels], data.class_names)}: there is nothing to learn"
        )
    lowest, highest = min(train_labels), max(train_labels)
    missing = [label for label in range(data.classes) if label not in train_labels]
    is_numbered = data.class_names == tuple(str(label) for label in range(data.classes))
    if is_numbered and lowest == 1 and 0 not in test_labels:
        notes.append(
            f"{data.name}: no training image has label 0 (labels 1 to {highest}): labels start at 0. The classes "
            f"are 0 to {data.classes - 1}, and the network has {data.classes} outputs"
        )
        missing.remove(0)
    if missing:
        share = f"{len(missing):,} of {data.classes:,} classes"
        notes.append(f"{data.name}: no training image has {format_labels(missing, data.class_names)}: {share}")
    if untested := sorted(train_labels - test_labels):
        them = "a class" if len(untested) == 1 else f"{len(untested):,} classes"
        notes.append(
            f"{data.name}: no test image has {format_labels(untested, data.class_names)}: "
            f"{them} trained but never evaluated"
        )
    validation_labels = set(data.validation.test_labels.tolist()) if data.validation is not None else train_labels
    if missing := sorted(train_labels - validation_labels):
        notes.append(
            f"{data.name}: none of the images that choose the best epoch has {format_labels(missing, data.class_names)}"
        )
    return notes


def _list_multi_label_notes(data: ImageSet) -> list[str]:
    """The same where an image has any number of classes: about those that none or all have, and images without one."""
    counts, tested = (labels.long().sum(0).tolist() for labels in (data.train_labels, data.test_labels))
    images = len(data.train_labels)
    notes = []
    uses = {
        "no training image has": [label for label, count in enumerate(counts) if not count],
        "every training image has": [label for label, count in enumerate(counts) if count == images],
        "no test image has": [label for label, count in enumerate(tested) if not count and counts[label]],
    }
    for what, labels in uses.items():
        if labels:
            share = f"{len(labels):,} of {data.classes:,} classes"
            notes.append(f"{data.name}: {what} {format_labels(labels, data.class_names)}: {share}")
    if alone := int((data.train_labels.sum(1) == 0).sum()):
        notes.append(f"{data.name}: {alone:,} of {images:,} training images have no class at all")
    return notes


def format_labels(labels: Sequence[int], names: Sequence[str]) -> str:
    """`label 3`, `the labels 4 to 9998`, `label 1 (dog)`; only the first of many."""
    named_labels = [
        f" ({shorten_name(names[label])})" if names[label] != str(label) else "" for label in labels[:_MAX_LISTED]
    ]
    if any(named_labels):
        listed = [f"{label}{name}" for label, name in zip(labels, named_labels, strict=False)]
    else:
        runs: list[list[int]] = []
        for label in labels:
            if runs and runs[-1][1] == label - 1:
                runs[-1][1] = label
            else:
                runs.append([label, label])
        listed = [f"{first} to {last}" if last > first else str(first) for first, last in runs]
    more = ", ..." if len(listed) > _MAX_LISTED or (any(named_labels) and len(labels) > _MAX_LISTED) else ""
    return f"{'label' if len(labels) == 1 else 'the labels'} {', '.join(listed[:_MAX_LISTED])}{more}"
