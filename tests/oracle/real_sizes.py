"""The sizes at which the module of a network really runs: an oracle that knows nothing of the compiler's arithmetic.

A module is run twice on the `meta` device, at two sizes that it takes, and every call on a map is noted: of a module
without children (`nn.Conv2d`, a pool, a class with weights), or of a function between modules. The two records must be
equal, so that no argument was computed from a size. Any other size is then answered call by call, each distinct
(operation, sizes) asked of torch once for all networks. Stricter than torch: both operands of a `+` have equal shapes,
only a factor that has one position at either size is spread by `*`, and no map is empty.

On `meta` torch skips some checks of the CPU, so what a window does is also asked of the CPU, with one channel.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.ir.network import Network

SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__", "sub", "maximum"}
PRODUCTS = {"mul", "mul_", "__mul__", "__rmul__", "__imul__"}
BATCH = 2  # a group norm of one channel a group refuses a single image of 1x1, whatever its mode
REFUSALS = (RuntimeError, ValueError, IndexError)
LOOKING = {"__get__", "dim", "size"}  # at a map, such as `x.shape`, without making one

Shape = tuple[int, ...]


class Refused(Exception):
    """Torch raises, or would broadcast or pass on an empty map without a word."""


@dataclass(frozen=True)
class Ref:
    """The map that an earlier call made: its number among all maps of the run."""

    number: int


@dataclass
class Call:
    """One call of a run: a module without children, or a function, with the maps that it takes and makes."""

    what: Any
    name: str
    signature: Any
    arguments: Any  # with a Ref in place of each map
    takes: tuple[int, ...]
    makes: tuple[int, ...]
    single: tuple[tuple[bool, ...], ...] = ()  # of each map taken, which axes have one position


@dataclass
class Record(TorchFunctionMode):
    """Notes the calls of a module; what happens inside a module without children is that module's call."""

    image: Tensor
    calls: list[Call] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    stages: list[int] = field(default_factory=list)  # the maps that they end with
    inside: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.alive = [self.image]  # an id is one map's as long as the map lives
        self.numbers = {id(self.image): 0}
        self.shapes.append(tuple(self.image.shape))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", str(func))
        flowing = any(id(t) in self.numbers for t in tensors((args, kwargs)))
        if not self.inside and flowing and name not in LOOKING:
            self.note(func, name, f"{getattr(func, '__module__', '')}.{name}", (args, kwargs or {}), out)
        return out

    def note(self, what: Any, name: str, identity: Any, given: Any, out: Any) -> None:
        arguments, takes = (
            self.referred(given),
            tuple(self.numbers[id(t)] for t in tensors(given) if id(t) in self.numbers),
        )
        makes = []
        for made in tensors(out):
            if id(made) not in self.numbers:
                self.numbers[id(made)] = len(self.shapes)
                self.shapes.append(tuple(made.shape))
                self.alive.append(made)
            makes.append(self.numbers[id(made)])
        order = {number: i for i, number in enumerate(dict.fromkeys(takes))}
        signature = (identity, repr(self.referred(given, order)))
        self.calls.append(Call(what, name, signature, arguments, tuple(order), tuple(makes)))

    def referred(self, value: Any, order: dict[int, int] | None = None) -> Any:
        """The arguments with numbers for maps: of the run, or in the order in which the call takes them."""
        match value:
            case Tensor() if id(value) in self.numbers:
                number = self.numbers[id(value)]
                return Ref(number if order is None else order[number])
            case Tensor():
                return Weight(tuple(value.shape)) if order is not None else value
            case tuple() | list():
                return type(value)([self.referred(item, order) for item in value])
            case dict():
                return {name: self.referred(item, order) for name, item in value.items()}
        return value

    def staged(self, module: nn.Module, given: Any, out: Tensor) -> None:
        self.stages.append(self.numbers[id(out)])

    def entering(self, module: nn.Module, given: Any) -> None:
        self.inside += 1

    def leaving(self, module: nn.Module, given: Any, out: Any) -> None:
        self.inside -= 1
        self.note(module, type(module).__name__, identity(module), (given, {}), out)


