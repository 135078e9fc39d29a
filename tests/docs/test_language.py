"""What the documents say of the language is what the compiler does: every spec, table and list in them is tried."""

import random
import re
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest

from resnetc.cli.main import main
from resnetc.compiler.codegen.naming import class_name
from resnetc.compiler.diagnostics.diagnostic import Sink
from resnetc.compiler.driver.session import Session
from resnetc.compiler.evaluation.arithmetic import SIGNATURES
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.names.symbols import list_own_slots
from resnetc.compiler.shapes.arguments import complete_arguments
from resnetc.compiler.shapes.rules import infer_shapes
from resnetc.compiler.sizes import constant, evaluate, identity
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax.parser import RESERVED, parse
from resnetc.grammar.primitives import FUNCTIONS, PRIMITIVES, REQUIRED, TYPES, Parameter
from tests.support import build, diagnose, open_session

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
STATE = {
    "": "",
    "filter": "",
    "conv": "weight bias",
    "linear": "weight bias",
    "batch_norm": "weight bias running_mean running_var num_batches_tracked",
    "affine": "weight bias",
    "affine_v": "weight bias v",
    "affine_tau": "weight bias tau",
    "parameter": "(its own name)",
    "weight": "weight",
    "slope": "weight",
}
KEPT = {"indices": "input and indices", "padded": "padded input"}


