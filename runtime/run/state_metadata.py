"""The metadata of a checkpoint, checked: a run folder may come from a stranger, so nothing in it is taken on trust."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict, cast

from resnetc.runtime import recipe as recipes
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import Recipe
from resnetc.runtime.run.folder import EpochRecord, describe_fault_of_record
from resnetc.runtime.run.json_values import is_count, is_figure

FORMAT = 4
_WITHOUT_RECORDS = 3  # the same, but the records of the epochs are in metrics.jsonl alone
_WITH_EARLIER_KEYS = 2  # the same again, but for the names of some keys of the recipe


class BestEpoch(TypedDict, total=False):
    """The best epoch so far with its figures; empty before the first epoch is done."""

    epoch: int
    top1: float
    test_loss: float


class RunMetadata(TypedDict):
    """The metadata of a checkpoint, with the recipe as a value; `records` is None where an earlier version wrote it."""

    network: str
    module: str
    data: str
    fingerprint: str
    shape: list[int]
    environment: dict[str, str]
    recipe: Recipe
    step: int
    epochs: int
    seconds: float
    epoch_seconds: float
    best: BestEpoch
    optimizer_tensors: int | None
    records: list[EpochRecord] | None


def parse_metadata(metadata: Mapping[str, object], path: Path) -> RunMetadata:
    """The metadata of the checkpoint `path` as a value; RunError for another format, and for what no run writes."""
    written_format = metadata.get("format")
    if written_format not in (FORMAT, _WITHOUT_RECORDS, _WITH_EARLIER_KEYS):
        raise RunError(f"{path}: format {written_format!s:.40}, this resnetc reads format {FORMAT}")
    checks = dict(_CHECKS)
    if written_format != FORMAT:
        for key in _NEW_KEYS:
            del checks[key]
    for key, (is_right, expected) in checks.items():
        if key not in metadata:
            raise RunError(f"{path}: not the state of a run: `{key}` is missing from its metadata")
        if not is_right(metadata[key]):
            raise RunError(f"{path}: not the state of a run: `{key}` must be {expected}, not {metadata[key]!s:.40}")
    parsed = cast(RunMetadata, dict.fromkeys(_NEW_KEYS) | dict(metadata))
    parsed["recipe"] = recipes.from_settings(cast(dict[str, recipes.Setting], metadata["recipe"]), str(path))
    records = parsed["records"]
    if records is not None and [record["epoch"] for record in records] != list(range(1, parsed["epochs"] + 1)):
        raise RunError(f"{path}: not the state of a run: {len(records)} records of {parsed['epochs']} epochs")
    return parsed


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_shape(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(is_count(size) and size > 0 for size in value)


def _is_environment(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_recipe(value: object) -> bool:
    return isinstance(value, dict)


def _is_best(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return not value or (
        is_count(value.get("epoch")) and all(is_figure(value.get(key)) for key in ("top1", "test_loss"))
    )


def _are_records(value: object) -> bool:
    return isinstance(value, list) and not any(map(describe_fault_of_record, value))


# The keys, each with its check and with what a message says of it.
_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "network": (_is_text, "a text"),
    "module": (_is_text, "a text"),
    "data": (_is_text, "a text"),
    "fingerprint": (_is_text, "a text"),
    "shape": (_is_shape, "channels, height and width"),
    "environment": (_is_environment, "a table of texts"),
    "recipe": (_is_recipe, "a table"),
    "step": (is_count, "a number of steps"),
    "epochs": (is_count, "a number of epochs"),
    "seconds": (is_figure, "a number"),
    "epoch_seconds": (is_figure, "a number"),
    "best": (_is_best, "an epoch with its figures"),
    "optimizer_tensors": (is_count, "a number of tensors"),
    "records": (_are_records, "the records of the epochs"),
}
_NEW_KEYS = ("optimizer_tensors", "records")
