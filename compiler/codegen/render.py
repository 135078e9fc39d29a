"""Renders a lowered network to Python text with Jinja2, and parses the result to make sure that it is valid."""

from __future__ import annotations

import re
import symtable
from collections.abc import Callable, Iterator
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from resnetc.compiler.codegen.lowered import Class, Function, Lowered
from resnetc.compiler.codegen.naming import documentation, safe, wrapped
from resnetc.compiler.codegen.python_layout import WIDTH, Call, Code, format_lines, literal
from resnetc.compiler.codegen.seal import SEAL, text_digest
from resnetc.compiler.codegen.torch_modules import HELPERS
from resnetc.compiler.fast_dataclass import record

# Helpers that mention `torch`, and `F`.
NEED_TORCH = {"scaled_std_conv", "evo_norm_s0", "response_norm", "blur_pool", "drop_path", "regroup"}
NEED_TORCH |= {"space_to_depth", "rms_norm", "global_response_norm"}
NEED_FUNCTIONAL = {"std_conv", "scaled_std_conv", "blur_pool", "map_layer_norm", "map_linear"}
NEED_FUNCTIONAL |= {"pad_channels", "pad_channels_centred", "pad_channels_around"}


@record(eq=True)
class Module:
    """All that a generated file says."""

    title: tuple[str, ...]
    facts: tuple[str, ...]
    spec: str
    digest: str
    compiler: str
    input_shape: tuple[int, ...]
    lowered: Lowered

    @property
    def header(self) -> list[str]:
        origin = f"Made by {self.compiler} from {safe(self.spec)}; edit the spec, not this file."
        facts = [ln for fact in self.facts for ln in wrapped(fact, WIDTH)]
        return [*self.title, "", *wrapped(origin, WIDTH), "", *facts, '"""']

    @property
    def imports(self) -> list[str]:
        helpers = {name for name, _ in self.lowered.helpers}
        text = self.text
        standard = ["from collections import OrderedDict"] if "OrderedDict(" in text else []
        standard += ["from typing import Any"] if ": Any = " in text else []
        standard += [""] if standard else []
        torch = []
        if "torch." in text or helpers & NEED_TORCH:
            torch.append("import torch")
        if helpers & NEED_FUNCTIONAL:
            torch.append("import torch.nn.functional as F")
        named = [(row.module, row.lines) for row in self.lowered.imports]
        named.append(("torch", ["from torch import Tensor, nn"]))
        return [*standard, *torch, *(line for _, lines in sorted(named) for line in lines)]

    @property
    def externs(self) -> list[str]:
        """The classes of the user's own, as a constant that can be read without importing them."""
        targets = [str(quote_literal(target)) for target in self.lowered.externs]
        whole = f"EXTERNS = ({', '.join(targets)}{',' if len(targets) == 1 else ''})"
        if len(whole) > WIDTH:
            return ["EXTERNS = (", *(f"    {target}," for target in targets), ")"]
        return [whole] if targets else []

    @property
    def text(self) -> str:
        """All statements that `lower` made."""
        lines = [ln for c in self.lowered.classes for ln in (*c.fields, *c.forward)]
        return "\n".join([*lines, *(ln for f in self.lowered.functions for ln in f.body)])


def format_signature(
    parameters: tuple[tuple[str, str], ...], head: str, tail: str, indent: int, first: str = ""
) -> list[str]:
    """A `def` line, one parameter a line where it does not fit."""
    parts = [p for p in (first, *(f"{n}: {t}" if t else n for n, t in parameters)) if p]
    pad = " " * indent
    whole = f"{pad}{head}({', '.join(parts)}){tail}"
    if len(whole) <= WIDTH:
        return [whole]
    return [f"{pad}{head}(", *(f"{pad}    {p}," for p in parts), f"{pad}){tail}"]


def format_constructor(definition: Class) -> list[str]:
    return format_signature(definition.parameters, "def __init__", " -> None:", 4, "self")


