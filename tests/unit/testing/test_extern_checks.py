"""`resnetc test` holds the class of an `extern` against its declaration: an honest one passes, each lie is named."""

import itertools
import re
from pathlib import Path

import pytest

from resnetc.cli.main import main

NUMBERS = itertools.count()
MODELS = {
    0: ("[8, 1] = [8, 1]", "flatten"),
    1: ("[8, L] = [8, 28]", "identity"),
    2: ("[8, H, W] = [8, 28, 28]", "identity"),
    3: ("[8, D, H, W] = [8, 6, 6, 6]", "identity"),
}
IMPORTS = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n"


def run(tmp_path: Path, capsys, monkeypatch, declared: str, code: str, call: str, axes: int, when: str = "") -> str:
    """What `resnetc test` prints about a network of one such operation."""
    module = f"layers_of_test_{next(NUMBERS)}"
    (tmp_path / f"{module}.py").write_text(IMPORTS + code)
    shape, stem = MODELS[axes]
    pool = "global_avg_pool |> " if axes else ""
    (tmp_path / "net.resnet").write_text(
        f"edition 1\n{declared.replace('@', module)}\nmodel net() {{\n  input {shape}{when}\n  stem = {stem}\n"
        f"  head = {call} |> {pool}fc: linear(3)\n}}\n"
    )
    monkeypatch.chdir(tmp_path)
    main(["test", "net.resnet", "--examples", "6"])
    out, err = capsys.readouterr()
    assert "error" not in err, err
    return out


CONV = """
class Own(nn.Module):
    def __init__(self, channels, kernel=3, stride=1, bias=True, scale=1.0, mode="zeros"):
        super().__init__()
        assert isinstance(scale, float) and isinstance(bias, bool)
        self.scale = scale
        self.conv = nn.Conv2d(channels, channels, kernel, stride, padding=1, bias=bias, padding_mode=mode)

    def forward(self, x):
        return self.scale * self.conv(x)
"""
ATTENTION = """
class Own(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.inner = nn.MultiheadAttention(dim, heads, batch_first=True)

    def forward(self, x):
        y = x.flatten(2).transpose(1, 2)
        return self.inner(y, y, y, need_weights=False)[0].transpose(1, 2).reshape(x.shape)
"""
HONEST = {
    "a convolution with all kinds of arguments": (
        "extern own(channels: int = in.channels, stride: size = 1, bias: bool = true, scale: number = 1,"
        ' mode: string = "circular") [C, H, W] => [C, ceil(H / stride[0]), ceil(W / stride[1])] = "@:Own" {\n'
        "  expect parameters == 9 * C * C + (C when bias otherwise 0)\n  expect buffers == 0\n"
        "  expect multiply_adds == 9 * C * C * ceil(H / stride[0]) * ceil(W / stride[1])\n  expect window == 3\n}",
        CONV,
        "own(stride=[1, 2], bias=false)",
        2,
    ),
    "attention over all positions": (
        'extern own(dim: int = in.channels, heads: int = 2) [dim, H, W] => [dim, H, W] = "@:Own"\n'
        "  when dim % heads == 0 {\n"
        "  expect parameters == 4 * dim * dim + 4 * dim\n"
        "  expect multiply_adds == 4 * dim * dim * H * W + 2 * dim * H * W * H * W\n}",
        ATTENTION,
        "own",
        2,
    ),
    "one axis, made longer": (
        'extern own() [C, L] => [2 * C, 2 * L - 1] = "@:Own" { expect parameters == 0 }',
        "class Own(nn.Module):\n    def forward(self, x):\n        y = F.interpolate(x, scale_factor=2.0)[..., 1:]\n"
        "        return torch.cat([y, y], 1)\n",
        "own",
        1,
    ),
    "three axes, one fixed": (
        'extern own() [C, D, H, 6] => [C, D, H - 2, 1] = "@:Own" when D % 2 == 0 {\n  expect multiply_adds == 0\n}',
        "class Own(nn.Module):\n    def forward(self, x):\n        b, c, d, h, w = x.shape\n        assert w == 6\n"
        "        return x.reshape(b, c, d // 2, 2, h, w).flatten(2, 3)[:, :, :, 2:].mean(4, keepdim=True)\n",
        "own",
        3,
        " when D % 2 == 0 and W == 6",
    ),
    "a vector": (
        'extern own(width: int) [C] => [width] = "@:Own" {\n'
        "  expect parameters == C * width + width\n  expect multiply_adds == C * width\n}",
        "class Own(nn.Linear):\n    def __init__(self, width):\n        super().__init__(8, width)\n",
        "own(5)",
        0,
    ),
    "a map to a vector": (
        'extern own() [C, H, W] => [C] = "@:Own"',
        "class Own(nn.Module):\n    def forward(self, x):\n        return x.amax((2, 3))\n",
        "own |> reshape([8, 1, 1])",
        2,
    ),
    "norms and drops of its own": (
        'extern own() [C, H, W] => [C, H, W] = "@:Outer.Own" {\n  expect buffers == 2 * C + 1\n}',
        "class Outer:\n    class Own(nn.Sequential):\n        def __init__(self):\n"
        "            super().__init__(nn.BatchNorm2d(8), nn.Dropout(0.5), nn.Identity())\n",
        "own",
        2,
    ),
    "a class of torch": ('extern own() [C, H, W] => [C, H, W] = "torch.nn:Hardshrink"', "", "own", 2),
}


