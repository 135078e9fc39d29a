"""Nets whose maps do not fit each other: what `test_fixes.py` follows the help of, until the net compiles."""

# ruff: noqa: E501  # a text of the language is one line here, as it is one there

from __future__ import annotations

BASIC = """let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act |> conv(width, kernel=3) |> norm
  let side = in |> shortcut(width, stride)
  out = (main + side) |> act"""
STD = "layer1 = 2 of blocks.basic(8)\n  stage layer2 = 2 of blocks.basic(16, stride=2)"
TWO = "layer1 = 2 of unit(8)\n  stage layer2 = 2 of unit(16, stride=2)"
LAST = "layer2 = 2 of unit(8, stride=2)"
ONE = "layer1 = 1 of unit(8)"


def net(
    block: str = BASIC,
    stage: str = "layer1 = 2 of unit(8)",
    input: str = "[3, H, W] = [3, 32, 32]",
    *,
    bound: str = "",
    items: str = "",
    takes: str = "",
    stem: str = "conv(8, kernel=3)",
    head: str = "global_avg_pool |> fc: linear(10)",
    model: str = "",
) -> str:
    """A net of blocks `unit`, with what is bound, defined besides, and taken by block and model."""
    uses = "".join(f"use std.{name}\n" for name in ("blocks", "filters", "shortcuts"))
    return (
        f"edition 1\n{uses}{items}\nblock unit(width: int, {takes}first stride: size = 1) {{\n  {block}\n}}\n\n"
        f"model net({model}) {{\n  {bound}\n  input {input}\n  stem = {stem}\n  stage {stage}\n  head = {head}\n}}\n"
    )


def two(main: str, side: str = "identity") -> str:
    return f"let main = in |> {main}\n  let side = in |> {side}\n  out = main + side"


def policy(name: str, parameters: str, layer: str, first: str = "") -> str:
    return f"policy {name}({parameters}) {{\n  {first}\n  otherwise => {layer}\n}}\n"


HALF = two("conv(width, kernel=3, stride=2)", "avg_pool(2, stride=2, padding=0)")
THREE = (
    "let small = in |> conv(width, kernel=3, stride=stride)\n  let large = in |> conv(width, kernel=5)\n"
    "  out = small + large + (in |> shortcut(width, stride))"
)
LINE, VIDEO = "[3, T] = [3, 102]", "[3, T, H, W] = [3, 9, 32, 32]"
CONV, SHORTCUT = "channels: int, kernel: size, stride: size", "channels: int, stride: size"

