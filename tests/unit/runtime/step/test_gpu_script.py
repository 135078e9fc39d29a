"""`benchmarks/gpu.py` runs from its first line to its last: on the CPU, with almost no work."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"


def test_every_command_of_the_script_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    gpu = import_module("gpu")
    out = tmp_path / "gpu.json"
    assert gpu.main(["smoke", "--out", str(out)]) == 0
    results = json.loads(out.read_text())
    groups = {"checks", "synchronisations", "resnet50", "resnet50-tuned", "resnet20", "schedule"}
    assert results.keys() == groups | {"environment"}
    assert results["checks"]["all of it"]["curve"] == results["checks"]["plain float32"]["curve"]
    assert results["checks"]["float32, recorded or not"]["equal to the bit"]
    assert all(results["resnet50"][name]["n"] == 2 for name in ("ours", "timm's loop", "torchvision's AMP loop"))
    assert results["resnet20"]["ours again / ours"]["n"] == 2
    assert not any("left out" in entry for group in groups for entry in results[group].values())
    assert gpu.main(["checks"]) == 1
    assert "there is no CUDA device here" in capsys.readouterr().out


def test_what_is_measured_is_kept_after_every_arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    paired = import_module("paired")
    out = tmp_path / "results.json"
    paired.Results(out, {"device": "one"}).add("group", "first", 1)
    results = paired.Results(out, {"device": "two"})
    results.add("group", "second", 2)
    expected = {"environment": {"device": "two"}, "group": {"first": 1, "second": 2}}
    assert json.loads(out.read_text()) == expected


def test_arms_are_compared_round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    paired = import_module("paired")
    time, order = [0.0], []

    def arm(name: str, cost: float) -> object:
        def step() -> None:
            order.append(name)
            time[0] += cost

        return paired.Arm(name, step, 10)

    arms = [arm("a", 1.0), arm("b", 2.0)]
    paired.interleave(arms, 3, 1, lambda: time[0], lambda: True)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert paired.compare(*arms) == {"ratio": 2.0, "low": 2.0, "high": 2.0, "n": 3}
    assert arms[1].describe() == {"median_ms": 2000.0, "images_per_second": 5.0, "n": 3}
    paired.interleave(arms, 3, 1, lambda: time[0], lambda: False)
    assert len(order) == 6
