"""Runs the module of a network, and detects what torch silently allows: additions that broadcast one map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network, Stage
from resnetc.runtime.model import user_classes
from resnetc.testing.user_modules import user_paths

DIFFERENCES = {"sub", "sub_", "__sub__", "__rsub__", "__isub__", "rsub"}
SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__"} | DIFFERENCES
PRODUCTS = {"mul", "mul_", "__mul__", "__rmul__", "__imul__"}
REFUSALS = (RuntimeError, ValueError, IndexError)
ONE_VALUE = "Expected more than 1 value per channel"  # torch, of a norm: a matter of how many images there are


@record(eq=True)
class Run:
    """What a module did with an input: the shapes of its output and stages without the batch, or why it refused."""

    refusal: str | None
    output: tuple[int, ...] | dict[str, tuple[int, ...]] = ()
    stages: tuple[tuple[int, ...], ...] = ()


class Watch(TorchFunctionMode):
    """Compares the operands of every `+`, `-` and `*` of maps that come from the input.

    Only a factor may be spread, and only along an axis on which it has one position whatever the input (a gate behind a
    global pool). So each map carries which of its axes are fixed; `spread` tells of the first that torch broadcast.
    """

    def __init__(self, image: Tensor, fixed: tuple[bool, ...]) -> None:
        super().__init__()
        self.maps: dict[int, tuple[Tensor, tuple[bool, ...]]] = {id(image): (image, fixed)}
        self.spread: str | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        flowing = [self.maps[id(t)] for t in tensors((args, kwargs)) if id(t) in self.maps]
        if not flowing:
            return out
        if name in SUMS | PRODUCTS and len(flowing) == 2:
            self.compare(name, *flowing)
        for output in tensors(out):
            if id(output) not in self.maps:
                self.maps[id(output)] = (output, self.fixed(output, flowing, averaged(name, args, kwargs or {})))
        return out

    def fixed(
        self, output: Tensor, flowing: list[tuple[Tensor, tuple[bool, ...]]], means: set[int]
    ) -> tuple[bool, ...]:
        axes = range(output.ndim - 2)
        alike = [fixed for _, fixed in flowing if len(fixed) == output.ndim - 2]
        if not alike:
            return (all(all(fixed) for _, fixed in flowing),) * len(axes)
        return tuple(i + 2 in means or all(fixed[i] for fixed in alike) for i in axes)

    def compare(self, name: str, one: tuple[Tensor, tuple[bool, ...]], other: tuple[Tensor, tuple[bool, ...]]) -> None:
        (a, fixed_a), (b, fixed_b) = one, other
        agree = a.ndim == b.ndim
        for i, (m, n) in enumerate(zip(a.shape, b.shape, strict=False)):
            gate = i == 1 or (i > 1 and (fixed_a if m == 1 else fixed_b)[i - 2])
            agree = agree and (m == n or (name in PRODUCTS and 1 in (m, n) and gate))
        if not agree and self.spread is None:
            sign = "*" if name in PRODUCTS else "-" if name in DIFFERENCES else "+"
            self.spread = f"{list(a.shape)} {sign} {list(b.shape)}"


def averaged(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> set[int]:
    """The axes that a mean, a maximum, a sum or a norm leaves with one position."""
    if name not in ("mean", "amax", "sum", "linalg_vector_norm") or not kwargs.get("keepdim"):
        return set()
    axes = kwargs.get("dim", args[1] if name != "linalg_vector_norm" and len(args) > 1 else ())
    return set(axes) if isinstance(axes, (tuple, list)) else {axes}


def tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))


@lru_cache(maxsize=2)
def module_of(source: str, device: str = "cpu") -> nn.Module:
    """The network of a generated module, in evaluation mode; the same weights every time, none on `meta`."""
    user_classes.import_classes(source, "network.py")
    namespace: dict[str, Any] = {"__name__": "network"}
    exec(compile(source, "network.py", "exec"), namespace)
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(0)
        output: nn.Module = namespace["build"]()
    return output.eval()


def modules_of(stage: Stage, network: Network, module: nn.Module) -> list[nn.Module]:
    """The modules of a stage: its sequence, or its blocks where the stage is no module itself."""
    stores = network.root.steps[stage.step].stores
    return [module.get_submodule(".".join(map(str, path))) for path, _ in stores]


def image(network: Network, sizes: tuple[int, ...], batch: int = 2, device: str = "cpu") -> Tensor:
    """A batch `[batch, channels, *sizes]` of noise, the same every time."""
    shape = (batch, network.input.channels, *sizes)
    if device == "meta":
        return torch.empty(shape, device=device)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@lru_cache(maxsize=512)
@torch.no_grad()
def run(source: str, network: Network, sizes: tuple[int, ...], batch: int = 2, device: str = "cpu") -> Run:
    """Runs the module at one size, under watch; on `meta` torch checks and computes the shapes alone. Kept."""
    module, x = module_of(source, device), image(network, sizes, batch, device)
    watch = Watch(x, tuple(symbol is None for symbol in network.input.symbols))
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [
        modules_of(stage, network, module)[-1].register_forward_hook(noting(shapes, stage.name))
        for stage in network.stages
    ]
    try:
        with watch:
            out = module(x)
    except Exception as error:  # whatever a class of the user's own raises is its way to refuse
        if not isinstance(error, REFUSALS) and not user_paths(network.root):
            raise
        return Run(said(error))
    finally:
        for hook in hooks:
            hook.remove()
    if watch.spread:
        return Run(f"torch broadcasts {watch.spread}")
    output = {k: plain(v) for k, v in out.items()} if isinstance(out, dict) else plain(out)
    return Run(None, output, tuple(shapes[stage.name] for stage in network.stages))


@contextmanager
def running(network: Network, sizes: tuple[int, ...]) -> Iterator[None]:
    """A run of the module at a size at which it has to run: what it raises is raised as a failed assertion."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{place(network, sizes)}: the module does not run: {said(error)}") from error


def place(network: Network, sizes: tuple[int, ...]) -> str:
    """A network at a size, as failures name it."""
    return f"{network.name} at {'x'.join(map(str, sizes))}"


def said(error: Exception) -> str:
    """Why torch refuses, in one line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def run_enough(source: str, network: Network, sizes: tuple[int, ...], batch: int = 2, device: str = "cpu") -> Run:
    """The same, with two images where a norm refuses a single one: what a size is worth is not decided by that."""
    outcome = run(source, network, sizes, batch, device)
    return run(source, network, sizes, 2, device) if too_few(outcome) else outcome


def too_few(outcome: Run) -> bool:
    """Whether a norm refused for one value: a group norm of one channel a group, for one image of one position."""
    return outcome.refusal is not None and outcome.refusal.startswith(ONE_VALUE)


def count_saved_bytes(module: nn.Module, batch: Tensor) -> int:
    """Bytes that autograd keeps between the two passes of one step, each memory once, parameters among them."""
    memory: dict[int, int] = {}
    alive: list[object] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        alive.extend((tensor, storage))  # freed memory would be given out again
        memory[storage._cdata] = (
            storage.nbytes()
        )  # what has no numbers (`meta`) has no address, and is a thing of its own
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        alive.append(module(batch))
    return sum(memory.values())


def noting(shapes: dict[str, tuple[int, ...]], name: str) -> Callable[[nn.Module, Any, Tensor], None]:
    def note(module: nn.Module, arguments: Any, out: Tensor) -> None:
        shapes[name] = plain(out)

    return note


def plain(out: Tensor) -> tuple[int, ...]:
    return tuple(out.shape[1:])
