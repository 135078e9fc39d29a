"""How many images a process meets at once: the smallest of a run decides whether a norm has values enough.

A norm that takes its statistics of the images at hand, or of one channel a group, needs more than one value; where its
map has one position, that is more than one image. Imports no torch.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """The fewest images that a process meets at once, when that is, and what to take for more of them."""

    images: int
    when: str
    remedy: str


def compute_step_share(images: int, batch_size: int, processes: int = 1) -> Share:
    """Of a training step. Every batch of an epoch is a whole one: what is left behind the last of them is left out."""
    share, required = min(batch_size, images) // processes, 2 * processes
    each = f", 2 for each of {processes} processes" if processes > 1 else ""
    remedy = f"a batch of {required} images or more (--override batch_size={required}{each})"
    if images < required:
        remedy = f"{required} training images or more (there are {images}{each})"
    when = "a step has one image" if processes == 1 else "a process's share of a step is one image"
    return Share(share, when, remedy)


def compute_evaluation_share(images: int, batch_size: int, processes: int = 1) -> Share:
    """Of an evaluation of so many test images, `batch_size` at a time; a process takes every `processes`th image."""
    counts = {len(range(rank, images, processes)) for rank in range(processes)} - {0}
    fewest = min(stop - start for count in counts for start, stop in split_batches(count, batch_size))
    remedy = f"{2 * processes} test images or more (there are {images})"
    if batch_size == 1:
        remedy = "an eval_batch_size of 2 or more (--override eval_batch_size=2)"
    return Share(fewest, "an evaluation has one image at a time", remedy)


def split_batches(images: int, batch_size: int) -> list[tuple[int, int]]:
    """Where each part of an evaluation starts and ends. The last one is no single image: the one before takes it."""
    starts = [*range(0, images, batch_size)]
    if len(starts) > 1 and batch_size > 1 and images - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], images], strict=False))


def describe_one_value(norm: str, statistic_of: str, map_shape: str, share: Share, others: tuple[str, ...]) -> str:
    """The message about a norm that has one value for each of its statistics.

    norm: what and where it is; statistic_of: what it has statistics of; map_shape: the map that reaches it;
    others: what else to take.
    """
    remedies = [share.remedy, *others]
    choices = remedies[0] if len(remedies) == 1 else f"{', '.join(remedies[:-1])}, or {remedies[-1]}"
    return (
        f"{norm} has one value for each {statistic_of} and needs two: its map is {map_shape}, and {share.when}; "
        f"take {choices}"
    )
