"""Checks what one training step does to the buffers: each batch norm counts it once and updates its statistics once."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn

from resnetc.api import Compiled
from resnetc.compiler.ir.network import Leaf
from resnetc.testing.inputs import Sizes
from resnetc.testing.reference_interpreter import Reference
from resnetc.testing.replay import hold, replayable
from resnetc.testing.torch_module import image, module_of, place, running, tensors
from resnetc.testing.trial import Trial, parts
from resnetc.testing.user_modules import is_inside, user_paths

Buffers = dict[str, Tensor]


@replayable
def assert_buffers_agree(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """At an accepted size one training step must update each buffer as the network's steps say, each step done once.

    The statistics of a batch norm move by its momentum towards those of its input, as the reference computes it with
    the other batch norms training too; nothing else changes. Random operations are left out on both sides.
    """
    network, _, _, source = parts(compiled)
    module, batch = module_of(source), image(network, sizes).double()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    try:
        module.double()
        drawn = {k: v + torch.rand_like(v) / 8 if v.is_floating_point() else v for k, v in module.state_dict().items()}
        module.load_state_dict(drawn)
        buffers_before = {name: value.clone() for name, value in module.named_buffers()}
        state = {key: value.clone() for key, value in module.state_dict().items()}
        with running(network, sizes):
            step(module, batch)
        own = user_paths(network.root)
        buffers_after = {name: value for name, value in module.named_buffers() if not is_inside(name, own)}
        buffers_before = {name: value for name, value in buffers_before.items() if not is_inside(name, own)}
        expected = buffers_before | moved(Reference(network, source, state, training=True), batch, buffers_before)
        where = place(network, sizes)
        hold(buffers_after.keys() == expected.keys(), f"{where}: a training step adds or removes buffers")
        for name, value in sorted(expected.items(), key=lambda pair: pair[1].is_floating_point()):  # counts first
            compare(f"{where}: a training step", name, buffers_after[name], value)
    finally:
        module.zero_grad(set_to_none=True)
        module.float().eval().load_state_dict(before)


def step(module: nn.Module, batch: Tensor) -> None:
    """Forward and backward; modules without keys stay in evaluation mode, so that nothing is dropped."""
    module.train()
    for part in module.modules():
        if not part.state_dict():
            part.eval()
    with torch.enable_grad():
        total = sum(out.sum() for out in tensors(module(batch)))
        if isinstance(total, Tensor) and total.requires_grad:
            torch.autograd.backward(total)


def moved(reference: Reference, batch: Tensor, before: Buffers) -> Buffers:
    """The buffers of all batch norms after one step, from what reaches each of them in the reference."""
    after: Buffers = {}

    def note(leaf: Leaf, prefix: str, x: Tensor) -> None:
        if leaf.primitive.state != "batch_norm":
            return
        stated = leaf.get_argument("momentum")
        assert isinstance(stated, (int, Fraction))
        momentum = float(stated)
        values = x.transpose(0, 1).flatten(1)  # a row a channel
        means = values.mean(1)
        spread = (values - means[:, None]).square().sum(1) / (values.shape[1] - 1)
        for name, target in (("running_mean", means), ("running_var", spread)):
            average = after.get(f"{prefix}{name}", before[f"{prefix}{name}"])
            after[f"{prefix}{name}"] = average * (1 - momentum) + target * momentum
        count = f"{prefix}num_batches_tracked"
        after[count] = after.get(count, before[count]) + 1

    reference.watch = note
    reference(batch)
    return after


def compare(step: str, name: str, actual: Tensor, expected: Tensor) -> None:
    if not actual.is_floating_point():
        hold(
            torch.equal(actual, expected), f"{step} leaves `{name}` at {actual.tolist()}, predicted {expected.tolist()}"
        )
    elif not torch.allclose(actual, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
        off = (actual - expected).abs().max().item()
        raise AssertionError(f"{step} leaves `{name}` different from what one step gives, by up to {off:.3g}")
