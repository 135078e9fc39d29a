"""Accepted sizes of published nets: their known sets with the statements that limit them, and the real modules."""

import json

import pytest
import torch

import resnetc
from resnetc.cli.main import main
from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.loader.loader import LIBRARY
from resnetc.compiler.sizes import evaluate, first_difference, identity, show_set, step
from resnetc.views.tables import facts
from tests.oracle.real_sizes import Real, Torch, disagreements, stage_modules, sweeps
from tests.oracle.test_zoo import FEW_KINDS, source_of, zoo
from tests.support import import_module

UPTO = {2: 100, 3: 40}  # by the number of axes; `make sizes` goes to 300 with every net
ASKED = Torch()


def compiled(net: str) -> tuple[CheckedNetwork, str]:
    """A network of the zoo, by its library and name, and its module."""
    return zoo()[net][1], source_of(net)


def real(checked: CheckedNetwork, source: str) -> Real:
    generated = import_module(source)
    with torch.device("meta"):
        module = generated.build()
    return Real(
        module, checked.network.input.channels, checked.network.input.sizes, ASKED, stage_modules(checked.network)
    )


@pytest.mark.parametrize("net", FEW_KINDS)
def test_a_size_is_accepted_iff_the_module_runs_at_it(net: str) -> None:
    checked, source = compiled(net)
    sizes = checked.network.input.sizes
    assert disagreements(checked, real(checked, source), sweeps(sizes, UPTO[len(sizes)])) == []


@pytest.mark.parametrize(("spec", "model"), [("signal/small", "small_signal"), ("volume/small", "small_volume")])
def test_so_it_is_with_one_axis_and_with_three(spec: str, model: str) -> None:
    made = resnetc.compile(spec, model=model)
    sizes = made.network.input.sizes
    assert disagreements(made.checked, real(made.checked, made.source), sweeps(sizes, 20)) == []


def test_the_oracle_sees_a_size_too_many_and_a_size_too_few() -> None:
    checked, source = compiled("timm/resnetaa50")
    module = real(checked, source)
    assert module.run((31, 34)) == ((256, 8, 8), (512, 4, 4), (1024, 2, 2), (2048, 1, 1), (1000,))
    assert module.run((31, 35)) is None and module.run((30, 32)) is None
    other, _ = compiled("timm/resnetblur50")
    assert [line.partition(" is ")[0] for line in disagreements(other, module, [(n, n) for n in (16, 17, 31, 35)])] == [
        "(17, 17)",
        "(35, 35)",
    ]


# -- published nets: accepted sizes, the size of the last stage, and what limits them ----------------------------------

EVERY = [
    *("tv/resnet50", "timm/resnet50", "timm/resnet50d", "timm/resnetv2_50", "timm/resnetv2_50x1_bit"),
    *("timm/skresnet50", "timm/res2net50_26w_4s", "timm/resnest50d"),
]


def last(net: str) -> tuple[str, ...]:
    return compiled(net)[0].measures.stages[-1].symbolic[1:]


def limiting(net: str, axis: str = "H") -> list[str]:
    """The statements that limit one axis, as `resnetc show` tells them: where, what, in which stage, and its need."""
    limits = [limit for limit in facts(compiled(net)[0])["limits"] if limit["axis"] == axis]
    return [f"{x['file']} {x['stage'] or 'stem'} `{x['statement']}`: {x['needs']} | {x['leaves']}" for x in limits]


@pytest.mark.parametrize("net", EVERY)
def test_nothing_limits_these(net: str) -> None:
    checked, _ = compiled(net)
    assert [show_set(axis) for axis in checked.accepted.axes] == ["every H", "every H"]
    assert last(net) == ("ceil(H / 32)", "ceil(W / 32)")
    assert facts(checked)["limits"] == []


def test_r3d_18() -> None:
    checked, _ = compiled("tv/r3d_18")
    assert [show_set(axis) for axis in checked.accepted.axes] == ["every H"] * 3
    assert last("tv/r3d_18") == ("ceil(D / 8)", "ceil(H / 16)", "ceil(W / 16)")
    assert first_difference(step(identity(), 16, 0), step(identity(), 32, 0)) == 17


def test_legacy_seresnet50() -> None:
    checked, _ = compiled("timm/legacy_seresnet50")
    assert [show_set(axis) for axis in checked.accepted.axes] == ["H >= 3", "H >= 3"]
    assert last("timm/legacy_seresnet50") == ("ceil((H - 2) / 32)", "ceil((W - 2) / 32)")
    assert limiting("timm/legacy_seresnet50") == [
        "zoo/timm/senet.resnet stem `max_pool(3, stride=2, ceil=true)`: ceil(H / 2) >= 2 | H >= 3"
    ]
    size, thirty_second = step(identity(), 32, -2), step(identity(), 32, 0)
    assert first_difference(size, thirty_second, checked.accepted.axes[0]) == 33
    assert (evaluate(size, 33), evaluate(thirty_second, 33)) == (1, 2)


