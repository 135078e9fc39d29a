"""The pytest plugin: what it collects, how its tests fail, and that it costs nothing where there is no spec."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resnetc.pytest_plugin import PREDICTIONS
from resnetc.testing.exercise import PROPERTIES

ROOT = Path(__file__).resolve().parents[3]
pytest_plugins = ["pytester"]

NET = """edition 1

block unit(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm
  out = main + (in |> shortcut(width, stride))
}

model net(width: int = 4, classes: int = 3) {
  input [1, H, W] = [1, 12, 12]
  stem = plain_conv(width, kernel=3, padding=0)
  stage layer1 = 2 of unit(2 * width, stride=2)
  head = global_avg_pool |> fc: linear(classes)

  expect weighted_layers == 4
  expect layer1.shape == [8, ceil(H / 2) - 1, ceil(W / 2) - 1] when width == 4
  expect output.channels == 7 when classes == 7
}
"""
FAMILY = NET.replace("width: int = 4,", "width: int,")
LIBRARY = "\n".join(NET.split("\n")[:6])
WRONG = NET.replace("layers == 4", "layers == 5").replace("model net(", "model wrong(")
TWO = (
    NET.replace("model net(", "model two(")
    .replace("  input", "  each width in [2, 4]\n  input")
    .replace("width: int = 4,", "width: int,")
)
BAD = NET.replace("|> norm", "|> nrom")
OF_ONE = [
    "compiles",
    "expect weighted_layers == 4",
    "expect layer1.shape == [8, ceil(H / 2) - 1, ceil(W / 2) - 1] when width == 4",
    "expect output.channels == 7 when classes == 7",
    "shapes",
    "strides",
    "state",
    "multiply_adds",
    "activations",
    "calls",
    "buffers",
    "images",
    "layouts",
    "outputs",
]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin of this tree, and no other that is installed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "resnetc.pytest_plugin", *arguments)


def write(pytester: pytest.Pytester, **specs: str) -> None:
    for name, text in specs.items():
        path = pytester.path / "specs" / f"{name}.resnet"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def named(result: pytest.RunResult, outcome: str) -> set[str]:
    """The ids in the summary, without the beginning of their reports."""
    lines = (line.removeprefix(outcome) for line in result.outlines if line.startswith(outcome))
    return {re.sub(r" - (error\[|raises |net( at |: )).*", "", line) for line in lines}


def test_the_predictions_are_those_of_the_command() -> None:
    assert tuple(PROPERTIES) == PREDICTIONS


def test_every_contract_is_a_test(pytester: pytest.Pytester) -> None:
    """A file of models that need arguments, and one without models, have no test; a false claim fails alone."""
    write(pytester, net=NET, two=TWO, family=FAMILY, library=LIBRARY, wrong=WRONG)
    result = run(pytester, "specs", "-rA", "-v")
    ids = named(result, "PASSED ") | named(result, "FAILED ")
    skipped = OF_ONE[3]
    wanted = {f"specs/net.resnet::net::{name}" for name in OF_ONE if name != skipped}
    wanted |= {f"specs/two.resnet::two_width{n}::{name}" for n in (2, 4) for name in OF_ONE if name != skipped}
    wanted -= {f"specs/two.resnet::two_width2::{OF_ONE[2]}"}
    wanted |= {
        f"specs/wrong.resnet::wrong::{name.replace('== 4', '== 5') if 'weighted' in name else name}"
        for name in OF_ONE
        if name != skipped
    }
    assert ids == wanted
    result.assert_outcomes(passed=len(wanted) - 1, failed=1, skipped=5)
    told = result.stdout.str()
    assert re.search(r"SKIPPED \[1\] specs/net.resnet:16: its condition is never met in this network", told)
    assert "error[E0402]: `weighted_layers == 5` does not hold: 4 and 5\n  --> specs/wrong.resnet:14:10" in told
    assert "Traceback" not in told and "pytest_plugin.py" not in told
    assert "specs/net.resnet::net::expect output.channels == 7 when classes == 7 SKIPPED" in told
    assert "___ wrong: expect weighted_layers == 5 ___" in told


def test_a_broken_spec_is_one_failed_test(pytester: pytest.Pytester) -> None:
    """Its report is what `resnetc check` prints; its neighbours are tested all the same."""
    write(pytester, bad=BAD, net=NET)
    result = run(pytester, "specs", "-k", "compiles")
    result.assert_outcomes(passed=1, failed=1)
    told = result.stdout.str()
    assert "FAILED specs/bad.resnet::compiles - error[E0201]: `nrom` is not defined here" in told
    assert "  --> specs/bad.resnet:4:" in told and "= help: a similar name exists: `norm`" in told
    assert "Traceback" not in told and "pytest_plugin.py" not in told


def test_tests_are_chosen_by_k_and_by_their_id(pytester: pytest.Pytester) -> None:
    write(pytester, net=NET, two=TWO)
    chosen = run(pytester, "specs", "--collect-only", "-q", "-k", "two_width4 and expect and not output")
    ids = [line for line in chosen.outlines if "::" in line]
    assert ids == [f"specs/two.resnet::two_width4::{name}" for name in OF_ONE[1:3]]
    run(pytester, ids[1]).assert_outcomes(passed=1)


def test_it_costs_nothing_where_there_is_no_spec(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_was_loaded():
            assert "resnetc.pytest_plugin" in sys.modules
            heavy = {"torch", "lark", "jinja2", "rich", "hypothesis", "numpy", "yaml"}
            assert heavy & sys.modules.keys() == set()
            assert [name for name in sys.modules if name.startswith("resnetc.")] == [
                "resnetc.version", "resnetc.pytest_plugin"
            ]
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1)
    assert "resnet" not in result.stdout.str().replace(str(pytester.path), "").replace("resnetc.pytest_plugin", "")


def test_a_claim_is_a_test_with_a_harmless_name(pytester: pytest.Pytester) -> None:
    """Its text is the spec's, and so is what it says where it fails."""
    (pytester.path / "net.resnet").write_text(
        'edition 1\nuse std.blocks\nmodel net(mode: string = "a\x1b[5m\u202fb") {\n  input [3, H, W] = [3, 32, 32]\n'
        "  stem = conv(8, kernel=3)\n  stage layer1 = 1 of blocks.basic(8)\n  head = global_avg_pool |> linear(2)\n"
        '  expect mode != "a\x1b[5m\u202fb" otherwise "c\x07\u200bd"\n}\n'
    )
    result = run(pytester, "net.resnet", "-v", "-k", "expect or compiles")
    text = result.stdout.str() + result.stderr.str()
    assert r"a\x1b[5m" in text and r"c\x07\u200bd" in text
    assert not {"\x1b", "\x07", "\u200b"} & set(text)


