"""Imports the classes of the user's own that a generated module names: the one place where code of theirs is run.

A spec says `"mylayers:Attend"`. The module is looked for in the folder of the spec, in the working folder, then where
Python looks; it is never taken from a folder for another name than that one. A run folder may come from a stranger:
what its module names is imported only if the caller names it too.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from torch import nn

from resnetc.runtime.errors import RunError
from resnetc.runtime.model.confined_text import IMPORTS, find_foreign_code

_OWN_IMPORTS = (*IMPORTS, "__future__")  # what a network may import by itself
OWN_TEXT = "model.py"  # stands among the allowed imports for the text of the run itself
_CONSTANT = "EXTERNS"  # of a generated module: what it imports of the user's own
_HOMES: dict[str, Path] = {}  # the files of modules that specs name, by the first part of their names


def find_home(module: str, folders: Iterable[Path]) -> Path | None:
    """The file that a module is in, if one of the folders has it; from then on the module is that file.

    RunError where another file of that name is in use already: Python has one module of a name.
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("torch", "resnetc"):
        return None
    home = next((file for folder in folders if (file := _file_in(top, folder)) is not None), None)
    if home is None:
        return _HOMES.get(top)
    loaded = getattr(sys.modules.get(top), "__file__", None)
    other = _HOMES.get(top) or (Path(loaded) if loaded else None)
    if other is not None and other.resolve() != home.resolve():
        raise RunError(
            f"{home}: the module `{top}` is already {other}, and Python has one module per name: use separate "
            "commands for the two specs, or rename one of the files"
        )
    _HOMES[top] = home
    folder = str(_folder_of(home))
    if folder not in sys.path:
        sys.path.append(folder)  # behind all others: what the module imports beside it
    return home


def _folder_of(file: Path) -> Path:
    return file.parent.parent if file.name == "__init__.py" else file.parent


def _file_in(top: str, folder: Path) -> Path | None:
    """The file of a module or package in a folder; nothing is imported."""
    spec: ModuleSpec | None = PathFinder.find_spec(top, [str(folder)])
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def import_classes(source: str, file: str) -> tuple[type[nn.Module], ...]:
    """The classes that the text of a generated module names, imported; RunError for one that is not there."""
    return tuple(import_class(target, file) for target in read_externs(source))


def read_externs(source: str) -> Sequence[str]:
    """What a generated module says that it imports of the user's own; nothing is executed."""
    if f"\n{_CONSTANT} = " not in source:
        return ()
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()  # told where the module is executed
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == _CONSTANT:
            value: object = ast.literal_eval(node.value)
            return [text for text in value if isinstance(text, str)] if isinstance(value, tuple) else ()
    return ()


def list_modules(source: str) -> tuple[str, ...]:
    """The modules that a module's text imports besides torch's and what a generated one has of Python's; none of a text
    that is no Python, which is told where it is executed."""
    modules = [target.partition(":")[0] for target in read_externs(source)]
    try:
        nodes = ast.walk(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules.append(node.module or ".")
    return tuple(module for module in dict.fromkeys(modules) if not _is_in(module, _OWN_IMPORTS))


def _is_in(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def list_permissions(source: str) -> tuple[str, ...]:
    """What a caller allows who has named a text, and not the folder that it is written to."""
    return (*list_modules(source), OWN_TEXT)


def admit_source(source: str, file: str, allow_imports: Iterable[str]) -> None:
    """RunError unless a run's `source` may be executed: `allow_imports` names every module that it imports, a package
    for all in it, and OWN_TEXT if it holds more than the compiler writes.

    Modules are then looked for in the working folder, and else where Python looks. Nothing is executed yet.
    """
    allow_imports = frozenset(allow_imports)
    for module in list_modules(source):
        if not _is_in(module, allow_imports):
            raise RunError(
                f"{file}: the network imports `{module}`, and a run folder may not decide which code runs: name it "
                f"with --allow-import {module} (in Python: allow_imports) if you trust it"
            )
        find_home(module, [Path.cwd()])
    foreign = None if OWN_TEXT in allow_imports else find_foreign_code(source, allow_imports)
    if foreign is not None:
        raise RunError(
            f"{file}:{foreign[0]}: {foreign[1]} is not something that resnetc writes, so nothing in the file is "
            f"executed: allow it with --allow-import {OWN_TEXT} (in Python: allow_imports) if you trust it as you "
            "would trust a "
            "program"
        )


def import_class(target: str, file: str) -> type[nn.Module]:
    """The class of `"module:Class"`."""
    module, _, name = target.partition(":")
    value: object = import_module(module, file)
    where = getattr(value, "__file__", None) or "a module of Python itself"
    for part in name.split("."):
        owner, value = value, getattr(value, part, None)
        if value is None:
            classes = sorted(n for n, v in vars(owner).items() if _is_module_class(v) and not n.startswith("_"))
            has = f"it has {', '.join(f'`{n}`' for n in classes[:8])}" if classes else "it has no subclass of nn.Module"
            raise RunError(f"{file}: the module `{module}` ({where}) has no `{name}`: {has}")
    if not _is_module_class(value):
        raise RunError(f"{file}: `{target}` is not a subclass of torch.nn.Module, so nothing is called: {where}")
    assert isinstance(value, type)
    return value


def _is_module_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)


def import_module(module: str, file: str) -> ModuleType:
    """A module that a spec names; RunError where it is missing or fails."""
    top = module.partition(".")[0]
    try:
        if top not in sys.modules and top in _HOMES:
            _load(top, _HOMES[top])
        return importlib.import_module(module)
    except ModuleNotFoundError as fault:
        if fault.name is not None and (module == fault.name or module.startswith(f"{fault.name}.")):
            raise RunError(
                f"{file}: there is no module `{fault.name}`, which it imports: put {top}.py next to the spec or in "
                "the working folder, or set PYTHONPATH to the folder that has it"
            ) from None
        raise RunError(f"{file}: the module `{module}` needs `{fault.name}`, which is not installed") from fault
    except Exception as fault:
        raise RunError(f"{file}: the module `{module}` cannot be imported: {_describe_error(fault)}") from fault


def _load(top: str, home: Path) -> None:
    """Executes the file of a module, whatever else of that name Python would find."""
    spec = PathFinder.find_spec(top, [str(_folder_of(home))])
    if spec is None or spec.loader is None:
        return  # gone meanwhile: told as a module that is not found
    code = sys.modules[top] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(code)
    except BaseException:
        del sys.modules[top]
        raise


def _describe_error(fault: Exception) -> str:
    """An error of the user's code, with the line that raised it."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""
    if isinstance(fault, SyntaxError):
        place = f" ({fault.filename}:{fault.lineno})"
    return f"{type(fault).__name__}: {fault}{place}"