@dataclass(frozen=True)
class Weight:
    """A tensor that does not come from the input."""

    shape: Shape


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is one call: torch's own and those with weights; of others each function is noted."""
    own = type(module).__module__.startswith("torch.nn")
    state = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return not list(module.children()) and (own or bool(state))


def identity(module: nn.Module) -> Any:
    """Equal for modules that do the same to shapes."""
    code = type(module).forward.__code__
    own = {k: repr(v) for k, v in sorted(vars(module).items()) if not k.startswith("_") and k != "training"}
    state = [(k, tuple(v.shape)) for k, v in [*module.named_parameters(), *module.named_buffers()]]
    return (type(module).__name__, code.co_code, repr(code.co_consts), code.co_names, repr(own), repr(state))


def tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))


@torch.no_grad()
def recorded(module: nn.Module, shape: Shape, stages: tuple[str, ...]) -> Record:
    """The calls of a module on `meta` for an image of one shape."""
    record = Record(torch.empty(shape, device="meta"))
    hooks = [module.get_submodule(path).register_forward_hook(record.staged) for path in stages]
    for leaf in module.modules():
        if is_leaf(leaf):
            hooks += [leaf.register_forward_pre_hook(record.entering), leaf.register_forward_hook(record.leaving)]
    try:
        with record:
            module(record.image)
    finally:
        for hook in hooks:
            hook.remove()
    return record


def stage_modules(network: Network) -> tuple[str, ...]:
    """The path of a module with the output of each stage: the stage's own, or its last block where it has none."""
    return tuple(".".join(map(str, network.root.steps[stage.step].stores[-1][0])) for stage in network.stages)


class Torch:
    """What torch makes of shapes, each distinct question asked once."""

    def __init__(self) -> None:
        self.known: dict[Any, tuple[Shape, ...] | None] = {}
        self.windows: dict[Any, Shape | None] = {}
        self.signatures: dict[Any, int] = {}
        self.broadcasts = 0

    def number(self, call: Call) -> int:
        return self.signatures.setdefault((call.signature, call.single), len(self.signatures))

    def answer(self, number: int, call: Call, taken: tuple[Shape, ...]) -> tuple[Shape, ...] | None:
        """The shapes that a call makes; None where it is refused."""
        key = (number, taken)
        if key not in self.known:
            try:
                self.known[key] = self.ask(call, taken)
            except Refused:
                self.known[key] = None
        return self.known[key]

    @torch.no_grad()
    def ask(self, call: Call, taken: tuple[Shape, ...]) -> tuple[Shape, ...]:
        if call.name in SUMS | PRODUCTS and len(taken) == 2:
            self.compare(call, *taken)
        maps = {number: torch.empty(shape, device="meta") for number, shape in zip(call.takes, taken, strict=True)}
        args, kwargs = replaced(call.arguments, maps)
        try:
            made = call.what(*args, **kwargs)
        except REFUSALS as error:
            raise Refused from error
        out = tuple(tuple(t.shape) for t in tensors(made))
        if any(0 in shape for shape in out):
            raise Refused("an empty map")
        if isinstance(call.what, nn.Module) and (cut := one_channel(call.what)) is not None:
            self.check(cut, taken[0], out[0])
        return out

    def compare(self, call: Call, one: Shape, other: Shape) -> None:
        if len(one) != len(other):
            raise Refused("maps of different ranks")
        for i, (m, n) in enumerate(zip(one, other, strict=True)):
            gate = call.name in PRODUCTS and 1 in (m, n) and (i == 1 or call.single[m != 1][i])
            if m != n and not gate:
                self.broadcasts += 1 in (m, n)
                raise Refused("operands of different sizes")

    def check(self, cut: nn.Module, taken: Shape, made: Shape) -> None:
        """The window on the CPU."""
        key = (identity(cut), taken[2:])
        if key not in self.windows:
            try:
                self.windows[key] = tuple(cut(torch.ones(1, 1, *taken[2:])).shape[2:])
            except REFUSALS:
                self.windows[key] = None
        if self.windows[key] != made[2:]:
            raise AssertionError(f"{cut} makes {made[2:]} of {taken[2:]} on meta, and {self.windows[key]} on the CPU")


