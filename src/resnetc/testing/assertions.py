"""Assertions that compare a compiled network with the real module, run by torch."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from resnetc.api import Compiled
from resnetc.compiler.expansion.request import Origin
from resnetc.compiler.ir.network import Network
from resnetc.compiler.measures.summary import Key, list_state_dict_keys
from resnetc.compiler.proof.accepted_sizes import Accepted
from resnetc.compiler.proof.minimum_batch import find_minimum_batches
from resnetc.testing.arguments import call_of, compiled_network, images, several_sizes
from resnetc.testing.buffers import assert_buffers_agree
from resnetc.testing.calls import assert_calls_agree
from resnetc.testing.inputs import Sizes
from resnetc.testing.replay import hold, replayable
from resnetc.testing.state_dict_names import USERS_OWN, read_keys
from resnetc.testing.torch_measurements import Measured, stride_along
from resnetc.testing.torch_module import module_of, modules_of, place, run, run_enough, too_few
from resnetc.testing.trial import Trial, origin_of, parts
from resnetc.testing.user_modules import is_inside, user_paths
from resnetc.testing.values import (
    assert_activations_agree,
    assert_images_independent,
    assert_layouts_agree,
    assert_outputs_agree,
)


@replayable
def assert_shapes_agree(compiled: Compiled | Trial, sizes: Sizes, batch: int = 2, device: str = "cpu") -> bool:
    """Check one size: it is accepted exactly when the module runs at it without broadcasting one map onto another.

    If it runs, the output and every stage must have the predicted shapes. A single image must be refused by a norm
    exactly where that is predicted, and is then tried with another one. Returns whether the size is accepted.
    """
    network, accepted, measures, source = parts(compiled)
    predicted = all(n in axis for n, axis in zip(sizes, accepted.axes, strict=True))
    real = run_enough(source, network, sizes, batch, device)
    where = place(network, sizes)
    if predicted and batch == 1:
        alone = any(norm.is_satisfied(sizes) for norm in find_minimum_batches(network, accepted))
        few = too_few(run(source, network, sizes, 1, device))
        few = few and (alone or not user_paths(network.root))  # such a class may need more than one value
        hold(few == alone, f"{where}: a single image: torch {'refuses' if few else 'takes'} it, the compiler does not")
    if not predicted and real.refusal is None and refused_by_extern(network, accepted, sizes):
        return False  # a class of the user's own may run at sizes that its declaration does not take
    hold(
        predicted == (real.refusal is None),
        f"{where}: {'accepted' if predicted else 'refused'} by the compiler, "
        f"and the module {'runs' if real.refusal is None else 'does not: ' + real.refusal}",
    )
    if predicted:
        stages = tuple(stage.compute_shape(sizes) for stage in measures.stages)
        hold(real.stages == stages, f"{where}: stages of {real.stages}, predicted {stages}")
        output = dict(zip((s.name for s in network.stages), stages, strict=True)) if network.features else None
        wanted = output or measures.compute_output(sizes)
        hold(real.output == wanted, f"{where}: output {real.output}, predicted {wanted}")
    return predicted


def assert_network_agrees(
    compiled: Compiled | Trial, sizes: Iterable[Sizes], batch: int = 2, values: bool = True
) -> int:
    """Check one network in every way: its state, the shapes at each of the sizes, strides, and values at the first
    accepted size.

    The values are the calls of each module, the multiply-adds, what autograd keeps, the effect of a training step on
    the buffers, and the outputs: they must equal those of the operations run one by one, whatever else is in the
    batch, and in either memory layout. `values=False` saves the time for these and for the strides. Returns the number
    of accepted sizes.
    """
    with call_of("assert_network_agrees"):
        sizes = several_sizes(compiled_network(compiled), sizes)
        images(batch)
    assert_state_agrees(compiled)
    accepted = [size for size in sizes if assert_shapes_agree(compiled, size, batch)]
    if accepted:
        assert_calls_agree(compiled, accepted[0])
    if accepted and values:
        assert_strides_agree(compiled)
        assert_multiply_adds_agree(compiled, accepted[0])
        if not parts(compiled)[2].uncounted.activation_bytes:
            assert_activations_agree(compiled, accepted[0])
        assert_buffers_agree(compiled, accepted[0])
        assert_images_independent(compiled, accepted[0])
        assert_layouts_agree(compiled, accepted[0])
        assert_outputs_agree(compiled, accepted[0])
    return len(accepted)


@replayable
def assert_strides_agree(compiled: Compiled | Trial) -> None:
    """Along each open axis, an input larger by k times a stage's stride must give a map larger by k."""
    network, _, measures, _ = parts(compiled)
    for stage, measured_strides in zip(measures.stages, Measured(*parts(compiled)).strides, strict=True):
        for axis, stride in enumerate(measured_strides):
            predicted = stride_along(stage.stride, axis)
            hold(
                stride in (None, predicted),
                f"{network.name}: `{stage.name}` has stride {stride} along axis {axis + 1}, predicted {predicted}",
            )


