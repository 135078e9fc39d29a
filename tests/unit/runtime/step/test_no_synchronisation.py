"""No step of any recipe waits for the device: it runs on tensors that have no values, of which none can be asked for.

FakeTensorMode raises at `.item()`, `bool`, `float`, `.numpy()`, `x[mask]` and shapes that depend on data; the device
`meta` at `.cpu()`. The step runs under both.
"""

import ast
import inspect
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from torch import Tensor
from torch._ops import OpOverload
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from resnetc.runtime.augmentation.batch_transform import build_batch_transform
from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.input_pipeline.image_batches import MemoryBatches, PhotographBatches
from resnetc.runtime.input_pipeline.sampling import RepeatedLabels, may_repeat
from resnetc.runtime.model import loader
from resnetc.runtime.model.activation_checkpointing import checkpoint_blocks
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.optim import optimizer as optimizers
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.step.device_numbers import DeviceMoment, put_rates_on_device
from resnetc.runtime.step.epoch_losses import EpochLosses
from resnetc.runtime.step.moment import Moment
from resnetc.runtime.step.precision import build_scaler, choose_dtype
from resnetc.runtime.step.training_step import BatchTransform
from resnetc.runtime.training.loss import build_criterion
from resnetc.runtime.training.step_of_recipe import build_step

RUNTIME = Path(__file__).parents[4] / "runtime"
AXES = {"signal": 1, "volume": 3}
OTHERS = ("cifar10", "cifar10-110", "cifar100", "digits", "fashion-mnist", "npz", "signal", "volume")  # in memory
TINY = """
import torch
from torch import nn
INPUT_SHAPE = (1, 8, 8)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.layer1, self.fc = nn.Sequential(nn.Conv2d(4, 4, 1, groups=2)), nn.Linear(4, 10)
    def forward(self, x):
        x = self.layer1(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.dropout(x.mean((2, 3)), 0.1, self.training))
def build():
    return Net()
"""
BATCH = 8


class NoTransfer(TorchDispatchMode):
    """Raises where a tensor is copied between the host and the device, which waits for it."""

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[object, ...] = (), kwargs: dict[str, object] | None = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            devices = {value.device.type for value in (*args, result) if isinstance(value, Tensor)}
            assert len(devices) == 1, func
        return result


def tiny_network(axes: int, channels: int = 1) -> str:
    """The text of a network for inputs of so many axes and channels."""
    places = ", ".join(str(axis) for axis in range(2, 2 + axes))
    text = (
        TINY.replace("Conv2d(1,", f"Conv2d({channels},")
        .replace("Conv2d", f"Conv{axes}d")
        .replace("BatchNorm2d", f"BatchNorm{axes}d")
    )
    return text.replace("x.mean((2, 3))", f"x.mean(({places},))")


def take_steps(
    recipe: Recipe,
    kind: str,
    axes: int = 2,
    photographs: bool = False,
    plant: BatchTransform | None = None,
) -> None:
    """Two steps of a recipe on tensors without values: fake ones, or those of `meta`."""
    device = torch.device("cpu" if kind == "fake" else "meta")
    recipe, channels = replace(recipe, batch_size=BATCH), 3 if recipe.lighting else 1
    with FakeTensorMode() if kind == "fake" else nullcontext():
        with nullcontext() if kind == "fake" else device:
            model, copied = (loader.build_network(tiny_network(axes, channels), Path("small.py")) for _ in range(2))
        model.train()
        if recipe.activation_checkpointing:
            checkpoint_blocks(model)
        with mock.patch("copy.deepcopy", lambda _: copied):  # no tensor without values can be copied so
            average = ExponentialMovingAverage(model, recipe.ema_decay)
        optimizer = optimizers.build_optimizer(model, recipe, fused=kind == "fake")
        if kind == "fake":  # what is not fused takes numbers alone
            put_rates_on_device(optimizer, device)
        images = torch.zeros(20, channels, *[8] * axes, dtype=torch.uint8, device=device)
        labels = torch.zeros(20, dtype=torch.int64, device=device)
        shape = [8] * axes if recipe.normalise == "pixel" else [1] * axes
        normaliser = Normaliser(torch.zeros(*shape, channels, device=device), torch.ones(channels, device=device))
        data = SimpleNamespace(train_images=images, test_images=images, train_labels=labels, classes=10, name="data")
        batches = MemoryBatches(data, recipe, normaliser, device)
        pixels = torch.zeros(0, dtype=torch.uint8, device=device)
        if photographs:
            batches = PhotographBatches(None, recipe, normaliser, device)
            pixels = torch.zeros(BATCH, *[8] * axes, channels, dtype=torch.uint8, device=device)
        dtype = choose_dtype(recipe.precision, device)
        state = SimpleNamespace(losses=EpochLosses(4, device), dtype=dtype, scaler=build_scaler(dtype, device))
        record = SimpleNamespace(range=(0.0, 255.0), classes=tuple("abcdefghij"))
        transform = plant or build_batch_transform(recipe, record, normaliser)
        criterion = build_criterion(recipe, data, device)
        group = Group(0, 1, device)
        repeated_labels = RepeatedLabels(labels) if may_repeat(recipe) else labels
        step = build_step(
            model,
            optimizer,
            average=average,
            images=batches,
            transform=transform,
            labels=repeated_labels,
            criterion=criterion,
            state=state,
            group=group,
            recipe=recipe,
        )
        index, numbers = torch.zeros(BATCH, dtype=torch.int64, device=device), DeviceMoment(device)
        for number in (1, 2):
            optimizers.set_learning_rate(optimizer, 0.1 / number)
            with nullcontext() if kind == "fake" else NoTransfer():
                step(numbers.set(Moment(0, number, 0)), index, pixels)


