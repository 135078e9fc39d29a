"""Hostile input by families: what is put into an empty folder, and the command line that meets it there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from doublings import KINDS

MIB = 1 << 20
WORDS = 29_900  # just below the limit of a file
CHECK = ("check", "net.resnet")


@dataclass(frozen=True)
class Attack:
    """`make` fills the folder; `codes`: the diagnostics that may end it, none where it is let through."""

    name: str
    make: Callable[[Path], object]
    codes: str = ""
    arguments: tuple[str, ...] = CHECK


def text(content: str | bytes) -> Callable[[Path], object]:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return lambda folder: (folder / "net.resnet").write_bytes(data)


def net(
    stages: str = "  stage layer1 = 2 of blocks.basic(8)\n",
    items: str = "",
    stem: str = "conv(8, kernel=3)",
    head: str = "global_avg_pool |> fc: linear(10)",
    before: str = "",
    parameters: str = "",
    expect: str = "",
    input: str = "[3, H, W] = [3, 32, 32]",
) -> str:
    model = (
        f"model net({parameters}) {{\n{before}  input {input}\n  stem = {stem}\n{stages}  head = {head}\n{expect}}}\n"
    )
    return f"edition 1\nuse std.blocks\n{items}\n{model}"


NET = net()


def block(statements: str, head: str = "b()") -> str:
    return net("  stage a = 1 of b\n", f"block {head} {{\n{statements}}}\n")


# -- S11, and all that is long: one character or word a mebibyte long; words up to the limit ---------------------------

CHARACTERS = "()[]{}\"'`#/\\|>=<!%*+-.,:;_a0 \n\t\r&^~@$?é\u3000\x0b\x1b\ufeff"
PIECES = (
    *(
        "a ",
        "1 ",
        "a.",
        "a(",
        "(a,",
        "let ",
        "let a = 1 ",
        "out = ",
        "block ",
        "block a() { ",
        "/// d\n",
        "use a ",
        "x:",
    ),
    *(
        "edition 1 ",
        '"a" ',
        "|> ",
        "a |> ",
        "1.",
        "1e",
        "1_",
        "stage ",
        "( when ",
        "each a in b {",
        "=>",
        "in ",
        "[",
        "-",
    ),
    *(
        "a or ",
        "a==",
        "let a = ( 1 ) ) ",
        "stage a = 1 of b, ",
        "}\nblock a() {\n",
        "\nlet a = (\n",
        "\n a\n",
        "/*",
        '"',
    ),
    *("self.", "nn.", "2**", "x, ", "def a: "),
)


def lengths() -> list[Attack]:
    found = [Attack(f"a mebibyte of {c!r}", text(c * (MIB // len(c.encode()))), "E01") for c in CHARACTERS]
    found += [Attack(f"a net, then {c!r}", text((NET + c * MIB).encode()[:MIB]), "E01") for c in "(}>=\"'#|;$"]
    long = "u" * (MIB - 4096)
    for word in (long, f"nn.{long}", f"{long}(3, 16)", long.capitalize()):
        found.append(Attack(f"a layer of a mebibyte, {word[:3]}...{word[-3:]}", text(net(stem=word)), "E0201"))
    found.append(Attack("a mebibyte of empty comments", text("//\n" * (MIB // 3)), "E0110"))
    for piece in PIECES:
        many = piece * (WORDS // max(1, len(piece.split())))
        inside = f"edition 1\nblock a(w: int) {{\n  let x = {many}"[: MIB - 1]
        found += [
            Attack(f"items of {piece!r}", text(f"edition 1\n{many}"[: MIB - 1]), "E"),
            Attack(f"a block of {piece!r}", text(inside), "E01"),
        ]
    return [a for a in found if a.name not in ("a net, then ' '",) and repr("\n") not in a.name]


# -- S10: every construct that nests, 10^2 to 10^5 deep ----------------------------------------------------------------

NESTING = {
    "parentheses": ("(", "1", ")"),
    "lists": ("[", "1", "]"),
    "calls": ("floor(", "1", ")"),
    "layers": ("blocks.basic(attention=", "norm", ")"),
    "indices": ("w[", "0", "]"),
    "signs": ("-", "1", ""),
    "choices": ("(1 when true otherwise ", "1", ")"),
    "conditions": ("(1 when ", "true", " otherwise 2)"),
    "labels": ("a: (", "norm", ")"),
    "fields": ("", "w", ".w"),
    "elements": ("", "w", "[0]"),
    "braces": ("{", "1", "}"),
}


def depths() -> list[Attack]:
    found = []
    for depth in (100, 1_000, 100_000):
        for name, (opening, middle, closing) in NESTING.items():
            expression = opening * depth + middle + closing * depth
            content = f"edition 1\n\nblock b(w: int) {{\n  let x = {expression}\n  out = in\n}}\n"
            if len(content) < MIB:
                found.append(Attack(f"{depth} {name}", text(content), "E01"))
                found.append(Attack(f"{depth} {name}, left open", text(content.partition(middle)[0]), "E01"))
        loops = "each i in [0] {" * depth + "let x = 1" + "}" * depth
        loops = loops if len(loops) < MIB else "each i in [0] {" * (MIB // 20)
        found.append(Attack(f"{depth} loops", text(f"edition 1\nblock b() {{\n{loops}\n  out = in\n}}\n"), "E01"))
    return found


# -- S7: small texts that ask for much ---------------------------------------------------------------------------------


def chained(kind: str, count: int) -> str:
    """Definitions that each use the one before."""
    write = {
        "block": "block b{i}() {{\n  out = in |> {last}\n}}\n",
        "policy": "policy b{i}() {{\n  otherwise => {last}\n}}\n",
        "slot": 'slot b{i}() "s" = {last}\n',
        "instance": "model b{i} = {last}()\n",
    }[kind]
    first = "net" if kind == "instance" else "norm"
    return "".join(write.format(i=i, last=f"b{i - 1}" if i else first) for i in range(count))


def doubling(statement: str, first: str, count: int = 60) -> str:
    return f"  let a0 = {first}\n" + "".join(f"  let a{i + 1} = {statement.format(f'a{i}')}\n" for i in range(count))


TWO = "block c(f: layer = norm, g: layer = norm) {\n  out = in |> f |> g\n}\n"
DISTINCT = "block v(n: int) {\n  out = in |> conv(n + here.index, kernel=3)\n}\n"


def claim(text: str) -> str:
    return net("", stem="plain_conv(4, kernel=3, stride=2)", input="[3, H, W] = [3, 64, 64]", expect=f"  {text}\n")


def factors(symbols: str) -> str:
    """A product that grows far beyond what a message could write."""
    return " * ".join(f"({symbol}{f' * {LARGE}' * 49})" for symbol in symbols)


def claims() -> list[Attack]:
    primes = "[H % 1048573, H % 1048571, H % 1048559, H % 1048549, H % 1048517]"
    searched = "expect (multiply_adds(H, W) - W) * W != 6943 * H * W + 3 * k"
    strides = "".join(f"  stage s{i} = 1 of (max_pool(3, stride=16_777_216))\n" for i in range(700))
    texts = {
        "a size that is no whole number": (claim("expect refuses(3.5, 5)"), "E0406"),
        "a product of large factors": (claim(f"expect {factors('HWHWHWH')} == 0"), "E0223"),
        "a size over large factors": (claim(f"expect {factors('H')} == 0".replace("*", "/")), "E0403"),
        "strides beyond all sizes": (
            net(strides, expect="  expect nearest(s600.shape[1], 3) == 7\n"),
            "E0225",
        ),
        "many long tables": (claim(f"each k in range(6) {{ expect {primes} == [k, k, k, k, k] }}"), "E0403"),
        "long tables of two short ones": (
            claim(
                "each k in range(5) { expect (H % 1021) * k + (H % 1019) + min(H % 1021, H % 1019)"
                " - max(H % 1021, H % 1019) >= 0 - k }"
            ),
            "E0403",
        ),
        "the longest table, three times": (
            claim("expect H % 1048573 + ceil(H / 1048573) + floor(H % 1048573 / 2) >= 0"),
            "E0403",
        ),
        "two of the longest tables": (claim("expect [H % 1048573, H % 1048571] != [1, 2]"), "E0403"),
        "late exceptions": (claim("expect max(H, 16_000_000) >= 0"), "E0403"),
        "many sets with late exceptions": (
            claim("each k in range(1_000) { expect H >= 16_000_000 + k or H < 16_000_000 + k }"),
            "E0403",
        ),
        "many searches of several axes": (
            net(
                "  stage a = 1 of (conv(4, kernel=3, stride=[1, 2]) |> max_pool(3, stride=2, padding=0))\n",
                stem="conv(4, kernel=3, stride=2)",
                head="global_avg_pool |> fc: linear(5)",
                input="[3, H, W] = [3, 21, 31]",
                expect=f"  each k in range(8) {{ {searched} }}\n",
            ),
            "E0403",
        ),
        "a search of many terms": (
            claim(
                "each k in range(3) { expect (H % 7 + W % 5 + H * W) * (H % 11 + W % 13 + 1) * (H % 3 + W % 9 + 2)"
                " * (H % 4 - W % 8) != 7_001 * H * W + k when H <= 3_000 and W <= 3_000 }"
            ),
            "E0403",
        ),
        "a family whose claims take long tables": (
            net(
                "",
                stem="plain_conv(n, kernel=3)",
                parameters="n: int",
                before="  each n in range(1, 1_001)\n",
                expect="  expect [H % 1048573, H % 1048571] != [1, 2]\n",
            ),
            "E0403",
        ),
        "a receptive field beyond all sizes": (net(strides, expect="  expect receptive_field == 3\n"), "E0402"),
    }
    return [Attack(name, text(content), code) for name, (content, code) in texts.items()]


def growth() -> list[Attack]:
    peeled = "".join(
        f"block q{i}() {{\n  set norm = norm |> norm\n  out = in |> {f'q{i - 1}' if i else 'norm'}\n}}\n"
        for i in range(30)
    )
    calls = "c(" * 30 + "norm" + ")" * 30
    texts = {
        "blocks in each other, doubled": (
            net("  stage a = 999 of b39\n", "".join(
                f"block b{i}() {{\n  out = in |> {f'n: b{i - 1} |> m: b{i - 1}' if i else 'norm'}\n}}\n" for i in range(40)  # noqa: E501
            )),
            "E0251",
        ),
        **{f"{count} of a {kind} in each other": (
            net(items=chained(kind, count), stem=f"b{count - 1}") if kind != "instance" else NET + chained(kind, count),
            "E0251",
        ) for kind in ("block", "policy", "slot", "instance") for count in (200, 900)},
        "slots that double each other": (net(items=peeled, stem="q29"), "E0319"),
        "blocks that differ": (net("  stage a = 20_000 of v(1)\n  stage b = 2 of v(2)\n", DISTINCT), "E0319"),
        "blocks for a long list": (net("  stage a = each i in range(1, 99_000) of v(i)\n", DISTINCT), "E0319"),
        "a giant stage": (net("  stage a = 999_999_999_999_999_999 of blocks.basic(8)\n"), "E0319"),
        "networks that are refused": (
            net("  stage a = 90 of v(n)\n", DISTINCT, parameters="n: int", before="  each n in range(1, 1_001)\n",
                expect="  expect parameters == 3\n"),
            "E0402",
        ),
        "families": (
            "edition 1\n" + "".join(
                f"model m{i}(n: int) {{\n  each n in range(1, 1_001)\n  input [3, H] = [3, 9]\n  stem = identity\n"
                "  head = conv(n, kernel=3)\n}\n" for i in range(600)
            ),
            "E0327",
        ),
        "a list doubled": (block(doubling("{0} + {0}", "[1]") + "  out = in\n"), "E0223"),
        "a list of itself": (block(doubling("[{0}, {0}]", "[1]") + "  out = in\n"), "E0223"),
        "a list in lists": (block(doubling("[{0}]", "[1]", 3_000) + "  out = in\n"), "E0223"),
        "a chain doubled": (block(doubling("{0} |> {0}", "norm") + "  out = in |> a60\n"), "E0223"),
        "a chain doubled, in a message": (block(doubling("{0} |> {0}", "norm", 11) + "  out = in + a11\n"), "E0237"),
        "a layer of itself": (net("  stage a = 1 of b\n", TWO + "block b() {\n" + doubling("c({0}, {0})", "norm")
                                  + "  out = in |> a60\n}\n"), "E0223"),
        "a layer in layers": (net(items=TWO, stem=calls), ""),
        "numbers squared": (block(doubling("{0} * {0}", "3 / 7") + "  out = in\n"), "E0223"),
        "loops over lists": (block("  each i in range(400) { each j in range(400) { let y = repeat(1, 90_000) } }\n"
                                   "  out = in\n"), "E0329"),
        "loops over the greatest": (block("  each i in range(100_000) { let y = max(range(100_000)) }\n  out = in\n"),
                                    "E0329"),
        "loops over a list": (block("  let r = range(100_000)\n  each i in r { let y = max(r) }\n  out = in\n"), "E0329"),  # noqa: E501
        "loops over comparisons": (block("  let r = range(100_000)\n  let s = range(100_000)\n"
                                         "  each i in r { let y = r == s }\n  out = in\n"), "E0329"),
        "a million slices": (block("  let a = in |> conv(1_000_000, kernel=1) |> split(1_000_000)\n  let c = a * a\n"
                                   "  out = c |> concat\n"), "E0328"),
        "all slices": (block("  let a = in |> conv(16_777_216, kernel=1) |> split(16_777_216)\n  out = a |> sum\n"),
                       "E0328"),
        "strides of large primes": (net("".join(
            f"  stage s{i} = 1 of blocks.basic(8, stride={p})\n" for i, p in enumerate((9973, 9967, 9949, 9941, 9931)))), ""),  # noqa: E501
        "windows of large primes": (block(
            "  let a = in |> max_pool(3, stride=101, padding=0) |> max_pool(5, stride=103, padding=0, ceil=true)\n"
            "  let c = in |> max_pool(5, stride=101, padding=0) |> max_pool(3, stride=103, padding=0)\n  out = a + c\n"),  # noqa: E501
            "E03"),
        "a condition of many primes": (net(input="[3, H, W] = [3, 32, 32] when " + " and ".join(
            f"H % {p} != 1" for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31))), "E03"),
        "a claim of many primes": (net(expect="  expect " + " + ".join(
            f"floor(H / {p})" for p in (9973, 9967, 9949, 9941, 9931)) + " >= 0\n"), "E04"),
        "blocks that name nothing": (
            "edition 1\n" + "".join(f"block b{i}() {{ out = in |> q{i} }}\n" for i in range(2_500)), "E0201"),
        "models that name nothing": (net(stem=" |> ".join(["nn.Conv2d"] * 2_400)), "E0201"),
        "stages that name nothing": (
            net("".join(f"  stage s{i} = 1 of blocks.bsic(8)\n" for i in range(2_000))), "E0202"),
        "parameters of a model": (net(parameters=", ".join(f"w{i}: int = 8" for i in range(1_500)),
                                      stages="  stage a = 1 of blocks.basic(v)\n"), "E0201"),
        "giant channels": (net(stem="conv(1_000_000_000, kernel=3)"), "E0304"),
        "a giant kernel": (net(stem="conv(8, kernel=1_000_000_000)"), "E0304"),
        "the largest layers": (net(stem="conv(16_777_216, kernel=16_777_216)",
                                   stages="  stage a = 999 of blocks.basic(16_777_216)\n",
                                   expect="  expect parameters == 1\n"), "E0402"),
        "a giant input": (net(input="[3, H, W] = [3, 900_000_000_000_000_000, 900_000_000_000_000_000]",
                              expect="  expect multiply_adds == 3\n"), "E0"),
    }  # fmt: skip
    return [Attack(name, text(content), code) for name, (content, code) in texts.items()]


# -- S8: giant numbers at every operator -----------------------------------------------------------------------------

LARGE = "999_999_999_999_999_999"


def numbers() -> list[Attack]:
    sides = ("1" + "0" * 5_000, "1e999999999", f"-{LARGE}", "1 / 999_999_999_999_999_999")
    expressions = {
        f"{a[:20]} {op} {b[:20]}": f"({a}) {op} ({b})" for op in ("+", "-", "*", "/", "%") for a in sides for b in sides
    }
    for function in (
        "ceil({})",
        "floor({})",
        "floor_log({}, 2)",
        "nearest({}, 8)",
        "range({})",
        "repeat(1, {})",
        "max({}, 1)",
    ):
        expressions |= {function.format(a[:20]): function.format(a) for a in sides}
    content = {
        name: net(
            "  stage a = 1 of b(8)\n", f"block b(w: int) {{\n  let x = ({e}) * {LARGE} * {LARGE}\n  out = in\n}}\n"
        )
        for name, e in expressions.items()
    }
    return [Attack(name, text(t), "E") for name, t in content.items()]


# -- S6, S15: trees of files, and what is in the place of files ------------------------------------------------------


def tree(count: int, uses: Callable[[int], object] = lambda i: [i + 1], body: str = "") -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        for i in range(count):
            lines = "".join(f"use f{j}\n" for j in uses(i) if j < count)  # type: ignore[attr-defined]
            (folder / f"f{i}.resnet").write_text(f"edition 1\n{lines}{body}")
        (folder / "net.resnet").write_text("edition 1\nuse f0\n")

    return make


def link(target: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "net.resnet").symlink_to(target)


def output(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def filled(folder: Path) -> None:
        (folder / "net.resnet").write_text(NET)
        (folder / "out").mkdir()
        make(folder / "out" / "net.py")

    return filled


def deep(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)
    for _ in range(60):  # 6_000 characters: longer than a path may be
        os.mkdir("d" * 100)
        os.chdir("d" * 100)
    Path("net.resnet").write_text(NET)
    os.chdir(here)


def circle(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "b").symlink_to("..")
    (folder / "a" / "net.resnet").write_text("edition 1\nuse b.a.net\n")


def trees() -> list[Attack]:
    star, full = (
        (lambda i: range(1, 3_000) if not i else []),
        "\nblock a(w: int) {\n" + "let y = 1\n" * 7_000 + "out = in\n}\n",
    )
    wrong = "\nblock a() {\n let x = " + "a b " * 400 + "\n"
    compile, out = ("compile", "net.resnet", "-o", "out"), output(os.mkfifo)
    devices = (
        "/dev/zero",
        "/dev/stdin",
        "/dev/tty",
        "/proc/self/pagemap",
        "/proc/self/mem",
        "/proc/kallsyms",
        "nowhere",
    )
    return [
        Attack("a chain of files", tree(400), "E0510"),
        Attack("a star of files", tree(3_000, star), "E0510"),
        Attack("files that all use each other", tree(16, lambda i: range(i + 1, 16)), ""),
        Attack("full files", tree(30, star, full), "E"),
        Attack("broken files", tree(30, star, wrong), "E01"),
        Attack("broken files in a folder", tree(30, lambda i: [], wrong), "E01", ("check", ".")),
        Attack("uses of nothing", text("edition 1\n" + "".join(f"use a{i}\n" for i in range(14_000))), "E0505"),
        Attack("folders deeper than a path", deep, "E0508", ("check", ".")),
        Attack("folders deeper than a path, formatted", deep, "E0508", ("fmt", ".")),
        Attack("a circle of folders", circle, "E050", ("check", ".")),
        Attack("use of a path", text("edition 1\nuse /etc/passwd\n"), "E0101"),
        Attack("use of the folder above", text("edition 1\nuse ..secret\n"), "E0101"),
        *(Attack(f"a spec that is {place}", link(place), "E0501") for place in devices),
        *(
            Attack(f"a spec to format that is {place}", link(place), "E0501", ("fmt", "net.resnet"))
            for place in devices
        ),
        Attack("an output that is a pipe", out, "E0506", compile),
        Attack("an output that is a pipe, overwritten", out, "E0506", (*compile, "--force")),
        Attack("an output that is a pipe, compared", out, "", (*compile, "--check")),
        Attack("an output without end", output(lambda p: p.symlink_to("/dev/zero")), "E0506", compile),
        Attack(
            "an output without end, compared", output(lambda p: p.symlink_to("/dev/zero")), "", (*compile, "--check")
        ),
    ]


def doublings() -> list[Attack]:
    """Definitions that hold the one before twice, thirty in each other: some limit ends them soon."""
    return [
        Attack(name, text(write(30)), "" if name == "blocks that are left out" else "E0")
        for name, write in KINDS.items()
    ]


FAMILIES: dict[str, Callable[[], list[Attack]]] = {
    "lengths": lengths,
    "depths": depths,
    "growth": growth,
    "doublings": doublings,
    "claims": claims,
    "numbers": numbers,
    "trees": trees,
}