@replayable
def assert_state_agrees(compiled: Compiled | Trial, device: str = "cpu") -> None:
    """The state dict must have the predicted keys, order, shapes and totals, and load a copy of itself with
    `strict=True`.

    Totals are those of the network and the parameters of each stage; the keys must also be those that `read_keys`
    derives.
    """
    network, _, measures, source = parts(compiled)
    module = module_of(source, device)
    state = module.state_dict()
    own = user_paths(network.root)
    keys = [(key, tuple(value.shape)) for key, value in state.items() if not is_inside(key, own)]
    predicted = list_state_dict_keys(network)
    if keys != predicted:
        raise AssertionError(f"{network.name}: {first_difference(keys, predicted)}")
    for number, (key, name) in enumerate(zip_longest(*named_keys(state, own, origin_of(compiled), network)), 1):
        hold(
            key == name,
            f"{network.name}: entry {number} of the state dict is {quoted(key)}, by the naming rules {quoted(name)}",
        )
    parameters = sum(p.numel() for p in module.parameters())
    if own:
        module.load_state_dict({key: value.clone() for key, value in state.items()}, strict=True)
        return  # its sums are as its classes are: what these claim is held against them one by one
    hold(parameters == measures.parameters, f"{network.name}: {parameters} parameters, not {measures.parameters}")
    for stage, part in zip(network.stages, measures.stages, strict=True):
        inside = sum(p.numel() for block in modules_of(stage, network, module) for p in block.parameters())
        hold(inside == part.parameters, f"{network.name}: {inside} parameters in `{stage.name}`, not {part.parameters}")
    names = {name for name, _ in module.named_parameters()}
    buffers = sum(value.numel() for key, value in state.items() if key not in names)
    hold(buffers == measures.buffers, f"{network.name}: {buffers} elements in buffers, not {measures.buffers}")
    module.load_state_dict({key: value.clone() for key, value in state.items()}, strict=True)


@replayable
def assert_multiply_adds_agree(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """At an accepted size torch must count the predicted multiply-adds, with and without those of fixed filters."""
    network, _, measures, _ = parts(compiled)
    counted = Measured(*parts(compiled)).multiply_adds(sizes)
    layers, whole = measures.count_multiply_adds(sizes), measures.count_all_multiply_adds(sizes)
    hold(
        (counted.layers, counted.filters) == (layers, whole - layers),
        f"{place(network, sizes)}: torch counts {counted.layers} multiply-adds and"
        f" {counted.filters} of fixed filters, predicted {layers} and {whole - layers}",
    )


def named_keys(
    state: Iterable[str], own: frozenset[str], origin: Origin, network: Network
) -> tuple[list[str], list[str]]:
    """The keys of a state dict, and those by the naming rules; a module of the user's own has one for all of its."""
    keys = list(dict.fromkeys(shorten(key, own) for key in state))
    with_keys = {key.removesuffix(f".{USERS_OWN}") for key in keys}
    names = [
        name for name in read_keys(origin, network) if not name.endswith(f".{USERS_OWN}") or name[:-2] in with_keys
    ]
    return keys, names


def shorten(key: str, own: frozenset[str]) -> str:
    parts = key.split(".")
    path = next((path for end in range(1, len(parts)) if (path := ".".join(parts[:end])) in own), None)
    return key if path is None else f"{path}.{USERS_OWN}"


def refused_by_extern(network: Network, accepted: Accepted, sizes: Sizes) -> bool:
    """Whether a size is refused by what the declaration of an `extern` takes, as far as that is known."""
    return any(
        reason.condition.kind == "within" and size in reason.before and size not in reason.after
        for axis, size in enumerate(sizes)
        for reason in accepted.reasons
        if reason.axis == axis
    )


def quoted(key: str | None) -> str:
    return "none" if key is None else f"`{key}`"


def first_difference(actual: list[Key], predicted: list[Key]) -> str:
    """The first entry of a state dict that is not the predicted one."""
    number, (a, b) = next((i, pair) for i, pair in enumerate(zip_longest(actual, predicted)) if pair[0] != pair[1])
    entries = ["none" if key is None else f"`{key[0]}` {list(key[1])}" for key in (a, b)]
    return f"entry {number + 1} of the state dict is {entries[0]}, predicted {entries[1]}"
