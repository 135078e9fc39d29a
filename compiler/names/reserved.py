"""Names that a spec cannot use because Python, torch or the generated module uses them. Data."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.source import Span
from resnetc.compiler.syntax.error_context import RESERVED

NameKind = Literal[
    "label", "stage", "attribute", "path", "parameter", "value", "loop variable", "size", "block", "policy", "extern",
    "model", "slot", "used file", "function", "constant", "primitive", "measure", "name of claims",
]  # fmt: skip
"""What a name is, in words."""

MAX_LENGTH = 64

PYTHON = frozenset(
    """
    False None True and as assert async await break case class continue def del elif else except finally for from global
    if import in is lambda match nonlocal not or pass raise return try type while with yield
    """.split()
)

# What the functions of a generated module mention besides their own values.
GENERATED = frozenset(
    """
    Any F OrderedDict Tensor bool dict enumerate float int isinstance len list math max min nn range reversed self str
    sum super torch tuple zip
    """.split()
)

# What a generated module has at its top, and modules that a file of that name would hide.
TOP_LEVEL = frozenset("any build collections f ordered_dict tensor typing".split())

# Modules that torch imports, some of them late: in the folder of a network's file, that of its name would come first.
MODULES = frozenset(
    """
    abc argparse array ast asyncio atexit base64 binascii bisect builtins bz2 cProfile calendar cmath codecs collections
    colorsys concurrent contextlib contextvars copy copyreg csv ctypes cython_runtime dataclasses datetime decimal
    difflib dis email encodings enum errno fcntl filelock fnmatch fractions fsspec functools functorch gc genericpath
    getpass gettext glob grp gzip hashlib heapq hmac html http importlib inspect io ipaddress itertools jinja2 json
    keyword linecache locale logging lzma markupsafe marshal math mmap mpmath multiprocessing networkx ntpath numbers
    numpy opcode operator os pathlib pickle pickletools pkgutil platform posix posixpath pprint profile pstats pwd
    pyexpat queue quopri random re reprlib resnetc runpy secrets select selectors setuptools shlex shutil signal site
    socket ssl stat statistics string struct subprocess sympy sys sysconfig tarfile tempfile termios textwrap threading
    time timeit token tokenize torch torchgen traceback types typing typing_extensions unicodedata unittest urllib uuid
    warnings weakref xml zipfile zipimport zlib
    """.split()
)

# The attributes of torch's `Module`, `Sequential`, `ModuleList` and `ModuleDict`.
MODULE = frozenset(
    """
    T_destination add_module append apply bfloat16 buffers call_super_init children clear compile cpu cuda double
    dump_patches eval extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half
    insert ipu items keys load_state_dict modules mtia named_buffers named_children named_modules named_parameters
    parameters pop register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
    train training type update values xpu zero_grad
    """.split()
)

_REASONS = (
    (PYTHON, "a Python keyword or constant"),
    (MODULE, "an attribute of PyTorch modules"),
    (GENERATED, "a name that generated code uses itself"),
    (TOP_LEVEL, "a name that a generated module uses itself"),
    (MODULES, "a Python module that a file of this name would shadow"),
)

ATTRIBUTE = PYTHON | MODULE
VARIABLE = PYTHON | GENERATED
FOR: dict[NameKind, frozenset[str]] = {
    "label": ATTRIBUTE,
    "stage": ATTRIBUTE,
    "attribute": ATTRIBUTE,
    "path": ATTRIBUTE,
    "parameter": VARIABLE,
    "value": VARIABLE,
    "loop variable": VARIABLE,
    "block": PYTHON | GENERATED | MODULE | TOP_LEVEL,
    "policy": PYTHON | GENERATED | MODULE | TOP_LEVEL,
    "extern": PYTHON | GENERATED | MODULE | TOP_LEVEL,
    "model": PYTHON | GENERATED | TOP_LEVEL | MODULES,
    "slot": PYTHON,
}
"""What a name of each kind must not be: it becomes a variable, an attribute or a definition of generated code."""


MORE: dict[NameKind, str] = {"block": "_block", "model": "_net"}
"""What makes another name of a refused one. Classes have no `_` at the end: `F_` alone would be one more `F`."""

MAX_SUFFIX = 20
ANOTHER = "choose another name"
InUse = Callable[[str], object]
"""Whether a name, or what, is in use already."""


def check_name(name: str, kind: NameKind, span: Span, in_use: InUse = lambda name: None) -> Diagnostic | None:
    """The fault of a name of that kind, None where generated code can have it."""
    if name.startswith("_"):
        bare = name.lstrip("_0123456789") or "x"
        remedy = find_free_name((bare, *suggest_names(bare, kind)), kind, span, in_use)
        return reserved(kind, span, "a name must start with a letter", f"write `{remedy}`" if remedy else ANOTHER)
    if len(name) > MAX_LENGTH:
        return reserved(kind, span, f"a name has at most {MAX_LENGTH} characters, not {len(name)}", "shorten it")
    if name not in FOR[kind]:
        return None
    why = next(reason for names, reason in _REASONS if name in names)
    remedy = find_free_name(suggest_names(name, kind), kind, span, in_use)
    return reserved(
        kind,
        span,
        f"`{name}` is {why}, so this {kind} cannot have that name",
        f"rename it, for instance to `{remedy}`" if remedy else ANOTHER,
    )


def check_numbered(name: str, kind: NameKind, span: Span) -> Diagnostic | None:
    """The fault of a name that numbers follow: with one of them it may be a reserved one, such as `bfloat16`."""
    clash = next((w for w in FOR[kind] if w.startswith(name) and w[len(name) :].isdigit()), name)
    return check_name(clash, kind, span)


def suggest_names(name: str, kind: NameKind) -> tuple[str, ...]:
    """Names made of one, the shortest first: `lambda_`, `lambda_2`."""
    longer = f"{name}{MORE.get(kind, '_')}"
    return (longer, *(f"{longer}{n}" for n in range(2, MAX_SUFFIX)))


def find_free_name(names: tuple[str, ...], kind: NameKind, span: Span, in_use: InUse) -> str | None:
    """The first of some names that is reserved for nothing, and nowhere in the file."""
    taken = FOR[kind] | RESERVED
    inside = list_words(span.source.text)
    return next(
        (n for n in names if n not in taken and n not in inside and len(n) <= MAX_LENGTH and not in_use(n)), None
    )


@lru_cache(maxsize=2)
def list_words(text: str) -> frozenset[str]:
    """All words of a file, comments included."""
    return frozenset(re.findall(r"\w+", text))


def reserved(kind: NameKind, span: Span, message: str, remedy: str) -> Diagnostic:
    return Diagnostic("E0246", message, Label(span, f"this {kind}"), helps=(remedy,))


def not_an_attribute(text: str, span: Span) -> Diagnostic:
    return bad_string(
        f'the attribute of a slot must be a name, and "{text}" is not one',
        Label(span, "not an attribute name"),
        'write for instance "norm", "norm#" for a numbered name, or "" to use the names inside the bound layer',
    )


def not_a_path(text: str, span: Span) -> Diagnostic:
    """The fault of a stage's string that is neither a name nor a path."""
    return bad_string(
        f'the string of a stage must be a name or a path, and "{text}" is neither',
        Label(span, "not a path"),
        'write for instance "b#" for `b1`, `b2`, ..., "b#0" to count from 0, "features.conv2_#" for a path from the'
        ' model, or "" to store the only block as the stage itself',
    )


def no_attribute(name: str, span: Span) -> Diagnostic:
    """The fault of a path whose first part has a `-`."""
    return bad_string(
        f"`{name}` cannot be the first part of a path: it becomes an attribute of the module, which cannot contain `-`",
        Label(span, "not an attribute name"),
        f"write `{name.replace('-', '_')}`, or begin the path with a name: `layers.{name}`",
    )


def bad_string(message: str, place: Label, help: str) -> Diagnostic:
    return Diagnostic("E0247", message, place, helps=(help,))
