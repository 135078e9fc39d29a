"""Reads labelled images by name: `load("digits")`, `load("cifar10", Path("~/cifar-10-batches-bin"))`.

`read_outline` returns their number and size without importing torch; the `read` of its result reads the images.
Photographs of several sizes are made to have one first: `read_outline("folder", path).at(Fit((224, 224), 256))`.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from resnetc.runtime.data import user_function
from resnetc.runtime.data.dataset import Data, Fit, ImageSet, MixedOutline, Outline
from resnetc.runtime.errors import RunError, suggest_name

__all__ = ["NAMES", "Data", "Fit", "ImageSet", "MixedOutline", "Outline", "load", "parse_argument", "read_outline"]

_READERS = {  # name -> the module and the function in it that look at the data; imported on first use
    "digits": ("digits", "read_outline"),
    "fashion-mnist": ("idx", "read_outline"),
    "cifar10": ("cifar", "read_outline_10"),
    "cifar100": ("cifar", "read_outline_100"),
    "npz": ("npz", "read_outline"),
    "folder": ("image_folder", "read_outline"),
    "pack": ("pack", "read_outline"),
}
NAMES = tuple(_READERS)
_ARRAYS = ("npz",)  # which are read as the network's axes say


def parse_argument(argument: str, *, is_of_command: bool = False) -> tuple[str, Path | None]:
    """`NAME[:PATH]` as (name, path); a leading `~` of the path is the home folder.

    `module:function` is a name by itself, and code of the user's own: RunError unless `is_of_command`, as a run folder
    may not decide what is imported.
    """
    name, colon, path = argument.partition(":")
    if name not in _READERS and user_function.is_function_name(argument):
        if not is_of_command:
            raise RunError(
                f"the data of this run is what `{argument}` returns, code of your own, which is imported only if you "
                f"name it: add --data {argument}"
            )
        user_function.find_module(argument, NAMES)
        return argument, None
    if colon and not path:
        raise RunError(f"--data {argument}: expected a path after the colon", status=2)
    check_name(name)
    return name, Path(path).expanduser() if path else None


def choose_recipe(name: str) -> str:
    """The shipped recipe for a data set, unless the user says another."""
    return name if name in _READERS else "npz"


def check_name(name: str) -> None:
    """Raise RunError, with a suggestion, unless `read_outline` knows the name."""
    if name not in _READERS and not user_function.is_function_name(name):
        raise RunError(f"--data {name}: no such data set{suggest_name(name, NAMES)}", status=2)


def read_outline(name: str, path: Path | None = None, axes: int = 2) -> Outline | MixedOutline:
    """The outline of the data set `name`, from `path` if it needs or takes one; its `read` reads the images.

    axes: how many an input of the network has, which decides how arrays are read.

    A name `module:function` is imported and called: it must come from whoever runs the program.

    Raises RunError for an unknown name, and for missing or damaged files, with the file, the place and what was
    expected. Faults in the images themselves are found when they are read.
    """
    check_name(name)
    module, function = _READERS.get(name, ("user_datasets", "read_outline"))
    with _translate_os_errors(path):
        outline: Outline | MixedOutline
        read = getattr(importlib.import_module(f"resnetc.runtime.data.{module}"), function)
        outline = read(path, axes) if name in _ARRAYS else read(path if name in _READERS else name)
    return _guard(outline, path) if isinstance(outline, Outline) else _guard_mixed(outline, path)


def _guard(outline: Outline, path: Path | None) -> Outline:
    """The outline whose functions translate what the system refuses."""
    change = outline.fit

    def read() -> ImageSet:
        with _translate_os_errors(path):
            return outline.read()

    return replace(outline, read=read, fit=None if change is None else lambda fit: _guard(change(fit), path))


def _guard_mixed(outline: MixedOutline, path: Path | None) -> MixedOutline:
    return replace(outline, fit=lambda fit: _guard(outline.fit(fit), path))


def load(name: str, path: Path | None = None, fit: Fit | None = None, axes: int = 2) -> ImageSet:
    """Read the data set `name`, its images made to have the size of `fit`; raises RunError as `read_outline` does."""
    outline = read_outline(name, path, axes)
    if fit is not None:
        return outline.at(fit).read()
    if isinstance(outline, MixedOutline):
        raise RunError(f"{outline.name} has images of several sizes: say which size they are made to have")
    return outline.read()


@contextmanager
def _translate_os_errors(path: Path | None) -> Iterator[None]:
    """What the system refuses, such as a folder that may not be entered or a name too long, as a RunError."""
    try:
        yield
    except OSError as fault:
        raise RunError(f"{fault.filename or path}: cannot read it: {fault.strerror or fault}") from None
