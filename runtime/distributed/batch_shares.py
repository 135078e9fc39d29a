"""How many images a process handles at once: the smallest share of a run decides whether its norms have enough values.

A norm that takes its statistics over the images of a batch, or over one channel per group, needs more than one value;
where its map has one position, it needs more than one image. Imports no torch.
"""

from dataclasses import dataclass

from resnetc.runtime.errors import RunError


@dataclass(frozen=True, slots=True)
class Share:
    """The fewest images that a process handles at once, when that happens, and the remedy."""

    images: int
    when: str
    remedy: str


def split_epoch(images: int, batch_size: int, processes: int = 1, parts: int = 1) -> tuple[int, int]:
    """The images of a step, all of them in a smaller set, and the steps of an epoch; RunError where a step cannot be
    shared equally among the processes, or a process's share not be divided into equal parts."""
    batch_size = min(batch_size, images)
    if batch_size % processes:
        raise RunError(f"a batch of {batch_size} images cannot be divided equally among {processes} processes")
    if (share := batch_size // processes) % parts:
        whose = "a batch" if processes == 1 else "a process's share of a batch"
        raise RunError(f"{whose}, {share} images, cannot be divided into {parts} equal parts (accumulate: {parts})")
    return batch_size, images // batch_size


def describe_single_step(images: int, batch_size: int) -> str:
    """A note where an epoch is one step; empty where it has several."""
    if images >= 2 * batch_size:
        return ""
    what = f"{images:,} training images make" if images > 1 else "1 training image makes"
    left_out = f"; {images - batch_size:,} are dropped" if images > batch_size else ""
    return f"{what} one step per epoch (`batch_size` is {batch_size:,}){left_out}"


def compute_step_share(images: int, batch_size: int, processes: int = 1, parts: int = 1) -> Share:
    """The share of a training step, or of each part of it that goes through the network by itself. All batches of an
    epoch are complete; images left over are not used."""
    share, required = min(batch_size, images) // processes // parts, 2 * processes * parts
    each = f", 2 for each of {processes} processes" if processes > 1 else ""
    each += f", 2 for each of {parts} parts (accumulate)" if parts > 1 else ""
    remedy = f"a batch of {required} images or more (--override batch_size={required}{each})"
    if images < required:
        remedy = f"{required} training images or more (there are {images}{each})"
    when = "a step has one image" if processes == 1 else "a process's share of a step is one image"
    when = when if parts == 1 else "a part of a step is one image"
    return Share(share, when, remedy)


def compute_evaluation_share(images: int, batch_size: int, processes: int = 1) -> Share:
    """The share of an evaluation of `images` test images, `batch_size` at a time; a process takes every `processes`th
    image."""
    counts = {len(range(rank, images, processes)) for rank in range(processes)} - {0}
    fewest = min(stop - start for count in counts for start, stop in split_batches(count, batch_size))
    remedy = f"{2 * processes} test images or more (there are {images})"
    if batch_size == 1:
        remedy = "an eval_batch_size of 2 or more (--override eval_batch_size=2)"
    return Share(fewest, "evaluation uses one image at a time", remedy)


def split_batches(images: int, batch_size: int) -> list[tuple[int, int]]:
    """Start and end of each batch of an evaluation. A last batch of one image is merged with the one before."""
    starts = [*range(0, images, batch_size)]
    if len(starts) > 1 and batch_size > 1 and images - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], images], strict=False))


def describe_one_value(norm: str, statistic_of: str, map_shape: str, share: Share, others: tuple[str, ...]) -> str:
    """The message about a norm that has a single value for each of its statistics.

    norm: which norm; statistic_of: what its statistics are taken of; map_shape: the map that reaches it; others: other
    remedies.
    """
    remedies = [share.remedy, *others]
    choices = remedies[0] if len(remedies) == 1 else f"{', '.join(remedies[:-1])}, or {remedies[-1]}"
    return (
        f"{norm} has one value for each {statistic_of} and needs two: its map is {map_shape}, and {share.when}; "
        f"use {choices}"
    )
