"""The loop against the same training written out naively, with torch's unfused optimizers."""

import copy
import inspect
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.input_pipeline.statistics import describe_preprocessing, measure_statistics
from resnetc.runtime.model import loader
from resnetc.runtime.optim.lr_schedule import compute_learning_rate
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.run.train_state import TrainState
from resnetc.runtime.train import train

CPU = torch.device("cpu")


def naive(source: str, data: Data, recipe: Recipe) -> tuple[dict[str, Tensor], dict[str, Tensor], list[float]]:
    """Final weights, averaged weights and the mean loss of every epoch."""
    torch.manual_seed(recipe.seed)
    model = loader.build_network(source, Path("small.py"), CPU)
    average = copy.deepcopy(model)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    if recipe.optimizer == "sgd":
        optimizer = torch.optim.SGD(groups, lr=1.0, momentum=recipe.momentum, nesterov=recipe.nesterov, foreach=False)
    else:
        optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(recipe.beta1, recipe.beta2), foreach=False)
    augment = Augmenter(data.train_images, recipe, Normaliser(*measure_statistics(data.train_images, recipe.normalise)))
    per_epoch = len(data.train_labels) // recipe.batch_size
    step, losses = 0, []
    for epoch in range(recipe.epochs):
        model.train()
        seen = []
        for index in counter_rng.permutation(recipe.seed, epoch, len(data.train_labels), CPU).split(recipe.batch_size)[
            :per_epoch
        ]:
            for group in optimizer.param_groups:
                group["lr"] = compute_learning_rate(recipe, step, recipe.epochs * per_epoch)
            chances = model(augment(epoch, index)).log_softmax(1)
            right = -chances[torch.arange(len(index)), data.train_labels[index]].mean()
            loss = (1 - recipe.label_smoothing) * right - recipe.label_smoothing * chances.mean()
            optimizer.zero_grad()
            loss.backward()
            norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
            if recipe.max_grad_norm and norm > recipe.max_grad_norm:
                for parameter in model.parameters():
                    parameter.grad *= recipe.max_grad_norm / norm
            optimizer.step()
            step += 1
            seen.append(loss.item())
            decay = min(recipe.ema_decay, (1 + step) / (10 + step))
            for mine, theirs in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
                mine.copy_(decay * mine + (1 - decay) * theirs if mine.is_floating_point() else theirs)
        losses.append(sum(seen) / len(seen))
    return model.state_dict(), average.state_dict(), losses


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"max_grad_norm": 0.5},
        {"label_smoothing": 0.0, "max_grad_norm": 0.0},
        {"optimizer": "adamw", "learning_rate": 1e-3, "max_grad_norm": 0.0, "weight_decay": 0.5},
        {
            "nesterov": False,
            "ema_decay": 0.0,
            "weight_decay": 0.1,
            "schedule": "cosine",
            "warmup": 0.0,
            "random_crop_padding": 0,
        },
    ],
)
def test_the_loop_trains_as_the_naive_one(
    source: str, few: Data, quick: Recipe, tmp_path: Path, change: dict[str, object]
) -> None:
    recipe = replace(quick, **{"epochs": 2, "batch_size": 40, "learning_rate": 0.02, **change})
    train(source, "small", few, recipe, tmp_path / "run", quiet=True)
    tensors, _ = checkpoint.load(tmp_path / "run" / "last.ckpt")
    weights, averaged, losses = naive(source, few, recipe)
    for name, tensor in weights.items():
        torch.testing.assert_close(tensors[f"model/{name}"], tensor, atol=1e-4, rtol=1e-3)
    for name, tensor in averaged.items() if recipe.ema_decay else ():
        torch.testing.assert_close(tensors[f"average/{name}"], tensor, atol=1e-4, rtol=1e-3)
    assert ("average/fc.weight" in tensors) == bool(recipe.ema_decay)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["train_loss"] for line in lines] == pytest.approx(losses, rel=1e-4)


def test_the_loop_is_one_function_that_can_be_read_at_once() -> None:
    assert len(inspect.getsource(train).splitlines()) <= 150


def test_the_best_epoch_is_the_first_with_the_highest_top1_and_then_the_lowest_loss(few: Data) -> None:
    state = TrainState.start("small", "", few, Recipe(), describe_preprocessing(few, Recipe()), 4, CPU)
    judged = [(1, 50.0, 1.0), (2, 40.0, 0.1), (3, 50.0, 1.5), (4, 50.0, 0.9), (5, 50.0, 0.9), (6, 51.0, 3.0)]
    better = [
        epoch for epoch, top1, loss in judged if state.update_best({"epoch": epoch, "top1": top1, "test_loss": loss})
    ]
    assert better == [1, 4, 6]
    assert state.best == {"epoch": 6, "top1": 51.0, "test_loss": 3.0}
