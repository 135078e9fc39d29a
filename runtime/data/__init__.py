"""Reads labelled images by name: `load("digits")`, `load("cifar10", Path("~/cifar-10-batches-bin"))`."""

import importlib
from pathlib import Path

from resnetc.runtime.data.dataset import Data
from resnetc.runtime.errors import RunError, suggestion

__all__ = ["NAMES", "Data", "load", "split"]

_READERS = {  # name -> the module and the function in it that read the format; imported on first use
    "digits": ("digits", "read"),
    "fashion-mnist": ("idx", "read"),
    "cifar10": ("cifar", "read_10"),
    "cifar100": ("cifar", "read_100"),
    "npz": ("npz", "read"),
    "folder": ("folder", "read"),
}
NAMES = tuple(_READERS)


def split(argument: str) -> tuple[str, Path | None]:
    """`NAME[:PATH]` of the command line as (name, path); a leading `~` of the path is the home folder."""
    name, colon, path = argument.partition(":")
    if colon and not path:
        raise RunError(f"--data {argument}: a path must follow the colon", status=2)
    check(name)
    return name, Path(path).expanduser() if path else None


def check(name: str) -> None:
    """RunError, with a suggestion, unless `load` knows the name."""
    if name not in _READERS:
        raise RunError(f"--data {name}: no such data{suggestion(name, NAMES)}", status=2)


def load(name: str, path: Path | None = None) -> Data:
    """Read the set `name`, from `path` where it needs or takes one.

    Raises RunError for an unknown name, and for missing or damaged files with file, place and what was expected.
    """
    check(name)
    module, function = _READERS[name]
    read = getattr(importlib.import_module(f"resnetc.runtime.data.{module}"), function)
    try:
        data: Data = read(path)
    except OSError as fault:  # a folder that may not be entered, a name too long
        raise RunError(f"{fault.filename or path}: cannot read it: {fault.strerror or fault}") from None
    return data