@pytest.mark.parametrize("kind", ["fake", "meta"])
@pytest.mark.parametrize("name", recipe_file.list_shipped())
def test_no_step_of_a_shipped_recipe_waits_for_the_device(name: str, kind: str) -> None:
    recipe = recipe_file.load(name)
    take_steps(recipe, kind, AXES.get(name, 2), photographs=name not in OTHERS)


EVERYTHING = {"ema_decay": 0.9, "max_grad_norm": 1.0, "horizontal_flip": True, "random_crop_padding": 2}
CHANGES = {
    "everything": {},
    "bfloat16": {"precision": "bfloat16"},
    "float16": {"precision": "float16"},
    "float16, unclipped": {"precision": "float16", "max_grad_norm": 0.0, "optimizer": "adamw"},
    "in parts": {"accumulate": 4},
    "adamw": {"optimizer": "adamw"},
    "lamb": {"optimizer": "lamb"},
    "muon": {"optimizer": "muon"},
    "mixed": {"mixup": 0.2, "cutmix": 1.0, "loss": "bce", "random_erasing": 0.5, "label_smoothing": 0.1},
    "mixed alone": {"mixup": 0.2, "label_smoothing": 0.1, "accumulate": 2},
    "coloured": {"color_jitter": 0.4},
    "lit": {"color_jitter": 0.4, "lighting": 0.1},
    "checkpointed": {"activation_checkpointing": True},
    "repeated": {"aug_repeats": 3, "mixup": 0.2},
    "balanced": {"sampling": "balanced"},
    "noise": {"noise": 0.1, "normalise": "pixel"},
}


@pytest.mark.parametrize("kind", ["fake", "meta"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_no_feature_of_a_step_waits_for_the_device(change: dict[str, object], kind: str) -> None:
    if kind == "meta" and "precision" in change:
        pytest.skip("autocast does not know the device")
    take_steps(replace(Recipe(), **(EVERYTHING | change)), kind)


def ask_item(images: Tensor, targets: Tensor) -> None:
    targets.sum().item()


def ask_cpu(images: Tensor, targets: Tensor) -> None:
    images.cpu()


def ask_numpy(images: Tensor, targets: Tensor) -> None:
    images.detach().numpy()


def ask_mask(images: Tensor, targets: Tensor) -> None:
    images[targets > 1]


def ask_float(images: Tensor, targets: Tensor) -> None:
    float(images.mean())


def ask_bool(images: Tensor, targets: Tensor) -> None:
    assert images.mean() == 0


def send_number(images: Tensor, targets: Tensor) -> None:
    images + torch.ones(2).sum().to(images.device)


def ask_list(images: Tensor, targets: Tensor) -> None:
    targets.tolist()


@pytest.mark.parametrize("ask", [ask_item, ask_cpu, ask_numpy, ask_mask, ask_float, ask_bool, ask_list, send_number])
def test_a_step_that_waits_for_the_device_is_seen(ask: Callable[[Tensor, Tensor], None]) -> None:
    def plant(images: Tensor, targets: Tensor, epoch: int | Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        ask(images, targets)
        return images, targets

    raised = []
    for kind in ("fake", "meta"):
        try:
            take_steps(Recipe(), kind, plant=plant)
        except Exception as fault:  # torch has many ways to say it
            raised.append({frame.name for frame in traceback.extract_tb(fault.__traceback__)})
    assert raised, inspect.getsource(ask)
    assert all(ask.__name__ in names for names in raised)


def is_copy(node: ast.AST) -> bool:
    """Whether it copies numbers of the host to the device."""
    copies = ("torch.tensor", "torch.as_tensor", "torch.from_numpy")
    return isinstance(node, ast.Call) and ast.unparse(node.func) in copies


def works_on_the_host(path: Path) -> bool:
    """Whether it is of the workers that decode photographs, and no part of a step."""
    text = path.read_text()
    return "import numpy" in text or "from PIL import" in text


def test_nothing_in_a_step_is_copied_from_the_host() -> None:
    folders = [RUNTIME / "step", RUNTIME / "augmentation", RUNTIME / "optim"]
    files = [path for folder in folders for path in folder.glob("*.py") if not works_on_the_host(path)]
    files += [RUNTIME / f"{name}.py" for name in ("counter_rng", "training/loss", "model/ema")]
    assert len(files) > 15
    before_the_run = ("__init__", "from_record")  # constants, once
    wrong = []
    for path in files:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and function.name not in before_the_run:
                wrong += [f"{path}:{node.lineno}" for node in ast.walk(function) if is_copy(node)]
    assert wrong == []
    assert is_copy(ast.parse("torch.tensor(3.0)", mode="eval").body)
