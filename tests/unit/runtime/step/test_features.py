"""What a step can do beyond the plain one, each against an independent statement of it, and resumed in mid-epoch."""

import copy
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from resnetc.runtime.augmentation.batch_transform import build_batch_transform
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.model import loader
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.step.epoch_losses import EpochLosses
from resnetc.runtime.step.moment import Moment
from resnetc.runtime.step.precision import build_scaler, choose_dtype, use_fast_kernels
from resnetc.runtime.step.training_step import TrainingStep
from resnetc.runtime.train import train
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

CPU = torch.device("cpu")
NOTHING = torch.zeros(0)


def build(model: nn.Module, images: Tensor, labels: Tensor, **settings: object) -> TrainingStep:
    """A step of a model on images as they are, by plain SGD of rate 0.1."""
    return TrainingStep(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1, fused=True),
        labels=labels,
        prepare=lambda epoch, index, pixels: images[index],
        transform=None,
        criterion=nn.functional.cross_entropy,
        average=ExponentialMovingAverage(model, 0.0),
        losses=EpochLosses(1, CPU),
        **settings,
    )


@pytest.mark.parametrize("clipped", [0.0, 0.01])
def test_a_batch_in_parts_gives_the_weights_of_the_whole(source: str, clipped: float) -> None:
    torch.manual_seed(0)
    with torch.device("cpu"):
        torch.set_default_dtype(torch.float64)
        model = loader.build_network(source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, "), Path("small.py"))
        torch.set_default_dtype(torch.float32)
    images, labels = torch.randn(24, 1, 8, 8, dtype=torch.float64), torch.arange(24) % 10
    others, losses = [copy.deepcopy(model) for _ in range(3)], []
    for other, parts in zip(others, (1, 2, 12), strict=True):
        step = build(other, images, labels, accumulate=parts, max_grad_norm=clipped)
        for number in (1, 2, 3):
            step(Moment(0, number, 0), torch.arange(24), NOTHING)
        losses.append(step.losses.total.item())
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-12)
    for name, weight in others[0].state_dict().items():
        assert not torch.equal(weight, model.state_dict()[name]) or "weight" not in name
        for other in others[1:]:
            torch.testing.assert_close(other.state_dict()[name], weight, rtol=1e-10, atol=1e-12)


def test_float16_skips_an_update_that_overflows_and_scales_the_loss_down() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    images, labels = torch.randn(6, 4), torch.arange(6) % 3
    scaler = build_scaler(torch.float16, CPU)
    assert scaler is not None
    step = build(model, images, labels, dtype=torch.float16, scaler=scaler, max_grad_norm=1.0)
    index = torch.arange(6)
    step(Moment(0, 1, 0), index, NOTHING)
    before, scale = copy.deepcopy(model.state_dict()), scaler.get_scale()
    step.criterion = lambda scores, targets: nn.functional.cross_entropy(scores, targets) * 1e36
    step(Moment(0, 2, 0), index, NOTHING)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert scaler.get_scale() == scale / 2
    step.criterion = nn.functional.cross_entropy
    step(Moment(0, 3, 0), index, NOTHING)
    assert not torch.equal(model.weight, before["weight"])


def test_float16_gives_the_gradients_of_float32() -> None:
    torch.manual_seed(0)
    models = [nn.Linear(4, 3)]
    models.append(copy.deepcopy(models[0]))
    images, labels = torch.randn(6, 4), torch.arange(6) % 3
    for model, dtype in zip(models, (torch.float32, torch.float16), strict=True):
        step = build(model, images, labels, dtype=dtype, scaler=build_scaler(dtype, CPU))
        step(Moment(0, 1, 0), torch.arange(6), NOTHING)
    torch.testing.assert_close(models[0].weight, models[1].weight, rtol=1e-2, atol=1e-3)
    assert not torch.equal(models[0].weight, models[1].weight)


