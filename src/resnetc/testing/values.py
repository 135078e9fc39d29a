"""Assertions about values in the real module: outputs, intermediate shapes, what autograd keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from resnetc.api import Compiled
from resnetc.compiler.expansion.dataflow_builder import keeps_state
from resnetc.compiler.ir.network import Leaf, Module, Sequence
from resnetc.compiler.measures.summary import evaluate_shape
from resnetc.testing.inputs import Sizes
from resnetc.testing.reference_interpreter import Outputs, Reference
from resnetc.testing.replay import hold, replayable
from resnetc.testing.torch_module import count_saved_bytes, image, module_of, place, plain, running
from resnetc.testing.trial import Trial, parts

LAST = {2: torch.channels_last, 3: torch.channels_last_3d}  # by the number of axes


@replayable
def assert_images_independent(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """In evaluation mode an image must have the same output by itself, in a batch, and in another order."""
    network, _, _, source = parts(compiled)
    module, batch = module_of(source).double(), image(network, sizes, 3).double()
    order = [2, 0, 1]
    try:
        with torch.no_grad(), running(network, sizes):
            whole, mixed, pair = (as_list(module(x)) for x in (batch, batch[order], batch[:2]))
    finally:
        module.float()
    where = place(network, sizes)
    for a, b, c in zip(whole, mixed, pair, strict=True):
        assert_close(a[order], b, 1e-9, f"{where}: an image in another order gives a different output")
        assert_close(a[:2], c, 1e-9, f"{where}: an image in a smaller batch gives a different output")


@replayable
def assert_layouts_agree(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """In evaluation mode the output must be the same with channels-last memory, for weights and images."""
    network, _, _, source = parts(compiled)
    last = LAST.get(len(sizes))
    if last is None:
        return
    module, batch = module_of(source).double(), image(network, sizes).double()
    try:
        with torch.no_grad(), running(network, sizes):
            whole = as_list(module(batch))
            relaid(module, last)
            laid = as_list(module(batch.contiguous(memory_format=last)))
    finally:
        relaid(module, torch.contiguous_format)
        module.float()
    for a, b in zip(whole, laid, strict=True):
        assert_close(a, b, 1e-6, f"{place(network, sizes)}: the output differs with channels last")


def relaid(module: nn.Module, layout: torch.memory_format) -> None:
    """The same weights in another order in memory, where a weight has the axes that the order is for."""
    axes = {torch.channels_last: 4, torch.channels_last_3d: 5}.get(layout)
    for tensor in (*module.parameters(), *module.buffers()):
        if axes is None or tensor.dim() == axes:
            tensor.data = tensor.data.contiguous(memory_format=layout)


def assert_close(one: Tensor, other: Tensor, rtol: float, subject: str) -> None:
    """Both must be the same up to rounding: each value against itself, or against the largest of the whole output.

    What cancels to almost nothing keeps the rounding of what it came from, and a norm enlarges it: such a value is
    wrong by a part of the largest one, not of itself. An output that is nothing but rounding counts as 0.001 large.
    """
    hold(one.shape == other.shape, f"{subject}: one of {plain(one)}, the other of {plain(other)}")
    if not torch.allclose(one, other, rtol=rtol, atol=rtol * max(largest(other), 1e-3), equal_nan=True):
        raise AssertionError(f"{subject}, by up to {(one - other).abs().max().item():.3g}")


def largest(values: Tensor) -> float:
    """The largest finite magnitude; 0 where there is none."""
    finite = values[values.isfinite()].abs()
    return finite.max().item() if finite.numel() else 0.0


@replayable
def assert_outputs_agree(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """At an accepted size every value of the network must have its predicted shape, and the module the same output.

    The expected values are those of `reference`: the network run step by step, with the weights stored under the
    predicted keys. The shapes inside the real module's parts with weights are checked too.
    """
    network, _, _, source = parts(compiled)
    module, batch = module_of(source).double(), image(network, sizes).double()
    try:
        state = {k: v + torch.rand_like(v) / 8 if v.is_floating_point() else v for k, v in module.state_dict().items()}
        module.load_state_dict(state)
        with running(network, sizes):
            actual, shapes = watched(module, batch)
        expected = Reference(network, source, state)(batch)
    finally:
        module.float()
    where = place(network, sizes)
    for path, leaf in stored(network.root):
        predicted = evaluate_shape(leaf.shape_out, sizes)
        hold(shapes[path] == predicted, f"{where}: `{path}` gives {shapes[path]}, predicted {predicted}")
    hold(isinstance(actual, dict) == isinstance(expected, dict), f"{where}: stages or an output, not both")
    for a, b in zip(as_list(actual), as_list(expected), strict=True):
        assert_close(
            a, b, 1e-9, f"{where}: the output of the module differs from that of its operations one after another"
        )


@replayable
def assert_activations_agree(compiled: Compiled | Trial, sizes: Sizes) -> None:
    """At an accepted size, one more image in training must make autograd keep the predicted number of bytes more.

    Parameters, and what a batch has once (the means of a batch norm), cancel in the difference of two batches.
    """
    network, _, measures, source = parts(compiled)
    module = module_of(source)
    state = {key: value.clone() for key, value in module.state_dict().items()}
    try:
        with running(network, sizes):
            two, three = (count_saved_bytes(module.train(), image(network, sizes, batch)) for batch in (2, 3))
    finally:
        module.load_state_dict(state)
        module.eval()
    predicted = measures.count_activation_bytes(sizes)
    where = place(network, sizes)
    hold(three - two == predicted, f"{where}: autograd keeps {three - two} bytes of an image, predicted {predicted}")


def stored(module: Module, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    """The primitives that are modules and keep state, with their paths."""
    if isinstance(module, Leaf):
        if keeps_state(module) and not module.is_parameter:
            yield prefix.removesuffix("."), module
    elif isinstance(module, Sequence):
        for name, child in module.children:
            yield from stored(child, f"{prefix}{name}.")
    else:
        for path, part in (place for step in module.steps for place in step.stores):
            yield from stored(part, prefix + "".join(f"{name}." for name in path))


@torch.no_grad()
def watched(module: nn.Module, batch: Tensor) -> tuple[Outputs, dict[str, tuple[int, ...]]]:
    """The output of a module, and the shape of what each module inside of it gave, without the batch."""
    shapes: dict[str, tuple[int, ...]] = {}

    def noting(name: str) -> Callable[[nn.Module, object, object], None]:
        def note(inner: nn.Module, inputs: object, out: object) -> None:
            if isinstance(out, Tensor):
                shapes[name] = plain(out)

        return note

    hooks = [inner.register_forward_hook(noting(name)) for name, inner in module.named_modules()]
    try:
        return module(batch), shapes
    finally:
        for hook in hooks:
            hook.remove()


def as_list(out: Outputs) -> list[Tensor]:
    return list(out.values()) if isinstance(out, dict) else [out]