def test_without_torch_proofs_are_tests_and_predictions_are_skipped(pytester: pytest.Pytester) -> None:
    write(pytester, net=NET, wrong=WRONG)
    pytester.makeconftest("import sys\nsys.modules['torch'] = None")
    result = run(pytester, "specs", "-rs")
    result.assert_outcomes(passed=5, failed=1, skipped=22)
    assert "torch not installed: pip install '.[test]'" in result.stdout.str()


def test_a_prediction_that_fails_says_how_to_see_it_again(pytester: pytest.Pytester) -> None:
    """The module is made another one than the compiler speaks of."""
    write(pytester, net=NET)
    pytester.makeconftest(
        """
        from resnetc.compiler.driver.session import Session
        render = Session.render
        Session.render = lambda *made: render(*made).replace("nn.Conv2d(1, 4, 3, ", "nn.Conv2d(1, 4, 2, ")
        """
    )
    result = run(pytester, "specs")
    told = result.stdout.str()
    failed = {name.rpartition("::")[2] for name in named(result, "FAILED ")}
    assert failed == {OF_ONE[2], "shapes", "state", "multiply_adds", "activations", "buffers", "outputs"}
    assert "net at 2x2: refused by the compiler, and the module runs" in told
    assert "replay: resnetc test specs/net.resnet --model net --input 1x2x2 --batch 1" in told
    assert "Traceback" not in told and "pytest_plugin.py" not in told


def test_this_repository_keeps_its_broken_specs_to_itself(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(
        "-p",
        "resnetc.pytest_plugin",
        "--collect-only",
        "-q",
        "--rootdir",
        str(ROOT),
        "-c",
        str(ROOT / "pyproject.toml"),
        str(ROOT / "tests" / "ui"),
        str(ROOT / "tests" / "fixtures"),
    )
    assert ".resnet::" not in result.stdout.str() and "test_ui.py::" in result.stdout.str()
