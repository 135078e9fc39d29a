"""Generated modules under torch's own tools: one graph, exported with a dynamic batch, no trace of resnetc."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from resnetc.testing import trials
from resnetc.testing.torch_module import module_of

ROOT = Path(__file__).resolve().parents[2]
NETS = ["digits", "imagenet/resnet18", "imagenet/seresnet50", "cifar/cifar_depth20", "cifar/preact_depth110"]


def load(name: str) -> tuple[torch.nn.Module, tuple[int, ...]]:
    module = runpy.run_path(str(ROOT / "generated" / f"{name}.py"))
    torch.manual_seed(0)
    return module["build"]().eval(), module["INPUT_SHAPE"]


@pytest.mark.parametrize("name", NETS)
def test_export_with_a_dynamic_batch(name: str) -> None:
    model, shape = load(name)
    exported = torch.export.export(
        model, (torch.randn(2, *shape),), dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},)
    )
    x = torch.randn(3, *shape)
    with torch.no_grad():
        torch.testing.assert_close(exported.module()(x), model(x))


@pytest.mark.parametrize("name", ["digits", "cifar/cifar_depth20"])
def test_one_graph(name: str) -> None:
    model, shape = load(name)
    x = torch.randn(2, *shape)
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(model, fullgraph=True, backend="eager")(x), model(x))


def test_initial_weights_follow_the_reference() -> None:
    model, _ = load("imagenet/resnet18")
    conv = model.get_parameter("layer4.1.conv2.weight")
    fan_out = conv.shape[0] * conv.shape[2] * conv.shape[3]
    assert conv.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.01)
    assert model.get_parameter("layer4.1.bn2.weight").eq(1).all()


def test_a_module_runs_without_resnetc(tmp_path: Path) -> None:
    (tmp_path / "any_name.py").write_bytes((ROOT / "generated" / "digits.py").read_bytes())
    text = (
        "import sys, torch, any_name as m;"
        "print(tuple(m.build()(torch.zeros(2, *m.INPUT_SHAPE)).shape), 'resnetc' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": ""}
    )
    assert done.stdout.strip() == "(2, 10) False", done.stderr


@pytest.mark.parametrize(
    ("arguments", "sizes", "sides", "value"),
    [
        ("0, behind=1", (5, 7), (0, 1, 0, 1), 0),
        ("1, value=2", (5, 7), (1, 1, 1, 1), 2),
        ("[1, 2], behind=[3, 0], value=-1 / 2", (5, 7), (2, 0, 1, 3), -0.5),
        ("[1, 2]", (5, 7), (2, 2, 1, 1), 0),
        ("2, behind=0", (6,), (2, 0), 0),
        ("[1, 0, 2], behind=[0, 4, 5], value=3", (3, 4, 5), (2, 5, 0, 4, 1, 0), 3),
    ],
)
def test_borders_are_those_of_torch(
    arguments: str, sizes: tuple[int, ...], sides: tuple[int, ...], value: float
) -> None:
    """`amount` is before an axis, `behind` at its end; axes in the order of the text, where torch counts backwards."""
    axes = ("D", "H", "W")[-len(sizes) :]
    text = f"""edition 1
        model net() {{
          input [2, {", ".join(axes)}] = [2, {", ".join(map(str, sizes))}]
          stem = constant_pad({arguments})
          head = identity
        }}
    """
    (trial,) = trials(text)
    x = torch.rand(3, 2, *sizes)
    assert torch.equal(module_of(trial.source)(x), F.pad(x, sides, value=value))
    assert trial.measures.compute_output(sizes) == tuple(F.pad(x[0], sides).shape)
