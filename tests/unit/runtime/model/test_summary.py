"""A network seen from outside: against the compiler's own figures, and against counts by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import resnetc
from resnetc.runtime.model import loader, summary

CASES = [
    ("digits", {}),
    ("cifar/resnet", {"depth": 20, "shortcut": "shortcuts.project"}),
    ("cifar/preact", {"depth": 110}),
    ("imagenet/resnext50_32x4d", {}),
    ("imagenet/seresnet50", {}),
]


@pytest.mark.parametrize(("spec", "settings"), CASES, ids=[spec for spec, _ in CASES])
def test_costs_and_shapes_are_the_compilers(spec: str, settings: dict[str, Any]) -> None:
    compiled = resnetc.compile(spec, **settings)
    measures, sizes = compiled.checked.measures, compiled.network.input.sizes
    model = loader.build_network(compiled.source, Path("m.py"), torch.device("cpu"))
    seen = summary.summarize(model, (compiled.network.input.channels, *sizes))
    assert (seen.parameters, seen.multiply_adds) == (measures.parameters, measures.count_multiply_adds(sizes))
    assert sum(stage.multiply_adds for stage in seen.stages) == seen.multiply_adds
    assert sum(stage.parameters for stage in seen.stages) == seen.parameters
    stages = [(stage.name, stage.blocks, stage.shape) for stage in seen.stages if stage.blocks]
    assert stages == [(stage.name, stage.blocks, stage.compute_shape(sizes)) for stage in measures.stages]
    assert seen.stages[-1].shape == measures.compute_output(sizes)


class Small(nn.Module):
    """A stem of two layers, one of which runs again behind the stage."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.act = nn.ReLU()
        self.stage = nn.Sequential(*(nn.Sequential(nn.Conv2d(4, 4, 3, stride=2, groups=2)) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.act(self.stage(self.act(self.stem(x)))).mean((2, 3)))
        return scores


def test_rows_follow_the_order_of_the_run() -> None:
    model = Small().train()
    seen = summary.summarize(model, (1, 15, 15))
    assert model.training
    assert [(s.name, s.kind, s.blocks, s.shape) for s in seen.stages] == [
        ("stem, act", "Conv2d, ReLU", 0, (4, 15, 15)),
        ("stage", "Sequential", 2, (4, 3, 3)),
        ("head", "Linear", 0, (2,)),
    ]
    assert [s.multiply_adds for s in seen.stages] == [4 * 9 * 225, 4 * 2 * 9 * (49 + 9), 8]
    assert all(not child._forward_hooks for child in model.modules())