@pytest.mark.parametrize("case", HONEST)
def test_an_honest_class_passes(case, tmp_path, capsys, monkeypatch):
    declared, code, call, axes, *when = HONEST[case]
    out = run(tmp_path, capsys, monkeypatch, declared, code, call, axes, *when)
    assert "FAILED" not in out, out
    assert re.search(r"^  tried     extern own, ", out, re.MULTILINE)


OWN = 'extern own({}) [C, H, W] => [C, H, W] = "@:Own"{}'
SAME = "class Own(nn.Module):\n    def forward(self, x):\n        return {}\n"
LIES = {
    "a parameter that it does not have": (
        OWN.format("heads: int = 2", ""),
        "class Own(nn.Module):\n    def __init__(self):\n        super().__init__()\n",
        "`Own()` cannot be called with `heads`, as `own` says",
    ),
    "a parameter that no constructor has": (
        OWN.format("heads: int = 2", ""),
        SAME.format("x"),
        "`Own(heads=2)` raises TypeError: Own.__init__() got an unexpected keyword argument 'heads'",
    ),
    "a parameter that it needs besides": (
        OWN.format("", ""),
        "class Own(nn.Module):\n    def __init__(self, dim):\n        super().__init__()\n",
        "cannot be called with nothing, as `own` says: missing a required argument: 'dim'",
    ),
    "arguments that it refuses": (
        OWN.format("heads: int = 3", ""),
        "class Own(nn.Module):\n    def __init__(self, heads):\n        raise ValueError('8 % 3')\n",
        "`Own(heads=3)` raises ValueError: 8 % 3",
    ),
    "channels": (OWN.format("", ""), SAME.format("x[:, 1:]"), "gives 7x1x1, not the declared 8x1x1"),
    "a size": (OWN.format("", ""), SAME.format("F.max_pool2d(x, 2, ceil_mode=True)"), "not the declared 8x"),
    "axes exchanged": (OWN.format("", ""), SAME.format("x.transpose(2, 3)"), "not the declared 8x"),
    "a size that is right where it is even": (
        'extern own() [C, H, W] => [C, ceil(H / 2), W] = "@:Own"',
        SAME.format("F.avg_pool2d(x, (2, 1))"),
        "Own()` of 8x1x1 raises",
    ),
    "no tensor": (OWN.format("", ""), SAME.format("(x, x)"), "gives tuple, not a tensor"),
    "a condition that is too wide": (
        OWN.format("", " when H % 7 == 0"),
        SAME.format("x.reshape(x.shape[0], 8, -1, 14, x.shape[3]).reshape(x.shape)"),
        "which `when` allows (size 1 = 0 mod 7)",
    ),
    "a condition that is missing": (
        OWN.format("", ""),
        SAME.format("x.reshape(x.shape[0], 8, -1, 7, x.shape[3]).reshape(x.shape)"),
        "and no `when` excludes it",
    ),
    "parameters": (
        OWN.format("", " { expect parameters == 8 }"),
        "class Own(nn.Conv2d):\n    def __init__(self):\n        super().__init__(8, 8, 1)\n",
        "has 72 parameters, not the claimed 8",
    ),
    "buffers": (
        OWN.format("", " { expect buffers == 0 }"),
        "class Own(nn.BatchNorm2d):\n    def __init__(self):\n        super().__init__(8)\n",
        "has 17 buffers, not the claimed 0",
    ),
    "multiply-adds that forget a product": (
        OWN.format("", " { expect multiply_adds == C * C * H * W }"),
        "class Own(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.q = nn.Conv2d(8, 8, 1)\n\n    def forward(self, x):\n"
        "        y = self.q(x).flatten(2)\n        return (y @ (y.transpose(1, 2) @ y).softmax(2)).reshape(x.shape)\n",
        "multiply-adds, not the",
    ),
    "a window that is too small": (
        OWN.format("", " { expect window == 3 }"),
        "class Own(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)))\n",
        "sees a window of 5x5, not the claimed 3x3",
    ),
    "a window that is too large": (
        OWN.format("", " { expect window == 5 }"),
        "class Own(nn.Conv2d):\n    def __init__(self):\n        super().__init__(8, 8, 3, padding=1)\n",
        "sees a window of 3x3, not the claimed 5x5",
    ),
    "a window behind weights that begin at zero": (
        OWN.format("", " { expect window == 1 }"),
        "class Own(nn.Conv2d):\n    def __init__(self):\n        super().__init__(8, 8, 3, padding=1)\n"
        "        nn.init.zeros_(self.weight)\n",
        "sees a window of 3x3, not the claimed 1x1",
    ),
    "a window that is the whole map": (
        OWN.format("", " { expect window == 1 }"),
        SAME.format("x * x.mean((2, 3), keepdim=True)"),
        "not the claimed 1x1",
    ),
}


@pytest.mark.parametrize("case", LIES)
def test_each_lie_is_named(case, tmp_path, capsys, monkeypatch):
    declared, code, words = LIES[case]
    when = " when H % 7 == 0" if "when H % 7" in declared else ""
    out = run(tmp_path, capsys, monkeypatch, declared, code, "own", 2, when)
    assert words in out, out
    assert "the class does not match its `extern`: correct the declaration or the class" in out