WINDOWS = {
    "even": net(two("plain_conv(width, kernel=4)")),
    "even with padding": net(two("plain_conv(width, kernel=4, padding=1)")),
    "even by position": net(two("plain_conv(width, 4, 1, 0)")),
    "even, strided": net(two("plain_conv(width, kernel=4, stride=stride)", "shortcut(width, stride)"), LAST),
    "unpadded": net(two("plain_conv(width, kernel=3, padding=0)")),
    "unpadded twice": net(two(" |> ".join(["plain_conv(width, kernel=3, padding=0)"] * 2))),
    "padded too much": net(two("plain_conv(width, kernel=3, padding=2)")),
    "padded by a parameter": net(
        two("plain_conv(width, kernel=3, padding=p)"), "layer1 = 1 of unit(8, p=1), 1 of unit(8, p=2)", takes="p: int, "
    ),
    "dilated": net(two("plain_conv(width, kernel=3, dilation=2, padding=1)")),
    "even and dilated": net(two("plain_conv(width, kernel=2, dilation=3)"), input=LINE),
    "kernel of a parameter": net(
        two("plain_conv(width, kernel=k)"), "layer1 = 1 of unit(8), 1 of unit(8, k=4)", takes="k: int = 3, "
    ),
    "kernel of a family": net(
        two("conv(width, kernel=k)"),
        "layer1 = 2 of unit(8, k)",
        takes="k: int, ",
        model="k: int",
        bound="each k in [3, 4, 5]",
    ),
    "kernel of a stride": net(
        two("plain_conv(width, kernel=2 * stride, stride=stride, padding=0)", "shortcut(width, stride)"), TWO
    ),
    "kernels of an axis": net(two("conv(width, kernel=[3, 4])")),
    "kernels of three axes": net(two("conv(width, kernel=[2, 4, 3])"), input=VIDEO),
    "paddings of three axes": net(two("plain_conv(width, kernel=3, padding=[1, 0, 0])"), input=VIDEO),
    "a line": net(two("conv(width, kernel=9, stride=4)", "avg_pool(4, stride=4, padding=0)"), ONE, LINE),
    "two constants": net(
        two("plain_conv(width, kernel=5, padding=0, stride=2)", "avg_pool(3, stride=2, padding=0)"), ONE
    ),
    "two constants, labelled": net(
        two("a: (plain_conv(width, kernel=5, padding=0, stride=2) |> norm)", "b: avg_pool(3, stride=2, padding=0)"), ONE
    ),
}
POOLS = {
    "floor": net(HALF, ONE),
    "floor, declared odd": net(HALF, ONE, "[3, H, W] = [3, 33, 33]"),
    "floor, a fixed axis": net(HALF, ONE, "[3, 31, W] = [3, 31, 32]"),
    "floor, fixed axes": net(HALF, ONE, "[3, 31, 31] = [3, 31, 31]"),
    "floor, a fixed width": net(HALF, ONE, "[3, H, w] = [3, 32, w]", model="w: int = 33"),
    "floor, of two strides": net(
        two("conv(width, kernel=3, stride=stride)", "avg_pool(2, stride=stride, padding=0)"), TWO
    ),
    "unpadded": net(two("conv(width, kernel=3, stride=2)", "max_pool(3, stride=2, padding=0)"), ONE),
    "ceil against floor": net(
        two("max_pool(2, stride=2, padding=0, ceil=true)", "max_pool(2, stride=2, padding=0)"), ONE
    ),
    "ceil with padding": net(two("max_pool(3, stride=2, padding=1, ceil=true)", "conv(8, kernel=1, stride=2)"), ONE),
    "stride 4": net(two("max_pool(4, stride=4, padding=0)", "conv(8, kernel=1, stride=4)"), ONE),
    "stride 3": net(two("conv(width, kernel=3, stride=3)", "avg_pool(3, stride=3, padding=0)"), ONE),
    "blurred": net(two("conv(width, kernel=3) |> blur_pool(4, stride=2)", "conv(width, kernel=1, stride=2)"), ONE),
    "subsampled": net(two("subsample(2)", "avg_pool(2, stride=2, padding=0)"), ONE),
    "frames": net(
        two("conv(width, kernel=[3, 1, 1], stride=[2, 1, 1])", "avg_pool([2, 1, 1], stride=[2, 1, 1], padding=0)"),
        ONE,
        VIDEO,
    ),
    "a border": net(two("constant_pad(1) |> conv(width, kernel=3)")),
    "a border behind": net(two("constant_pad(0, behind=1) |> plain_conv(width, kernel=3, padding=0)")),
}
LISTS = {
    "concat": net(
        "out = [in |> conv(width, kernel=3, stride=stride), in |> max_pool(2, stride=stride, padding=0)] |> concat"
        " |> conv(width, kernel=1)",
        LAST,
    ),
    "sum of three": net(
        "let a[0] = in\n  let a[1] = in |> conv(width, kernel=2)\n  let a[2] = in |> conv(width, kernel=4)\n  out = a |> sum"
    ),
    "loop": net(
        "let x[0] = in\n  each i in range(3) { let x[i + 1] = x[i] |> conv(width, kernel=i + 2) }\n  out = x[3] + in"
    ),
    "paths": net(
        "let views = in |> split(2)\n  each k in range(2) { let y[k] = views[k] |> paths[k]: plain_conv(4, kernel=k + 2) }\n"
        "  out = y |> concat"
    ),
    "strides of paths": net(
        "let views = in |> split(2)\n  each k in range(2) { let y[k] = views[k] |> p[k]: conv(4, kernel=3, stride=k + 1) }\n"
        "  out = y |> concat",
        ONE,
    ),
    "three": net("let a = in |> conv(width, kernel=3)\n  let b = in |> conv(width, kernel=4)\n  out = a + b + in"),
    "gate": net("let gate = in |> conv(1, kernel=2) |> sigmoid\n  out = in * gate"),
}
STRIDES = {
    "forgotten": net(two("conv(width, kernel=3, stride=stride)", "shortcut(width, 1)"), TWO),
    "forgotten in a sum of three": net(THREE, TWO),
    "forgotten where it is an int": net(THREE, TWO).replace("stride: size", "stride: int"),
    "forgotten by a slot where it is an int": net(
        two("conv(width, kernel=3, stride=stride)", "shortcut(width, 1)"), TWO
    ).replace("stride: size", "stride: int"),
    "applied twice": net(
        BASIC.replace("|> conv(width, kernel=3) |> norm", "|> conv(width, kernel=3, stride=stride)"), TWO
    ),
    "applied once more, by a number": net(
        BASIC.replace("|> conv(width, kernel=3) |> norm", "|> conv(width, kernel=3, stride=2)"), TWO
    ),
    "applied once more, by a pool": net(
        BASIC.replace("|> conv(width, kernel=3) |> norm", "|> conv(width, kernel=3) |> max_pool(2, stride=2)"), TWO
    ),
    "forgotten by the branch": net(BASIC.replace("kernel=3, stride=stride", "kernel=3"), TWO),
    "3 and 2": net(two("conv(width, kernel=3, stride=3)", "conv(width, kernel=1, stride=2)"), ONE),
    "4 and 2": net(two(" |> ".join(["conv(width, kernel=3, stride=2)"] * 2), "conv(width, kernel=1, stride=2)"), ONE),
    "of an axis": net(two("conv(width, kernel=3, stride=[2, 1])", "conv(width, kernel=1, stride=[1, 2])"), ONE),
    "of frames": net(two("conv(width, kernel=3, stride=[1, 2, 2])", "conv(width, kernel=1, stride=2)"), ONE, VIDEO),
    "of the input": net(
        "let main = in |> conv(width, kernel=3, stride=stride)\n  out = main + in",
        "layer1 = 1 of unit(8)\n  stage layer2 = 1 of unit(8, 2)",
    ),
    "of a gate": net("let gate = in |> conv(1, kernel=3, stride=2) |> sigmoid\n  out = in * gate", ONE),
    "of a pooled gate": net("let gate = in |> avg_pool(2, stride=2, padding=0) |> sigmoid\n  out = in * gate", ONE),
    "channels": net(two("conv(width, kernel=3)"), stem="conv(4, kernel=3)"),
}
SLOTS = {
    "norm": net(stage=STD, bound="set norm = avg_pool(2)"),
    "act": net(stage=STD, bound="set act = blur_pool(2, stride=1)"),
    "attention": net(stage=STD, bound="set attention = avg_pool(3, padding=0)"),
    "conv": net(
        stage=STD,
        bound="set conv = bare",
        items=policy("bare", CONV, "plain_conv(channels, kernel, stride=stride, padding=0)"),
    ),
    "conv, even": net(
        stage=STD,
        bound="set conv = even",
        items=policy("even", SHORTCUT, "plain_conv(channels, kernel=2, stride=stride)"),
    ),
    "shortcut": net(
        stage=TWO,
        bound="set shortcut = bad",
        items=policy(
            "bad",
            SHORTCUT,
            "avg_pool(2, stride=stride, padding=0) |> conv(channels, kernel=1)",
            "when stride == 1 => identity",
        ),
    ),
    "shortcut of the library": net(
        stage=STD,
        bound="set shortcut = bad",
        items=policy("bad", SHORTCUT, "max_pool(2, stride=stride, padding=0) |> plain_conv(channels, kernel=1)"),
    ),
    "tensors": net(
        stage=TWO,
        bound="set shortcut = s",
        items=policy("s", SHORTCUT, "in |> subsample(stride) |> plain_conv(channels, kernel=2)"),
    ),
    "antialias": net(stage=STD, bound="set antialias = filters.average"),
    "antialias, declared odd": net(
        stage=STD, bound="set antialias = filters.average", stem="entry", input="[3, H, W] = [3, 45, 51]"
    ),
    "antialias, promised": net(
        stage=STD, bound="set antialias = filters.average", input="[3, H, W] = [3, 64, 64] when H % 2 == 0"
    ),
}
SIZES = {
    "promised too much": net(HALF, ONE + ", 1 of unit(8)", "[3, H, W] = [3, 32, 32] when H % 2 == 0 and W % 4 == 0"),
    "promised a range": net(HALF, ONE, "[3, H, W] = [3, 32, 32] when H >= 31 and W >= 32"),
    "promised a piece": net(HALF, ONE, "[3, H, W] = [3, 64, 64] when H >= 8 and H <= 9 or H == 64"),
    "promised too small": net(
        stem="conv(8, kernel=3) |> max_pool(7, padding=0)", input="[3, H, W] = [3, 32, 32] when H >= 3"
    ),
    "declared too small": net(stem="conv(8, kernel=3) |> max_pool(7, padding=0)", input="[3, H, W] = [3, 5, 32]"),
    "declared and not promised": net(input="[3, H, W] = [3, 64, 64] when H % 2 == 1"),
}
GATED = (
    "let main = in |> conv(width, kernel=3, stride=stride)\n"
    "  let g = {0} |> global_avg_pool |> plain_conv(floor(width / 2), kernel=1) |> plain_conv({1}, kernel=1) |> sigmoid\n"
    "  out = main * g + (in |> shortcut(width, stride))"
)
CHANNELS = {
    "twice as many": net(BASIC.replace("|> conv(width, kernel=3) |> norm", "|> conv(2 * width, kernel=3)"), TWO),
    "of the input": net(BASIC.replace("shortcut(width", "shortcut(in.channels"), TWO),
    "of a gate": net(GATED.format("main", "floor(width / 2)"), TWO),
    "of a gate that has those of the input": net(GATED.format("in", "in.channels"), TWO),
    "of a gate without a name": net(
        "let main = in |> conv(width, kernel=3, stride=stride)\n"
        "  out = main * (in |> global_avg_pool |> plain_conv(in.channels, kernel=1) |> sigmoid)",
        TWO,
    ),
    "of a gate on the input": net(
        "let g = in |> global_avg_pool |> plain_conv(floor(in.channels / 2), kernel=1) |> sigmoid\n"
        "  out = (in * g |> conv(width, kernel=3, stride=stride)) + (in |> shortcut(width, stride))",
        TWO,
    ),
    "of a branch": net(two("conv(2 * width, kernel=3)", "conv(width, kernel=1)"), TWO.replace(", stride=2", "")),
}

WRONG = {
    f"{group}: {name}": text
    for group, nets in (
        *(("windows", WINDOWS), ("pools", POOLS), ("lists", LISTS)),
        *(("strides", STRIDES), ("slots", SLOTS), ("sizes", SIZES), ("channels", CHANNELS)),
    )
    for name, text in nets.items()
}