def test_a_cpu_computes_in_float32_unless_it_is_told() -> None:
    words = ("auto", "float32", "bfloat16", "float16")
    assert [choose_dtype(word, CPU) for word in words] == [torch.float32, torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("key", ["mixup", "cutmix", "random_erasing", "color_jitter", "lighting", "noise"])
def test_a_batch_stays_channels_last_whatever_changes_it(key: str, axes: int) -> None:
    if axes == 3 and key in ("color_jitter", "lighting"):
        pytest.skip("volumes have no colours")
    formats = {2: torch.channels_last, 3: torch.channels_last_3d}
    images = torch.randint(0, 256, (16, 3, *[8] * axes)).to(torch.uint8)
    normaliser = Normaliser(torch.zeros(*[1] * axes, 3), torch.full((3,), 0.01))
    recipe, index = Recipe(random_crop_padding=2, horizontal_flip=True, **{key: 0.5}), torch.arange(8)
    batch = Augmenter(images, recipe, normaliser)(0, index)
    transform = build_batch_transform(recipe, SimpleNamespace(range=(0.0, 255.0), classes="abcdefghij"), normaliser)
    if transform is not None:
        batch, _ = transform(batch, index % 10, 0, index)
    assert batch.is_contiguous(memory_format=formats[axes])


def test_the_kernels_of_cuda_are_chosen_inside_and_as_before_outside() -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn

    def flags() -> tuple[bool, bool, bool]:
        return matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark

    before = flags()
    for precision, is_deterministic, expected in (
        ("auto", False, (True, True, True)),
        ("float32", True, (False, False, False)),
    ):
        with use_fast_kernels(precision, is_deterministic, torch.device("cuda")):
            assert flags() == expected
        with use_fast_kernels(precision, is_deterministic, CPU):
            assert flags() == before
    assert flags() == before


FEATURES = {
    "bfloat16 in parts": {"precision": "bfloat16", "accumulate": 5},
    "float16": {"precision": "float16"},
    "float16, unclipped": {"precision": "float16", "max_grad_norm": 0.0, "optimizer": "adamw", "learning_rate": 1e-3},
    "in parts": {"accumulate": 5},
}


@pytest.mark.parametrize("feature", FEATURES.values(), ids=list(FEATURES))
def test_a_run_stopped_in_mid_epoch_goes_on_to_the_bit(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature: dict[str, object]
) -> None:
    recipe = replace(quick, epochs=2, **feature)
    train(source, "small", few, recipe, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stopping(patch, [6], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "small", few, recipe, tmp_path / "run", quiet=True)
    train(source, "small", few, recipe, tmp_path / "run", resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
    tensors, facts = checkpoint.load(tmp_path / "run" / "last.ckpt")
    assert ("scaler/scale" in tensors) == ("float16" == recipe.precision)
    assert facts["environment"]["precision"] == (recipe.precision if recipe.precision != "auto" else "float32")


def test_a_state_without_the_scaler_it_needs_is_refused(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    recipe, out = replace(quick, epochs=1, precision="float16"), tmp_path / "run"
    train(source, "small", few, recipe, out, quiet=True)
    tensors, facts = checkpoint.load(out / "last.ckpt")
    checkpoint.save(out / "last.ckpt", {name: t for name, t in tensors.items() if name != "scaler/scale"}, facts)
    with pytest.raises(RunError, match=r"last\.ckpt: not the state of a run: no scaler of the loss in it"):
        train(source, "small", few, recipe, out, resume=True, quiet=True)


def test_a_batch_that_cannot_be_divided_is_refused_before_anything_runs(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"accumulate=4: `batch_size` \(6\) must be a multiple of `accumulate` \(4\)"):
        recipe_file.load("digits", ["batch_size=6", "accumulate=4"])
    with pytest.raises(RunError, match=r"a batch, 100 images, cannot be divided into 3 equal parts \(accumulate: 3\)"):
        train(source, "small", few, replace(quick, batch_size=300, accumulate=3), tmp_path / "run", quiet=True)
    with pytest.raises(RunError, match=r"a part of a step is one image; use a batch of 50 images or more"):
        narrow = source.replace("x.mean((2, 3))", "self.bn2(x.mean((2, 3), keepdim=True)).flatten(1)").replace(
            "self.fc =", "self.bn2 = nn.BatchNorm2d(64)\n        self.fc ="
        )
        train(narrow, "small", few, replace(quick, accumulate=25), tmp_path / "run", quiet=True)
    with pytest.raises(RunError, match=r"precision=float16: .* `optimizer` lamb does not support that"):
        recipe_file.load("digits", ["optimizer=lamb", "precision=float16"])


@pytest.mark.slow
def test_digits_are_learnt_in_bfloat16_as_in_float32(digits: Data, tmp_path: Path, source: str) -> None:
    results = []
    for precision in ("float32", "bfloat16"):
        recipe = recipe_file.load("digits", ["epochs=10", f"precision={precision}"])
        results.append(train(source, "digits", digits, recipe, tmp_path / precision, quiet=True).top1)
    assert min(results) >= 98.0
