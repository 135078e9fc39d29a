"""Residual networks as text: `.resnet` specs compiled to PyTorch modules, their shapes proved for every input size."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from resnetc.version import VERSION as __version__

if TYPE_CHECKING:
    from resnetc.api import Compiled, CompileError, compile, load, open_run

_LINKS = ("compiler", "grammar", "runtime", "specs")


def _check_links(package: str) -> None:
    """ImportError where git has written one of the package's symbolic links as a text file."""
    for path in (os.path.join(package, name) for name in _LINKS):
        if os.path.isfile(path):
            raise ImportError(
                f"{path}: this symbolic link was checked out as a text file; in the checkout run `git config "
                f"core.symlinks true && git checkout -- src/resnetc`, or install a package with `pip install .`"
            )


_check_links(os.path.dirname(__file__))

__all__ = ["CompileError", "Compiled", "__version__", "compile", "load", "open_run"]


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__, "testing"})


def __getattr__(name: str) -> Any:
    if name in __all__:
        from resnetc import api

        return getattr(api, name)
    if name == "testing":
        from importlib import import_module

        return import_module("resnetc.testing")
    raise AttributeError(f"module 'resnetc' has no attribute {name!r}")
