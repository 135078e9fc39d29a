"""Which classes of a data set have images, and how the name of one is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from resnetc.terminal import one_line

if TYPE_CHECKING:
    from resnetc.runtime.data.dataset import Data

_LONGEST = 40  # characters of a name that is shown
_MOST = 5  # runs of labels, or names, that are listed


def shown(name: str) -> str:
    """A class's name as one short line that no terminal obeys and no table breaks at."""
    line = one_line(name)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def remarks(data: Data) -> list[str]:
    """What a user should know of classes that have no image to train or to judge them with; a line each."""
    trained, judged = (set(labels.tolist()) for labels in (data.train_labels, data.test_labels))
    found = []
    lowest, highest = min(trained), max(trained)
    missing = [label for label in range(data.classes) if label not in trained]
    numbered = data.class_names == tuple(str(label) for label in range(data.classes))
    if numbered and lowest == 1 and 0 not in judged:
        found.append(
            f"{data.name}: no training image has label 0 (labels 1 to {highest}): do they start at 1? "
            f"The classes are 0 to {data.classes - 1}, and the network has {data.classes} outputs"
        )
        missing.remove(0)
    if missing:
        share = f"{len(missing):,} of {data.classes:,} classes"
        found.append(f"{data.name}: no training image has {labelled(missing, data.class_names)}: {share}")
    if unseen := sorted(trained - judged):
        them = "a class" if len(unseen) == 1 else f"{len(unseen):,} classes"
        found.append(
            f"{data.name}: no test image has {labelled(unseen, data.class_names)}: {them} trained but never evaluated"
        )
    return found


def labelled(labels: Sequence[int], names: Sequence[str]) -> str:
    """`label 3`, `the labels 4 to 9998`, `label 1 (dog)`; of many the first alone."""
    told = [f" ({shown(names[label])})" if names[label] != str(label) else "" for label in labels[:_MOST]]
    if any(told):
        listed = [f"{label}{name}" for label, name in zip(labels, told, strict=False)]
    else:
        runs: list[list[int]] = []
        for label in labels:
            if runs and runs[-1][1] == label - 1:
                runs[-1][1] = label
            else:
                runs.append([label, label])
        listed = [f"{first} to {last}" if last > first else str(first) for first, last in runs]
    more = ", ..." if len(listed) > _MOST or (any(told) and len(labels) > _MOST) else ""
    return f"{'label' if len(labels) == 1 else 'the labels'} {', '.join(listed[:_MOST])}{more}"
