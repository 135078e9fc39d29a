"""Assertions that hold a compiled network against the real module that torch runs."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.utils.flop_counter import FlopCounterMode

from resnetc.api import Compiled
from resnetc.compiler.ir import Network
from resnetc.compiler.measure import Measures, state_dict_keys
from resnetc.compiler.prove import Accepted
from resnetc.testing.networks import Trial
from resnetc.testing.real import image, module_of, run

Sizes = tuple[int, ...]


def parts(compiled: Compiled | Trial) -> tuple[Network, Accepted, Measures, str]:
    made = compiled.checked if isinstance(compiled, Compiled) else compiled
    return compiled.network, made.accepted, made.measures, compiled.source


def assert_shapes_agree(compiled: Compiled | Trial, sizes: Sizes, batch: int = 2) -> bool:
    """One size, both ways: it is accepted exactly when the module runs at it without broadcasting one map onto another.

    Where it runs, the shapes of the output and of every stage are those predicted. Returns whether it is accepted.
    """
    network, accepted, measures, source = parts(compiled)
    predicted = all(n in axis for n, axis in zip(sizes, accepted.axes, strict=True))
    real = run(source, network, sizes, batch)
    where = f"{network.name} at {'x'.join(map(str, sizes))}"
    assert predicted == (real.refusal is None), (
        f"{where}: {'accepted' if predicted else 'refused'} by the compiler, "
        f"and the module {'runs' if real.refusal is None else 'does not: ' + real.refusal}"
    )
    if predicted:
        stages = tuple(stage.shape(sizes) for stage in measures.stages)
        assert real.stages == stages, f"{where}: stages of {real.stages}, predicted {stages}"
        output = dict(zip((s.name for s in network.stages), stages, strict=True)) if network.features else None
        wanted = output or measures.output(sizes)
        assert real.output == wanted, f"{where}: output {real.output}, predicted {wanted}"
    return predicted


def assert_network_agrees(compiled: Compiled | Trial, sizes: Iterable[Sizes]) -> int:
    """All of this module for one network: its state, each of the sizes, and the rest at the first accepted one.

    Returns how many of the sizes are accepted.
    """
    assert_state_agrees(compiled)
    accepted = [size for size in sizes if assert_shapes_agree(compiled, size)]
    if accepted:
        assert_multiply_adds_agree(compiled, accepted[0])
        assert_images_independent(compiled, accepted[0])
    return len(accepted)


def assert_state_agrees(compiled: Compiled | Trial) -> None:
    """The state dict has the predicted keys in the predicted order, shapes and sums; its own copy loads strictly."""
    network, _, measures, source = parts(compiled)
    module = module_of(source)
    state = module.state_dict()
    keys = [(key, tuple(value.shape)) for key, value in state.items()]
    assert keys == state_dict_keys(network), f"{network.name}: keys {keys}, predicted {state_dict_keys(network)}"
    parameters = sum(p.numel() for p in module.parameters())
    assert parameters == measures.parameters, f"{network.name}: {parameters} parameters, not {measures.parameters}"
    names = {name for name, _ in module.named_parameters()}
    buffers = sum(value.numel() for key, value in state.items() if key not in names)
    assert buffers == measures.buffers, f"{network.name}: {buffers} elements in buffers, not {measures.buffers}"
    module.load_state_dict({key: value.clone() for key, value in state.items()}, strict=True)


def assert_multiply_adds_agree(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """At an accepted size torch counts the predicted multiply-adds."""
    network, _, measures, source = parts(compiled)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module_of(source)(image(network, sizes, batch=2))
    counted, predicted = counter.get_total_flops(), 4 * measures.multiply_adds_all(sizes)
    assert counted == predicted, (
        f"{network.name} at {sizes}: {counted} operations for two images, predicted {predicted}"
    )


def assert_images_independent(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """In evaluation mode an image has the same output alone, among others, and in another order."""
    network, _, _, source = parts(compiled)
    module, batch = module_of(source).double(), image(network, sizes, 3).double()
    order = [2, 0, 1]
    try:
        with torch.no_grad():
            whole, mixed, pair = (as_list(module(x)) for x in (batch, batch[order], batch[:2]))
    finally:
        module.float()
    for a, b, c in zip(whole, mixed, pair, strict=True):
        torch.testing.assert_close(a[order], b, rtol=1e-9, atol=1e-12, equal_nan=True)
        torch.testing.assert_close(a[:2], c, rtol=1e-9, atol=1e-12, equal_nan=True)


def as_list(out: torch.Tensor | dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return list(out.values()) if isinstance(out, dict) else [out]
