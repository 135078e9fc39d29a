"""Batch norms folded into convolutions: which are, and that the network computes the same."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resnetc.cli.main import main
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.model.folding import compare_probabilities, fold_batch_norms
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train
from tests.support import build


def randomise(model: nn.Module) -> nn.Module:
    """Other statistics and factors than those of a new network."""
    generator = torch.Generator().manual_seed(0)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.running_mean, part.running_var, part.weight, part.bias):
                if tensor is not None:
                    tensor.data.uniform_(0.5, 1.5, generator=generator)
    return model.eval()


def test_a_folded_network_computes_the_same_with_fewer_layers(source: str) -> None:
    model = randomise(build(source))
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = model(images)
        folding = fold_batch_norms(model, "model.py")
        torch.testing.assert_close(model(images), before, atol=1e-5, rtol=1e-5)
    assert (folding.folded, folding.norms) == (9, 9)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in model.modules())


class Awkward(nn.Module):
    """Norms that cannot be folded: a convolution whose output is used twice, one called twice, one behind a relu."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.twice, self.last = (nn.Conv2d(4, 4, 1) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm2d(4) for _ in range(3))
        self.plain, self.own = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, affine=False)
        self.batch = nn.BatchNorm2d(4, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.shared(x)
        x = self.norms[0](y) + y
        x = self.norms[1](self.twice(x)) + self.twice(x)
        x = self.norms[2](torch.relu(self.last(x)))
        return self.batch(self.last(self.own(self.plain(x)))).flatten(1)


def test_only_what_nothing_else_uses_is_folded() -> None:
    torch.manual_seed(0)
    model = randomise(Awkward())
    images = torch.rand(5, 4, 3, 3)
    with torch.no_grad():
        before = model(images)
        assert fold_batch_norms(model, "model.py").folded == 1
        torch.testing.assert_close(model(images), before, atol=1e-5, rtol=1e-5)


def test_a_network_that_cannot_be_followed_is_refused() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(RunError, match=r"model\.py: cannot trace its layers, so nothing is folded: symbolically"):
        fold_batch_norms(Branching(), "model.py")


def test_another_answer_is_refused() -> None:
    with pytest.raises(RunError, match=r"model\.py: with folded batch norms a probability differs by 0\.4"):
        compare_probabilities(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 0.0]]), False, "model.py")
    with pytest.raises(RunError, match="differs by nan"):
        compare_probabilities(torch.tensor([[0.0, 0.0]]), torch.tensor([[float("nan"), 0.0]]), True, "model.py")


def test_an_evaluation_with_folded_norms_is_that_of_the_run(
    source: str, few: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    train(source, "small", few, Recipe(epochs=2, batch_size=20, ema_decay=0.9, threads=1), out, quiet=True)
    plain, folded = (evaluate(out, few, allow_imports=["model.py"], folded=folded) for folded in (False, True))
    assert "9 of 9 batch norms folded into convolutions; in the first batch, probabilities differ" in folded.folding
    assert folded.top1 == plain.top1 and folded.loss == pytest.approx(plain.loss, abs=1e-5)
    tensors, facts = checkpoint.load(out / "best.safetensors")
    spoilt = {name: torch.zeros_like(one) if "running_var" in name else one for name, one in tensors.items()}
    checkpoint.save(out / "best.safetensors", spoilt, facts)
    weights = {name: one * 1e4 if "bn" in name and name.endswith("weight") else one for name, one in spoilt.items()}
    checkpoint.save(out / "best.safetensors", weights, facts)
    with pytest.raises(RunError, match="evaluate without --folded"):
        evaluate(out, few, allow_imports=["model.py"], folded=True)


def test_the_command_says_how_it_folded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "run")
    settings = ["--override", "epochs=1", "--override", "threads=1"]
    assert main(["train", "digits", *settings, "--out", out]) == 0
    (tmp_path / "run" / "report.html").unlink()
    capsys.readouterr()
    assert main(["eval", out, "--folded"]) == 0
    printed = capsys.readouterr()
    assert " batch norms folded into convolutions; " in printed.err
    assert printed.out.startswith("360 images  top-1") and "img/s" in printed.out
    assert not (tmp_path / "run" / "report.html").exists()