def section(title: str) -> str:
    return re.split(r"^## ", TEXT.split(f"\n## {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str, opening: str) -> list[list[str]]:
    """The rows of the table whose head begins with `opening`, cell by cell."""
    lines = section(title).split("\n")
    first = next(i for i, line in enumerate(lines) if line.startswith(f"| {opening} |"))
    out = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip())[1:-1]
        out.append([cell.strip().replace("\\|", "|") for cell in cells])
    return out


def spans(cell: str) -> list[str]:
    """The pieces of code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def words(title: str, start: str) -> list[str]:
    """A list in prose: the words between `start` and the next full stop."""
    found = re.search(rf"{re.escape(start)}(.*?)\.", section(title), re.DOTALL)
    assert found is not None, start
    return re.findall(r"[a-z_]+", found[1].split("(")[0])


def fenced(page: Path) -> list[str]:
    """The whole specs in a page: blocks marked `resnet`, and in the README those that open with the edition."""
    found = re.findall(r"^```(.*)\n((?:.*\n)*?)```$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = page.name == "README.md"
    return [body for mark, body in found if mark == "resnet" or (plain and not mark and body.startswith("edition 1"))]


SPECS = [(page.name, i, body) for page in PAGES for i, body in enumerate(fenced(page))]
FRAGMENTS = re.findall(r"^```resnet-fragment\n((?:.*\n)*?)```$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("body", [pytest.param(body, id=f"{name}-{i}") for name, i, body in SPECS])
def test_every_spec_compiles(body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.resnet"
    path.write_text(body, encoding="utf-8")
    assert main(["check", str(path)]) == 0, capsys.readouterr().err


def modules(text: str) -> dict[str, list[str]]:
    """The networks of a text as torch has them: the modules that keep something, in the order of the state dict."""
    session = open_session(text)
    networks = session.compile_networks()
    assert not session.sink.diagnostics, session.sink.diagnostics
    out = {}
    for checked in networks:
        keys = build(session.render(checked)).state_dict()
        out[checked.network.name] = list(dict.fromkeys(key.rpartition(".")[0] or key for key in keys))
    return out


def model(name: str, stem: str = "identity", body: str = "", stage: str = "", doc: str = "") -> str:
    return (
        f"{doc}\nmodel {name}(n: int = 3) {{\n  {body}\n  input [3, H, W] = [3, 32, 32]\n"
        f"  stem = {stem}\n  {stage}\n  head = identity\n}}\n"
    )


USES = "edition 1\nuse std.blocks\nuse std.gates\n"


def test_the_table_of_keys(tmp_path: Path) -> None:
    table = rows("Names in the state dict", "text")
    helpers = next(f for f in FRAGMENTS if "policy two(" in f)
    text, expected = USES + helpers, {}
    for number, (cell, keys, _) in enumerate(table):
        parts: dict[str, str] = {}
        for code in spans(cell):
            opener = code.split(" ")[0]
            parts[{"set": "body", "stage": "stage"}.get(opener, "stem")] = code
        text += model(f"net{number}", **parts)
        expected[f"net{number}"] = spans(keys)
    assert modules(text) == expected


def test_the_fragments_are_parts_of_files(tmp_path: Path) -> None:
    stages, scaled, gate, _ = FRAGMENTS
    conv = "in |> conv(width, kernel=3, stride=stride) |> attention"
    unit = f"block unit(width: int, first stride: size = 1) {{ out = {conv} }}\n"
    made = modules(f"{USES}{unit}{model('net', stage=stages)}")["net"]
    for stage in ("layer1.2", "layer2.2", "layer3.2", "stages.0.blocks.2"):
        assert any(key.startswith(f"{stage}.") for key in made) or f"{stage}.0" in made, stage
    assert modules(f"{USES}{scaled}{model('net', stage='stage a = 1 of scaled(3)')}")["net"][0] == "a.0.conv1"
    shipped = (ROOT / "specs" / "std" / "gates.resnet").read_text(encoding="utf-8")
    assert gate.partition("\n")[2] in shipped


def examples() -> list[tuple[str, str]]:
    """`expression` is `value`, wherever the text says so in the section on expressions."""
    tables = [*rows("Expressions", "from loosest"), *rows("Expressions", "function")]
    found = [e for row in tables for e in re.findall(r"`([^`]+)` is `([^`]+)`", row[2])]
    return [(a.replace("\\|", "|"), b) for a, b in found]


def test_every_example_has_its_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = examples()
    assert len(found) > 20
    for expression, value in found:
        claim = f"({expression}) == {value}"
        path = tmp_path / "spec.resnet"
        path.write_text("edition 1\n" + model("net", body=f'require {claim} otherwise "it is not"'))
        assert main(["check", str(path)]) == 0, (claim, capsys.readouterr().err)


def test_what_claims_may_speak_of() -> None:
    """Every name in the table of claims, of a stage too, is known to `expect`; the one of another model as well."""
    said = [name for row in rows("Statements", "a claim may use") for name in spans(row[0])]
    fields = [f for row in rows("Statements", "a claim may use") for f in spans(row[1]) if f.startswith(".")]
    assert len(said) >= 14 and "output" in said and fields == [".shape", ".channels", ".stride", ".blocks"]
    asked = [*(n for n in said if not n.startswith(("other", "output"))), *(f"layer2{f}" for f in fields)]
    asked += [f"output{f}" for f in fields[:2]] + [f"other(8).{name}" for name in said[:3]]
    asked += [name for name in said if name.startswith("other")]
    for name in asked:
        question = name.startswith(("accepts", "refuses"))
        body = name.replace("condition", "H >= 1").replace("refuses(H >= 1)", "refuses(H < 1)")
        claim = f"expect {body}" if question else f"expect {body} == {body}"
        made = "input [3, H, W] = [3, 32, 32] stem = entry stage layer2 = 1 of blocks.basic(width) head = none"
        nets = (f"model {net}(width: int = 4) {{ {made} {more} }}\n" for net, more in (("other", ""), ("net", claim)))
        text = "edition 1\nuse std.blocks\n" + "".join(nets)
        assert [d.message for d in diagnose(text)] == [], claim


def test_the_functions() -> None:
    named = [spans(row[0]) for row in rows("Expressions", "function")]
    assert sorted({call.partition("(")[0] for calls in named for call in calls}) == sorted(FUNCTIONS)
    assert sorted(SIGNATURES) == sorted(FUNCTIONS)


def test_the_types() -> None:
    assert sorted(spans(row[0])[0] for row in rows("Values and types", "type")) == sorted(TYPES)


def test_the_reserved_words() -> None:
    lines = [line for line in section("Grammar").split("\n") if line.startswith("| `")]
    listed = [word for line in lines for word in spans(line)]
    assert listed == sorted(RESERVED)


def test_the_slots_of_the_prelude() -> None:
    """Name, signature, attribute and default of every slot."""
    slots = list_own_slots(Session().loader.prelude)
    table = {spans(row[0])[0].partition("(")[0]: row for row in rows("Files", "slot")}
    assert list(table) == list(slots)
    for name, (call, attribute, default) in table.items():
        slot = slots[name]
        parameters = [p.name.id + (f"={p.default.span.text}" if p.default is not None else "") for p in slot.parameters]
        assert spans(call) == [f"{name}({', '.join(parameters)})"]
        assert spans(attribute) == ([slot.attribute] if slot.attribute else [])
        assert spans(default) == [slot.default.span.text]


def number(text: str) -> Fraction:
    return Fraction(text)


def written(parameter: Parameter, text: str | None) -> bool:
    """Whether a default in the table is the parameter's."""
    default = parameter.default
    if default is REQUIRED or text is None:
        return default is REQUIRED and text is None
    if default is None:
        return text == {"padding": "p", "shape": "[C]"}.get(parameter.name, "amount")
    if isinstance(default, bool):
        return text == str(default).lower()
    return number(text) == default


def test_the_library() -> None:
    listed = {file.strip("`"): re.findall(r"`(\w+)`", items) for file, items, _ in rows("The library", "file")}
    shipped = {
        name.removeprefix("std."): [item.name.id for item in parse(Source(name, path.read_text("utf-8")), Sink()).items]
        for path in sorted((ROOT / "specs" / "std").glob("*.resnet"))
        if (name := f"std.{path.stem}") != "std.prelude"
    }
    assert listed == shipped


def test_the_primitives() -> None:
    """Names, parameters and defaults, attributes, keys, and what is kept for the backward pass."""
    table = {spans(row[0])[0].partition("(")[0]: row for row in rows("Primitives", "primitive")}
    assert list(table) == list(PRIMITIVES)
    for name, (call, _, _, stored, kept) in table.items():
        primitive = PRIMITIVES[name]
        inside = spans(call)[0].partition("(")[2].removesuffix(")")
        said = [part.partition("=") for part in inside.split(", ") if part]
        assert [p for p, _, _ in said] == [p.name for p in primitive.parameters], name
        for (_, sign, text), parameter in zip(said, primitive.parameters, strict=True):
            assert written(parameter, text if sign else None), (name, parameter.name)
        assert spans(stored) == [primitive.attribute], name
        keys = STATE[primitive.state] + (" gain" if any(p.name == "scaled" for p in primitive.parameters) else "")
        assert stored.partition(":")[2].strip() == keys, name
        assert kept == said_of(primitive.saves, primitive.saves_more), name


def said_of(saves: str, more: int) -> str:
    """What a page says is kept for the backward pass."""
    return " and ".join(
        [*([KEPT.get(saves, saves)] if saves else []), *([f"{more} map{'s' * (more > 1)}"] if more else [])]
    )


def test_what_is_kept_where_no_gradient_is_asked_for_the_input() -> None:
    found = re.search(r"operations without keys keep nothing, (.*?)\.( |$)", " ".join(section("Primitives").split()))
    assert found is not None
    other = {
        p.name: said_of(p.saves_first, p.saves_more_first) for p in PRIMITIVES.values() if p.saves_first is not None
    }
    assert found[1] == ", ".join(
        f"`{name}` {'the ' if said.startswith('input') else ''}{said}" for name, said in other.items()
    )


def test_the_types_and_least_values_of_parameters() -> None:
    for primitive in PRIMITIVES.values():
        for parameter in primitive.parameters:
            place = parameter.name
            if primitive.name == "blur_pool" and parameter.name == "kernel":
                assert (parameter.type, parameter.least) == ("int", 2)
                continue
            assert place in words("Primitives", f"`{parameter.type}`:"), (primitive.name, parameter.name)
            if parameter.type in ("size", "int", "int or list"):
                assert parameter.least == (0 if place in ("padding", "amount", "behind", "before") else 1), (
                    primitive.name,
                    place,
                )
            else:
                assert parameter.least == (0 if place in ("rate", "std") else None), (primitive.name, place)


@pytest.mark.parametrize(
    "name, opening", [("plain_conv", "`window`"), ("max_pool", "with `ceil=true`"), ("blur_pool", "`blurred`")]
)
def test_the_formulas_of_windows(name: str, opening: str) -> None:
    found = re.search(rf"- {re.escape(opening)} (?:it )?is `([^`]+)`", section("Primitives"))
    assert found is not None
    primitive, draw = PRIMITIVES[name], random.Random(0)
    nowhere = Span(Source("text", ""), 0, 0)
    for _ in range(300):
        n, k, s, d = draw.randint(20, 60), draw.randint(2, 7), draw.randint(1, 4), draw.randint(1, 2)
        values = {"n": n, "k": k, "s": s, "d": d, "p": draw.randint(0, k // 2)}
        given: dict[str, Any] = {"kernel": k, "stride": s}
        if name != "blur_pool":
            given["padding"] = values["p"]
        more: dict[str, dict[str, Any]] = {"plain_conv": {"channels": 8, "dilation": d}, "max_pool": {"ceil": True}}
        given |= more.get(name, {})
        arguments = complete_arguments(primitive, given, 1, nowhere)
        (shape,) = infer_shapes(primitive, arguments, (Shape(8, (identity(),)),), nowhere, [])
        said = eval(found[1], {"floor": floor, "ceil": ceil, "min": min}, {**values})
        assert evaluate(shape.sizes[0], n) == floor(said), values


C, CHANNELS, FEATURES = 8, 16, 5
SHAPES: dict[str, Any] = {
    "same": lambda n, a, w: [(C, n)],
    "`[channels, window...]`": lambda n, a, w: [(CHANNELS, w)],
    "`[C, window...]`": lambda n, a, w: [(C, w)],
    "`[C, blurred...]`": lambda n, a, w: [(C, w)],
    "`[features, n...]`, `[features]` of `[C, 1...]`": lambda n, a, w: [(FEATURES, n)],
    "`[C, 1...]`": lambda n, a, w: [(C, (1, 1))],
    "`[1, n...]`": lambda n, a, w: [(1, n)],
    "`[C, n + amount + behind...]`": lambda n, a, w: [(C, tuple(x + a["amount"] + a["behind"] for x in n))],
    "`[channels, n...]`": lambda n, a, w: [(CHANNELS, n)],
    "`[C, ceil(n / stride)...]`": lambda n, a, w: [(C, tuple(ceil(x / a["stride"]) for x in n))],
    "`[C * factor^2, n / factor...]`": lambda n, a, w: [(C * 9, tuple(x // 3 for x in n))],
    "a list of `[C / parts, n...]`, or of `[part, n...]`": lambda n, a, w: [(C // a["parts"], n)] * a["parts"],
    "`[sum of C, n...]`": lambda n, a, w: [(2 * C, n)],
    "that of one element": lambda n, a, w: [(C, n)],
    "a list of equal length": lambda n, a, w: [(C, n)] * 2,
    "`shape`": lambda n, a, w: [(4, (2,))],
    "`[product]`": lambda n, a, w: [(C * n[0] * n[1],)],
}
GIVEN: dict[str, dict[str, Any]] = {
    "plain_conv": {"channels": CHANNELS, "kernel": 3, "stride": 2},
    "std_conv": {"channels": CHANNELS, "kernel": 3, "stride": 2},
    "linear": {"features": FEATURES},
    "group_norm": {"groups": 4},
    "evo_norm_s0": {"groups": 4},
    "clip": {"low": 0, "high": 6},
    "max_pool": {"kernel": 3, "stride": 2},
    "avg_pool": {"kernel": 3, "stride": 2},
    "constant_pad": {"amount": 3, "behind": 1},
    "pad_channels": {"channels": CHANNELS},
    "subsample": {"stride": 3},
    "space_to_depth": {"factor": 3},
    "split": {"parts": 4},
    "regroup": {"groups": 2, "parts": 2},
    "reshape": {"shape": (4, 2)},
    "dropout": {"rate": Fraction(1, 2)},
    "drop_path": {"rate": Fraction(1, 2)},
}


def test_the_shapes_of_primitives() -> None:
    """The column of shapes, for a map of 8 channels; windows of 3 with stride 2 halve a size and round up."""
    nowhere = Span(Source("text", ""), 0, 0)
    table = {spans(row[0])[0].partition("(")[0]: row[2] for row in rows("Primitives", "primitive")}
    assert set(table.values()) == set(SHAPES)
    for name, cell in table.items():
        primitive = PRIMITIVES[name]
        n = {"reshape": (1, 1)}.get(name, (9, 12))
        fixed = name in ("reshape", "flatten")
        sizes = tuple(constant(x) if fixed else identity() for x in n)
        count = 2 if name in ("concat", "sum", "softmax") else 1
        arguments = complete_arguments(primitive, GIVEN.get(name, {}), 2, nowhere, channels=C)
        made = infer_shapes(primitive, arguments, (Shape(C, sizes),) * count, nowhere, [])
        real = [
            (s.channels, tuple(evaluate(f, x) for f, x in zip(s.sizes, n, strict=False))) if s.sizes else (s.channels,)
            for s in made
        ]
        window = tuple(ceil(x / 2) for x in n)
        assert real == SHAPES[cell](n, dict(arguments), window), name


def test_the_grammar_is_the_file() -> None:
    (shown,) = re.findall(r"^```lark\n(.*?)^```$", section("Grammar"), re.MULTILINE | re.DOTALL)
    assert shown == (ROOT / "grammar" / "resnet.lark").read_text(encoding="utf-8")


def test_the_names_of_classes() -> None:
    for name, comment, made in rows("Names in the state dict", "name"):
        assert class_name(spans(name)[0], "".join(spans(comment))) == spans(made)[0]


def test_the_limits() -> None:
    from resnetc.compiler.evaluation import arithmetic, work_budget
    from resnetc.compiler.expansion import dataflow_builder, input_declaration, instances, limits
    from resnetc.compiler.loader import loader as modules
    from resnetc.compiler.sizes import budget
    from resnetc.compiler.syntax import builder
    from resnetc.compiler.syntax import limits as text_limits
    from resnetc.grammar.primitives import MAX_CHANNELS

    said = section("Limits").replace("\n", " ")
    for text in (
        f"{builder.MAX_DEPTH} levels of nesting in an expression, "
        f"{work_budget.MAX_NESTED} of definitions that use one another",
        f"{text_limits.MAX_STATEMENT:,} words per statement, {text_limits.MAX_WORDS:,} words and 1 MiB per file",
        f"{modules.MAX_FILES} used files besides the shipped ones with {modules.MAX_WORDS:,} words in total",
        f"in chains of at most {modules.MAX_DEPTH}",
        f"{builder.MAX_DIGITS} digits per literal",
        f"lists of {arithmetic.MAX_LENGTH:,} elements, layers of {arithmetic.MAX_PARTS:,} parts",
        f"per block {dataflow_builder.MAX_STEPS:,} steps",
        f"per network {work_budget.MAX_WORK:,} executed statements",
        f"{limits.MAX_BLOCKS:,} blocks, {limits.MAX_OPERATIONS:,} operations and {limits.MAX_NODES:,} distinct ones",
        f"{instances.MAX_NETWORKS:,} networks per file",
        f"within {input_declaration.MAX_PERIOD:,} sizes",
    ):
        assert text in said
    assert (modules.MAX_BYTES, arithmetic.MAX_MAGNITUDE, MAX_CHANNELS, budget.MAX_PERIOD) == (
        2**20,
        2**63 - 1,
        2**24,
        2**20,
    )
    assert "2^22 values of size functions with periods above 2^8, and 2^18 terms in cases with several axes" in said
    assert (budget.MAX_ENTRIES, budget.LONG, budget.MAX_STEPS) == (2**22, 2**8, 2**18)


SPEC = """edition 1

extern own(n: int = 1) [C, H, W] => [C, H, W] = "layers:Own" { expect parameters == 0 }

/// A block.
block unit(width: int, first stride: size = 1) {
  let y = in |> conv(width, kernel=3, stride=stride) |> batch_norm |> relu |> a: one(width)
  let side = in |> shrink(stride)
  out = y + side
}
block lone(width: int) {
  let p = p: (conv(width, kernel=3) |> norm)
  let q = q: conv(width, kernel=1)
  out = in |> p |> q
}
policy one(width: int) { otherwise => plain_conv(width, kernel=1, groups=2) }
policy shrink(stride: size) {
  when stride == 1 => identity
  otherwise => max_pool(3, stride=stride)
}
model net() {
  input [8, H, W] = [8, 32, 32]
  stem = lone(8) |> own |> max_pool(3, stride=2) |> relu
  stage layer1 = 2 of unit(8, stride=2)
  head = global_avg_pool |> fc: linear(10)
  expect weighted_layers == 8
}
"""

# For each row of the table: what is replaced by what, one change after the other; what `--check` says of each.
CHANGES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "comments": (
        "text",
        [
            ("model net", "// A comment.\nmodel net"),
            ("/// A block.", "/// One block."),
            ("  out = y", "\n\n  out = y"),
            ("let side = in |> shrink(stride)\n  out = y + side", "let way = in |> shrink(stride)\n  out = y + way"),
            ("(width: int, first", "(size_of_it: int, first"),
            ("block unit(", "block module_of(width: int) { out = in }\nblock unit("),
            ("unit(", "other("),
        ],
    ),
    "the declared size": (
        "text",
        [
            ("[8, 32, 32]", "[8, 64, 64]"),
            ("32, 32]", "32, 32] when H >= 32"),
            ("== 8", "== 8 expect parameters > 9"),
            ("model net() {", 'model net() { require 1 < 2 otherwise "no"'),
        ],
    ),
    "a stride": (
        "function",
        [
            ("stride=2)\n  head", "stride=3)\n  head"),
            ("plain_conv(width, kernel=1, ", "plain_conv(width, kernel=1, padding=0, stride=1, dilation=2, "),
            ("|> relu |>", "|> silu |>"),
            ("max_pool(3, stride=2)", "avg_pool(3, stride=2)"),
            ("batch_norm", "batch_norm(eps=1e-3)"),
            ("=> max_pool(3, stride=stride)", "=> subsample(stride)"),
            ("|> relu |>", "|> relu |> dropout(0.1) |>"),
        ],
    ),
    "a number in": ("function", [("y + side", "0.5 * y + side"), ("y + side", "y - side")]),
    "the sides": ("function", [("y + side", "side + y")]),
    "an initial value": ("text", [("batch_norm", "batch_norm(gain=0)"), ("linear(10)", "linear(10, std=1 / 100)")]),
    "a shortcut": ("function", [("in |> shrink(stride)", "in |> shrink(stride) |> none")]),
    "a norm": ("keys", [("batch_norm", "group_norm(groups=2)")]),
    "a width": (
        "keys",
        [
            ("lone(8)", "lone(8) |> lone2: lone(8)"),
            ("kernel=3, stride", "kernel=5, stride"),
            ("groups=2", "groups=4"),
            ("linear(10)", "linear(11)"),
        ],
    ),
    "a label": (
        "keys",
        [
            ("fc:", "last:"),
            ("stage layer1", "stage layer_one"),
            ("stage layer1", 'stage layer1 "b#"'),
            ("lone", "single"),
        ],
    ),
    "one more unlabelled": ("keys", [("|> relu |>", "|> relu |> conv(width, kernel=1) |>")]),
    "one more step": ("keys", [("kernel=3) |> norm)", "kernel=3) |> relu |> norm)")]),
    "one more block": (
        "keys",
        [
            ("2 of", "3 of"),
            ("2 of", "1 of"),
            ("|> relu |>", "|> relu |> more: conv(width, kernel=1) |>"),
            ("plain_conv(width, kernel=1, ", "plain_conv(width, kernel=1, bias=true, "),
        ],
    ),
    "a policy that grows": ("keys", [("groups=2)", "groups=2) |> norm")]),
    "the order": (
        "keys",
        [
            (
                "let p = p: (conv(width, kernel=3) |> norm)\n  let q = q: conv(width, kernel=1)",
                "let q = q: conv(width, kernel=1)\n  let p = p: (conv(width, kernel=3) |> norm)",
            )
        ],
    ),
    "the name of a model": (
        "missing",
        [("model net", "model other"), ("model net() {", "model net(n: int) { each n in [1]")],
    ),
    "the import name": ("keys", [("layers:Own", "layers:Other"), ("|> own |>", "|> own(2) |>")]),
}
SAID = {
    "keys": "has different state-dict keys",
    "function": "computes a different function",
    "text": "differs only in its text",
    "missing": "is missing",
}
EXPECTATIONS = re.compile(r"\n  expect.*")


def test_every_change_is_in_the_table() -> None:
    told = [row[0] for row in rows("What an edit changes", "change")]
    assert [next(k for k in CHANGES if text.startswith(k)) for text in told] == list(CHANGES)


@pytest.mark.parametrize(
    ("row", "old", "new"), [(row, old, new) for row, (_, edits) in CHANGES.items() for old, new in edits]
)
def test_check_says_what_a_change_changes(
    row: str, old: str, new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.resnet"
    command = ["compile", str(path), "-o", str(tmp_path / "out")]
    before, after = SPEC, SPEC.replace(old, new)
    if new.startswith("(size_of_it"):
        after = after.replace("conv(width, kernel=3, stride", "conv(size_of_it, kernel=3, stride")
        after = after.replace("one(width)\n", "one(size_of_it)\n")
    if CHANGES[row][0] == "keys":
        before, after = EXPECTATIONS.sub("", before), EXPECTATIONS.sub("", after)
    path.write_text(before)
    assert main(command) == 0, capsys.readouterr().err
    path.write_text(after)
    capsys.readouterr()
    assert main([*command, "--check"]) == 1
    out, err = capsys.readouterr()
    assert SAID[CHANGES[row][0]] in out, err


TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def test_every_link_leads_somewhere() -> None:
    for page in TEXTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_file_that_a_page_names_is_there() -> None:
    """Words in backticks that open with a folder of the repository; what is written by a command is not there."""
    top = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"generated", "runs"}
    for page in TEXTS:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for named in re.findall(r"`([\w./-]+/[\w./-]*)(?::[\w.]+)?`", prose):
            if named.partition("/")[0] in top and "NAME" not in named:
                assert (ROOT / named).exists(), (page.name, named)


def test_every_anchor_is_a_heading() -> None:
    for page in TEXTS:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
            assert anchor in anchors(page.parent / target if target else page), (page.name, target, anchor)
