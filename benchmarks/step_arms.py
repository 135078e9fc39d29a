"""Training steps to be compared: ours from `runtime/step`, and the loops that others write, on the same networks.

Imports torch and what the step needs, nothing else of resnetc.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT / "src") not in sys.path:
    sys.path.insert(0, str(ROOT / "src"))  # so that nothing has to be installed

from resnetc.runtime import counter_rng  # noqa: E402
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser  # noqa: E402
from resnetc.runtime.model.ema import ExponentialMovingAverage  # noqa: E402
from resnetc.runtime.step.compilation import Compilation  # noqa: E402
from resnetc.runtime.step.compiled_step import CompiledStep  # noqa: E402
from resnetc.runtime.step.device_numbers import put_rates_on_device  # noqa: E402
from resnetc.runtime.step.epoch_losses import EpochLosses  # noqa: E402
from resnetc.runtime.step.graphs import CudaRecorder, GraphedStep, Step  # noqa: E402
from resnetc.runtime.step.moment import Moment  # noqa: E402
from resnetc.runtime.step.training_step import TrainingStep  # noqa: E402

MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4
LOG_EVERY = 50  # steps between two looks at the loss


def build_network(name: str, device: torch.device, *, channels_last: bool) -> nn.Module:
    """The network of a committed module, such as `cifar/cifar_depth20`, from the same seed every time."""
    path = ROOT / "generated" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"generated_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    model: nn.Module = module.build().to(device).train()
    return model.to(memory_format=torch.channels_last) if channels_last else model  # type: ignore[call-overload]


def make_images(count: int, size: int, classes: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images uint8 [count, 3, size, size] that can be learnt: brighter in a place that depends on the class; labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    images = torch.randint(0, 128, (count, 3, size, size), generator=generator, dtype=torch.uint8)
    tile = max(size // 8, 1)
    for label in range(min(classes, 64)):
        row, column = (label // 8) * tile, (label % 8) * tile
        images[label::classes, label % 3, row : row + tile, column : column + tile] += 100
    return images.to(device), labels.to(device)


class OurStep:
    """The runtime's step, with its recipe's choices as arguments; every call trains on the next batch.

    fixed: a batch that is ready (normalised, on the device), for the rate of the kernels alone; otherwise every batch
    is gathered from bytes, cropped, mirrored and normalised in the step.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        labels: Tensor,
        batch: int,
        *,
        dtype: torch.dtype,
        compile_mode: str = "off",
        graphs: bool = False,
        fixed: Tensor | None = None,
        ema_decay: float = 0.0,
        total_steps: int = 1 << 30,
        learning_rate: float = 0.1,
    ) -> None:
        self.device, self.batch, self.images, self.labels = images.device, batch, images, labels
        self.notes: list[str] = []
        self.total_steps, self.learning_rate = total_steps, learning_rate
        decayed = [p for p in model.parameters() if p.ndim > 1]
        others = [p for p in model.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
        is_cuda = self.device.type == "cuda"
        self.optimizer = torch.optim.SGD(groups, lr=learning_rate, momentum=MOMENTUM, nesterov=True, fused=True)
        normaliser = Normaliser(
            torch.full((1, 1, 3), 64.0, device=self.device), torch.full((3,), 1 / 40, device=self.device)
        )
        keys = SimpleNamespace(seed=0, random_crop_padding=4, horizontal_flip=True, noise=0.0)
        augment = Augmenter(images, keys, normaliser) if fixed is None else None
        self.losses = EpochLosses(10, self.device)

        def prepare(epoch: int | Tensor, index: Tensor, pixels: Tensor) -> Tensor:
            if augment is not None:
                return augment(epoch, index)
            assert fixed is not None
            return fixed

        step = TrainingStep(
            model,
            self.optimizer,
            labels=labels,
            prepare=prepare,
            transform=None,
            criterion=nn.CrossEntropyLoss(),
            average=ExponentialMovingAverage(model, ema_decay),
            losses=self.losses,
            dtype=dtype,
        )
        self.step: Step = step
        self.compilation = Compilation(model, compile_mode)
        if self.compilation.is_on:
            self.step = CompiledStep(step, self.compilation, self.notes.append)
        if is_cuda:
            put_rates_on_device(self.optimizer, self.device)
            recorder = CudaRecorder(self.device) if graphs else None
            self.step = GraphedStep(self.step, self.device, recorder, self.notes.append)
        self.nothing = torch.empty(0, dtype=torch.uint8, device=self.device)
        self.steps_per_epoch = max(len(labels) // batch, 1)
        self.count, self.order = 0, torch.empty(0)

    def __call__(self) -> None:
        """One step, with the host's part of it: the order of an epoch, the schedule, where the run stands."""
        epoch, place = divmod(self.count, self.steps_per_epoch)
        if place == 0:
            self.order = counter_rng.permutation(0, epoch, len(self.labels), self.device)
        share = self.count / self.total_steps
        rate = self.learning_rate * (1.0 if share < 0.5 else 0.1 if share < 0.75 else 0.01)
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self.count += 1
        index = self.order[place * self.batch : (place + 1) * self.batch]
        part = place * 10 // self.steps_per_epoch
        self.step(Moment(epoch, self.count, part), index, self.nothing)

    def read_loss(self) -> float:
        """The sum of the losses since the last time; waits for the device."""
        total = float(self.losses.total)
        self.losses.start_epoch()
        return total


def torchvision_step(model: nn.Module, batch: Tensor, labels: Tensor) -> Callable[[], None]:
    """A step of torchvision's reference script with --amp: float16 and its scaler, memory in torch's default order, the
    loss and both accuracies read after every step. The batch is ready on the device."""
    device = batch.device
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    criterion = nn.CrossEntropyLoss()
    is_cuda = device.type == "cuda"
    scaler = torch.amp.GradScaler(device.type, enabled=is_cuda)
    seen: list[float] = [0.0]

    def step() -> None:
        with torch.autocast(device.type, torch.float16, enabled=is_cuda):
            output = model(batch)
            loss = criterion(output, labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        with torch.inference_mode():
            _, best = output.topk(5, 1, True, True)
            hits = best.t().eq(labels[None])
            accuracies = [hits[:count].flatten().sum(dtype=torch.float32) * (100.0 / len(labels)) for count in (1, 5)]
        seen[0] += loss.item() + accuracies[0].item() + accuracies[1].item()

    return step


def timm_step(
    model: nn.Module, batch: Tensor, labels: Tensor, dtype: torch.dtype, compile_mode: str | None
) -> Callable[[], None]:
    """A step of timm's train.py at its best switches: --channels-last --amp --amp-dtype bfloat16, and --torchcompile
    where a mode is given; the loss is read every 50 steps. The batch is ready on the device."""
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY, foreach=True
    )
    criterion = nn.CrossEntropyLoss()
    run = model if compile_mode is None else torch.compile(model, mode=compile_mode)
    count, seen = [0], [0.0]

    def step() -> None:
        with torch.autocast(batch.device.type, dtype, enabled=dtype != torch.float32):
            loss = criterion(run(batch), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        count[0] += 1
        if count[0] % LOG_EVERY == 0:
            seen[0] += loss.item()

    return step


def plain_step(model: nn.Module, batch: Tensor, labels: Tensor) -> Callable[[], None]:
    """The step that most people write first: float32, torch's default order, SGD as torch builds it, the loss read
    after every step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY)
    criterion, seen = nn.CrossEntropyLoss(), [0.0]

    def step() -> None:
        optimizer.zero_grad()
        loss = criterion(model(batch), labels)
        loss.backward()
        optimizer.step()
        seen[0] += loss.item()

    return step