def replaced(value: Any, maps: dict[int, Tensor]) -> Any:
    match value:
        case Ref(number):
            return maps[number]
        case tuple() | list():
            return type(value)([replaced(item, maps) for item in value])
        case dict():
            return {name: replaced(item, maps) for name, item in value.items()}
    return value


def one_channel(module: nn.Module) -> nn.Module | None:
    """The same window on the CPU, with one channel; None of what has no window."""
    if isinstance(module, (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd)):
        return module
    held = "weight" if isinstance(module, nn.modules.conv._ConvNd) else "filter"
    if held == "filter" and not hasattr(module, "filter"):
        return None
    cut = copy.copy(module)
    cut._parameters, cut._buffers = dict(cut._parameters), dict(cut._buffers)
    kernel = getattr(module, held).shape[2:]
    if isinstance(module, nn.modules.conv._ConvNd):
        plain = getattr(nn, f"Conv{len(kernel)}d")
        return plain(1, 1, module.kernel_size, module.stride, module.padding, module.dilation)
    cut.register_buffer("filter", torch.ones(1, 1, *kernel), persistent=False)
    cut.channels = 1
    return cut


class Real:
    """A module, and what its two runs have in common."""

    def __init__(self, module: nn.Module, channels: int, declared: Shape, torch_: Torch, stages: tuple[str, ...] = ()):
        """Records the module at its declared sizes and at those 32 larger; `stages` are paths of submodules."""
        self.torch, self.channels = torch_, channels
        one = recorded(module.eval(), (BATCH, channels, *declared), stages)
        other = recorded(module, (BATCH, channels, *(n + 32 for n in declared)), stages)
        assert [c.signature for c in one.calls] == [c.signature for c in other.calls], "an argument depends on a size"
        assert [(c.takes, c.makes) for c in one.calls] == [(c.takes, c.makes) for c in other.calls]
        single = [
            tuple(m == n == 1 for m, n in zip(*pair, strict=True))
            for pair in zip(one.shapes, other.shapes, strict=True)
        ]
        self.maps, self.stages = len(one.shapes), one.stages
        self.calls = []
        for call in one.calls:
            call.single = tuple(single[i] for i in call.takes) if call.name in SUMS | PRODUCTS else ()
            self.calls.append((torch_.number(call), call))

    def run(self, sizes: Shape) -> tuple[Shape, ...] | None:
        """The shapes of the stages and of the output, without the batch; None where the module must not run."""
        shapes: list[Any] = [None] * self.maps
        shapes[0] = (BATCH, self.channels, *sizes)
        made: tuple[Shape, ...] | None = ()
        for number, call in self.calls:
            made = self.torch.answer(number, call, tuple([shapes[i] for i in call.takes]))
            if made is None:
                return None
            for i, shape in zip(call.makes, made, strict=True):
                shapes[i] = shape
        assert made
        return (*(shapes[i][1:] for i in self.stages), made[-1][1:])


def disagreements(checked: CheckedNetwork, real: Real, sweeps: Iterable[Shape]) -> list[str]:
    """Where the compiler and the module differ: whether sizes are accepted, and the shapes of the stages there."""
    found = []
    for sizes in sweeps:
        accepted = all(n in axis for n, axis in zip(sizes, checked.accepted.axes, strict=True))
        shapes = real.run(sizes)
        if accepted != (shapes is not None):
            found.append(f"{sizes} is {'accepted' if accepted else 'refused'}, and the module says otherwise")
        elif shapes is not None:
            said = (
                *(stage.compute_shape(sizes) for stage in checked.measures.stages),
                checked.measures.compute_output(sizes),
            )
            if said != shapes:
                found.append(f"at {sizes} the stages and the output are {said}, and the module's {shapes}")
    return found


def sweeps(declared: Shape, upto: int) -> Iterator[Shape]:
    """Height and width alike (or the one axis), the rest as declared; then each axis before these, from 1 on."""
    yield from ((*declared[:-2], *(n for _ in declared[-2:])) for n in range(1, upto + 1))
    for axis in range(len(declared) - 2):
        yield from ((*declared[:axis], n, *declared[axis + 1 :]) for n in range(1, upto + 1))