def test_resnetblur50() -> None:
    checked, _ = compiled("timm/resnetblur50")
    assert [show_set(axis) for axis in checked.accepted.axes] == ["H >= 17", "H >= 17"]
    assert last("timm/resnetblur50") == ("ceil(H / 32)", "ceil(W / 32)")
    assert limiting("timm/resnetblur50") == [
        "zoo/timm/resnet.resnet stem `blur_pool(3, stride=2)`: ceil(H / 2) >= 2 | H >= 3",
        "std/filters.resnet layer2 `blur_pool(3, stride=stride)`: ceil(H / 4) >= 2 | H >= 5",
        "std/filters.resnet layer3 `blur_pool(3, stride=stride)`: ceil(H / 8) >= 2 | H >= 9",
        "std/filters.resnet layer4 `blur_pool(3, stride=stride)`: ceil(H / 16) >= 2 | H >= 17",
    ]


def test_resnetaa50() -> None:
    checked, _ = compiled("timm/resnetaa50")
    assert show_set(checked.accepted.axes[0]) == "H = 32n-1 .. 32n+2, n >= 1"
    assert last("timm/resnetaa50") == ("floor((H + 1) / 32)", "floor((W + 1) / 32)")
    joins = [line for line in limiting("timm/resnetaa50") if "`main + side`" in line]
    assert joins == [
        "std/blocks.resnet layer2 `main + side`: floor((H + 1) / 8) = ceil((H - 2) / 8) | H = 8n-1 .. 8n+2, n >= 1",
        "std/blocks.resnet layer3 `main + side`: floor((H + 1) / 16) = ceil((H - 6) / 16) | H = 16n-1 .. 16n+2, n >= 1",
        "std/blocks.resnet layer4 `main + side`: floor((H + 1) / 32) = ceil((H - 14) / 32) | H = 32n-1 .. 32n+2, n >= 1",  # noqa: E501
    ]
    size, thirty_second = step(identity(), 32, -30), step(identity(), 32, 0)
    assert first_difference(size, thirty_second, checked.accepted.axes[0]) == 33
    assert all(n in checked.accepted.axes[0] for n in (224, 256))
    assert not any(n in checked.accepted.axes[0] for n in (230, 232, 240))


def test_show_prints_what_limits_the_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    before, _, _ = (
        (LIBRARY / "zoo" / "timm" / "senet.resnet").read_text(encoding="utf-8").partition("stem_pool\n  stage")
    )
    line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
    assert main(["show", "zoo/timm/senet", "--model", "legacy_seresnet50"]) == 0
    out = capsys.readouterr().out
    assert out.endswith(
        "accepts          H >= 3, W >= 3\n"
        "because          H >= 3: `max_pool(3, stride=2, ceil=true)` needs ceil(H / 2) >= 2 "
        f"(zoo/timm/senet.resnet:{line}:{column})\n"
        "                 W as H\n"
    )
    assert main(["show", "zoo/timm/senet", "--model", "legacy_seresnet50", "--format", "json"]) == 0
    limits = json.loads(capsys.readouterr().out)["limits"]
    assert limits[1] == {
        "axis": "W",
        "needs": "ceil(W / 2) >= 2",
        "statement": "max_pool(3, stride=2, ceil=true)",
        "file": "zoo/timm/senet.resnet",
        "line": line,
        "column": column,
        "stage": None,
        "leaves": "W >= 3",
    }


# -- published nets: multiply-adds with fixed filters, and the number of terms, by pairs of sizes ----------------------

COSTS = {
    "timm/resnet50": (4_089_184_256, 5, 25_557_032),
    "timm/resnet50d": (4_328_824_832, 5, 25_576_264),
    "timm/resnetaa50": (5_129_633_792, 8, 25_557_032),
    "timm/resnetblur50": (5_133_020_672, 5, 25_557_032),
    "timm/skresnet50": (4_089_422_336, 5, 25_803_160),
    "timm/res2net50_26w_4s": (4_255_166_464, 5, 25_699_120),
    "timm/resnest50d": (5_371_160_576, 5, 27_483_240),
    "timm/legacy_seresnet50": (3_860_488_192, 5, 28_088_024),
    "tv/r3d_18": (40_696_553_472, 4, 33_371_472),
}


@pytest.mark.parametrize("net", COSTS)
def test_multiply_adds(net: str) -> None:
    measures = compiled(net)[0].measures
    sizes = (16, 112, 112) if net == "tv/r3d_18" else (224, 224)
    terms = [key for key, _ in measures.list_terms() if key]
    assert (measures.count_all_multiply_adds(sizes), len(terms), measures.parameters) == COSTS[net]


def test_the_largest_size_of_a_box_costs_most() -> None:
    """Every term grows with each size, so one evaluation bounds the cost on a box of accepted sizes."""
    measures = compiled("timm/resnet50")[0].measures
    sides = range(1, 226, 7)
    assert max(measures.count_multiply_adds((h, w)) for h in sides for w in sides) == measures.count_multiply_adds(
        (225, 225)
    )
    assert (
        measures.count_multiply_adds((224, 224))
        < 4_200_000_000
        < measures.count_multiply_adds((225, 224))
        <= 4_632_000_000
    )