def format_function(function: Function) -> list[str]:
    return format_signature(function.parameters, f"def {require_identifier(function.name)}", " -> nn.Sequential:", 0)


def format_builder(network: Class) -> list[str]:
    """`build`, with the arguments of the network's class."""
    arguments: list[tuple[str | None, Code]] = [(None, argument) for argument, _ in network.parameters]
    return [
        *format_signature(network.parameters, "def build", f" -> {require_identifier(network.name)}:", 0),
        *documentation(f"A new {network.name} with initial weights.", "", 4),
        *format_lines("return ", Call(network.name, tuple(arguments)), 4),
    ]


def require_identifier(text: str) -> str:
    """A name that is one, whatever happened before."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text):
        raise AssertionError(f"not a name: {text!r}")
    return text


def escape_comment(text: str) -> str:
    return safe(text)


def require_single_line(text: str) -> str:
    """One line that `lower` has made."""
    if text.splitlines() not in ([text], []):
        raise AssertionError(f"not one line: {text!r}")
    return text


def mark_verbatim(text: str) -> str:
    """Text that the template itself makes."""
    return text


@lru_cache(maxsize=1)
def make_environment() -> Environment:
    jinja = Environment(
        loader=PackageLoader("resnetc.compiler.codegen", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the output is Python; every value passes one of the filters below
    )
    filters: dict[str, Callable[..., str | list[str]]] = {
        "literal": quote_literal,
        "name": require_identifier,
        "comment": escape_comment,
        "line": require_single_line,
        "constructor": format_constructor,
        "builder": format_builder,
        "signature": format_function,
        "verbatim": mark_verbatim,
    }
    jinja.filters.update(filters)
    return jinja


def quote_literal(value: object) -> str:
    """A literal; texts in double quotes, as formatters like them."""
    if isinstance(value, str):
        text = repr(value)
        return f'"{text[1:-1]}"' if '"' not in text and text.startswith("'") else text
    return literal(value)


def render(module: Module, keys: str, function: str) -> str:
    """`Module` -> the text of its file, sealed with digests of its text, its state-dict keys and its function."""
    text = make_environment().get_template("module.py.j2").render(module=module)
    for statements in text.split("\n\n\n"):
        check_syntax(statements)
    return f"{text}\n\n{SEAL}text {text_digest(text)} keys {keys} function {function}\n"


@lru_cache(maxsize=2048)
def check_syntax(statements: str) -> None:
    """A `SyntaxError` where Python cannot read them. Many networks of a run have a class in common.

    What can be read part by part can be read as a whole; no text in quotes has the two empty lines between statements.
    """
    symtable.symtable(statements, "module", "exec")  # quicker than `ast`


@lru_cache(maxsize=1)
def list_module_globals() -> frozenset[str]:
    """What generated modules define and mention beside the network itself: read off one that has everything."""
    helpers = tuple((name, rank) for name in (*HELPERS, "linear") for rank in (0, 1, 2, 3))
    whole = Class(
        name="Own",
        doc=('    """All."""',),
        parameters=(),
        fields=("        self.all = OrderedDict([])",),
        forward=("        return x",),
        comment="",
    )
    module = Module(
        title=('"""All.',),
        facts=(),
        spec="",
        digest="",
        compiler="",
        input_shape=(),
        lowered=Lowered(helpers=helpers, functions=(), classes=(whole,), initial=()),
    )
    text = make_environment().get_template("module.py.j2").render(module=module)
    return frozenset({"self", "x", "EXTERNS", *list_mentions(symtable.symtable(text, "own.py", "exec"))} - {whole.name})


def list_mentions(table: symtable.SymbolTable) -> Iterator[str]:
    """What a module defines at its top, and what is found there or among the builtins from inside of it."""
    top = table.get_type() == "module"
    yield from (s.get_name() for s in table.get_symbols() if top or s.is_global())
    for inner in table.get_children():
        yield from list_mentions(inner)
