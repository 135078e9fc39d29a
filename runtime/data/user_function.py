"""The function of the user's own that `--data module:function` names: the one place where code for data is imported.

Only what the command line names is imported, never what a run folder says. Imports no torch by itself.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path

from resnetc.runtime.data.user_faults import describe_error
from resnetc.runtime.errors import RunError, suggest_name

DataFunction = Callable[[], object]


def is_function_name(argument: str) -> bool:
    """Whether an argument of `--data` has the form `module:function`."""
    module, colon, function = argument.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *function.split(".")))


def find_module(argument: str, other_names: tuple[str, ...]) -> Path | None:
    """The file of the module in `module:function`, in the working folder or where Python looks; nothing is imported.

    RunError where there is none; `other_names` are the data sets that may have been meant.
    """
    top = argument.partition(":")[0].partition(".")[0]
    spec = PathFinder.find_spec(top, [str(Path.cwd()), *sys.path])
    if spec is None and top not in sys.modules:
        raise RunError(
            f"--data {argument}: there is no data set and no module `{top}`: put {top}.py in the working folder, or "
            f"set PYTHONPATH to the folder that has it{suggest_name(top, other_names)}",
            status=2,
        )
    return Path(spec.origin) if spec is not None and spec.origin not in (None, "built-in", "frozen") else None


def import_function(argument: str) -> DataFunction:
    """The function of `module:function`; RunError where its module fails or has none of that name."""
    name, _, function = argument.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as fault:
        if fault.name is not None and (name == fault.name or name.startswith(f"{fault.name}.")):
            raise RunError(f"--data {argument}: there is no module `{fault.name}`", status=2) from None
        raise RunError(f"{describe_error(fault)} (importing `{name}` for --data {argument})") from fault
    except (Exception, SystemExit) as fault:
        raise RunError(f"{describe_error(fault)} (importing `{name}` for --data {argument})") from fault
    value: object = module
    for part in function.split("."):
        owner, value = value, getattr(value, part, None)
        if value is None:
            functions = [word for word, one in vars(owner).items() if callable(one) and not word.startswith("_")]
            where = getattr(module, "__file__", None) or "a module of Python itself"
            hint = suggest_name(part, functions) if functions else ""
            raise RunError(f"--data {argument}: {where} has no `{part}`{hint}", status=2)
    if not callable(value):
        raise RunError(f"--data {argument}: `{function}` is {type(value).__name__}, not a function", status=2)
    return value
