"""The metadata of a checkpoint, checked: a run folder may come from a stranger, so nothing in it is taken on trust."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict, cast

from resnetc.runtime.data.json_values import is_count, is_figure
from resnetc.runtime.data.preprocessing import Preprocessing, parse_preprocessing
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.key_rules import Setting
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run.folder import EpochRecord, InitialWeights, describe_fault_of_record

FORMAT = 5
_OLDEST_FORMAT = 2  # in which some keys of the recipe have other names


class BestEpoch(TypedDict, total=False):
    """The best epoch so far with its figures; empty before the first epoch is done."""

    epoch: int
    top1: float
    test_loss: float
    mean_average_precision: float  # of images with any number of classes


def has_ended(recipe: Recipe, epochs: int, best: BestEpoch) -> bool:
    """Whether a run that has done so many epochs is at its end: after the last, or `early_stopping` since the best."""
    patience = recipe.early_stopping
    return epochs >= recipe.epochs or bool(patience and best and epochs - best["epoch"] >= patience)


class RunMetadata(TypedDict):
    """The metadata of a checkpoint, with the recipe and the preprocessing as values.

    `optimizer_tensors`, `records` and `preprocessing` are None where an earlier version wrote it; `initial_weights` is
    None where the run started from random ones, and `data_seconds` 0 where an earlier version wrote it.
    """

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
    data_seconds: float
    best: BestEpoch
    optimizer_tensors: int | None
    records: list[EpochRecord] | None
    preprocessing: Preprocessing | None
    initial_weights: InitialWeights | None


def parse_metadata(metadata: Mapping[str, object], path: Path) -> RunMetadata:
    """The metadata of the checkpoint `path` as a value; RunError for another format, and for what no run writes."""
    written_format = metadata.get("format")
    if not is_count(written_format) or not _OLDEST_FORMAT <= cast(int, written_format) <= FORMAT:
        raise RunError(f"{path}: format {written_format!s:.40}, this resnetc reads format {FORMAT}")
    absent = [key for key, first_format in _FIRST_FORMATS.items() if cast(int, written_format) < first_format]
    for key, (is_right, expected) in _CHECKS.items():
        if key in absent:
            continue
        if key not in metadata:
            raise RunError(f"{path}: not the state of a run: `{key}` is missing from its metadata")
        if not is_right(metadata[key]):
            raise RunError(f"{path}: not the state of a run: `{key}` must be {expected}, not {metadata[key]!s:.40}")
    if metadata.get("initial_weights") is not None and not _are_initial_weights(metadata["initial_weights"]):
        raise RunError(f"{path}: not the state of a run: `initial_weights` must be a file with its hash")
    if not is_figure(metadata.get("data_seconds", 0.0)):
        raise RunError(f"{path}: not the state of a run: `data_seconds` must be a number")
    parsed = cast(RunMetadata, {"initial_weights": None, "data_seconds": 0.0} | dict(metadata) | dict.fromkeys(absent))
    parsed["recipe"] = recipe_file.from_settings(cast(dict[str, Setting], metadata["recipe"]), str(path))
    if "preprocessing" not in absent:
        parsed["preprocessing"] = parse_preprocessing(metadata["preprocessing"], f"{path}: preprocessing")
    records = parsed["records"]
    if records is not None and [record["epoch"] for record in records] != list(range(1, parsed["epochs"] + 1)):
        raise RunError(f"{path}: not the state of a run: {len(records)} records of {parsed['epochs']} epochs")
    return parsed


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_shape(value: object) -> bool:
    return isinstance(value, list) and 2 <= len(value) <= 4 and all(is_count(size) and size > 0 for size in value)


def _is_environment(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _is_best(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return not value or (
        is_count(value.get("epoch"))
        and all(is_figure(value.get(key)) for key in ("top1", "test_loss", *value.keys() & {"mean_average_precision"}))
    )


def _are_initial_weights(value: object) -> bool:
    if not isinstance(value, dict) or not is_count(value.get("tensors")):
        return False
    report = value.get("report")
    texts = [value.get("file"), value.get("sha256"), *(report if isinstance(report, list) and report else [None])]
    return all(isinstance(text, str) for text in texts)


def _are_records(value: object) -> bool:
    return isinstance(value, list) and not any(map(describe_fault_of_record, value))


# The keys, each with its check and with what a message says of it.
_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "network": (_is_text, "a text"),
    "module": (_is_text, "a text"),
    "data": (_is_text, "a text"),
    "fingerprint": (_is_text, "a text"),
    "shape": (_is_shape, "channels and one to three sizes"),
    "environment": (_is_environment, "a table of strings"),
    "recipe": (_is_table, "a table"),
    "step": (is_count, "a number of steps"),
    "epochs": (is_count, "a number of epochs"),
    "seconds": (is_figure, "a number"),
    "epoch_seconds": (is_figure, "a number"),
    "best": (_is_best, "an epoch with its figures"),
    "optimizer_tensors": (is_count, "a number of tensors"),
    "records": (_are_records, "the records of the epochs"),
    "preprocessing": (_is_table, "a table"),
}
_FIRST_FORMATS = {"optimizer_tensors": 4, "records": 4, "preprocessing": 5}  # of the keys that earlier ones lack
