"""Operations with weights against modules that a person would write, and what they store: keys, order, shapes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.support import build, compile_text

State = dict[str, Tensor]
C = 8


def scaled(x: Tensor, s: State) -> Tensor:
    flat = s["weight"].reshape(1, 12, -1)
    gain = (s["gain"] * (1.5 * s["weight"][0].numel() ** -0.5)).view(-1)
    weight = F.batch_norm(flat, None, None, weight=gain, training=True, momentum=0.0, eps=1e-5)
    return F.conv2d(x, weight.reshape_as(s["weight"]), s["bias"], 2, 1, 1, 2)


def flattened(function: Callable[..., Tensor], x: Tensor, *arguments: object) -> Tensor:
    """A function of the last axis, applied to the channels of each position."""
    return function(x.permute(0, 2, 3, 1), *arguments).permute(0, 3, 1, 2)


def response(x: Tensor, s: State) -> Tensor:
    """As timm writes it."""
    norm = x.norm(p=2, dim=(2, 3), keepdim=True)
    ratio = norm / (norm.mean(dim=1, keepdim=True) + 1e-6)
    return x + torch.addcmul(s["bias"].view(1, -1, 1, 1), s["weight"].view(1, -1, 1, 1), x * ratio)


def statistics(x: Tensor, s: State) -> Tensor:
    return F.batch_norm(x, s["running_mean"], s["running_var"])


AFFINE = {"weight": (C,), "bias": (C,)}
CASES: dict[str, tuple[str, Callable[[Tensor, State], Tensor], dict[str, tuple[int, ...]]]] = {
    "scaled": (
        "std_conv(12, kernel=3, stride=2, groups=2, bias=true, scaled=true, gamma=3 / 2, eps=1e-5)",
        scaled,
        {"weight": (12, 4, 3, 3), "bias": (12,), "gain": (12, 1, 1, 1)},
    ),
    "layer_norm": (
        "layer_norm(eps=1e-5)",
        lambda x, s: flattened(F.layer_norm, x, (C,), s["weight"], s["bias"], 1e-5),
        AFFINE,
    ),
    "rms_norm": (
        "rms_norm(eps=1 / 10)",
        lambda x, s: flattened(F.rms_norm, x, (C,), s["weight"], 0.1),
        {"weight": (C,)},
    ),
    "instance_norm": ("instance_norm", lambda x, s: F.instance_norm(x), {}),
    "affine": (
        "instance_norm(affine=true, eps=1e-3)",
        lambda x, s: F.instance_norm(x, None, None, s["weight"], s["bias"], eps=1e-3),
        AFFINE,
    ),
    "global_response_norm": ("global_response_norm", response, AFFINE),
    "statistics": (
        "batch_norm(affine=false)",
        statistics,
        {"running_mean": (C,), "running_var": (C,), "num_batches_tracked": ()},
    ),
    "linear": (
        "linear(5)",
        lambda x, s: flattened(F.linear, x, s["weight"], s["bias"]),
        {"weight": (5, C), "bias": (5,)},
    ),
    "prelu": ("prelu", lambda x, s: F.prelu(x, s["weight"]), {"weight": (C,)}),
    "shared": ("prelu(shared=true)", lambda x, s: F.prelu(x, s["weight"]), {"weight": (1,)}),
}


def built(layer: str, sizes: str = "H, W] = [8, 5, 7") -> nn.Module:
    _, source = compile_text(
        f"edition 1\nmodel net() {{\n  input [{C}, {sizes}]\n  stem = a: {layer}\n  head = identity\n}}\n"
    )
    torch.manual_seed(0)
    return build(source).eval()


def drawn(module: nn.Module) -> State:
    """The state of a module, every number of it drawn."""
    state = {key: torch.rand_like(value) + 0.5 for key, value in module.state_dict().items() if value.numel() > 1}
    state |= {key: value * 3 for key, value in module.state_dict().items() if value.numel() == 1 and value.ndim}
    module.load_state_dict(module.state_dict() | state)
    return {key.removeprefix("a."): value for key, value in state.items()}


@pytest.mark.parametrize("name", CASES)
def test_an_operation_is_what_people_write(name: str) -> None:
    layer, formula, shapes = CASES[name]
    module = built(layer).double()
    assert {key.removeprefix("a."): tuple(value.shape) for key, value in module.state_dict().items()} == shapes
    assert [key.removeprefix("a.") for key in module.state_dict()] == list(shapes)
    state, x = drawn(module), torch.randn(2, C, 5, 7, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(module(x), formula(x, state))


INITIAL = {
    "std_conv(8, kernel=3, scaled=true)": {"gain": 1.0},
    "std_conv(8, kernel=3, scaled=true, gain=0)": {"gain": 0.0},
    "layer_norm(gain=0)": {"weight": 0.0, "bias": 0.0},
    "rms_norm(gain=1 / 2)": {"weight": 0.5},
    "instance_norm(affine=true, gain=0)": {"weight": 0.0, "bias": 0.0},
    "batch_norm(affine=false, gain=0)": {"running_mean": 0.0, "running_var": 1.0},
    "global_response_norm": {"weight": 0.0, "bias": 0.0},
    "prelu": {"weight": 0.25},
    "prelu(slope=1 / 10, shared=true)": {"weight": 0.1},
}


@pytest.mark.parametrize("layer", INITIAL)
def test_what_a_parameter_begins_as(layer: str) -> None:
    for text in (layer, f"({layer} |> identity)"):
        state = {key.rpartition(".")[2]: value for key, value in built(text).state_dict().items()}
        for name, value in INITIAL[layer].items():
            assert torch.equal(state[name], torch.full_like(state[name], value)), (text, name)


@pytest.mark.parametrize(("layer", "kind"), [("layer_norm", nn.LayerNorm), ("linear(5)", nn.Linear)])
def test_a_vector_has_the_module_of_torch(layer: str, kind: type[nn.Module]) -> None:
    module = built(f"(global_avg_pool |> linear(6) |> {layer})")
    assert type(list(module.children())[-1][-1]) is kind
    assert module(torch.randn(2, C, 5, 7)).ndim == 2


def test_a_linear_layer_counts_at_every_position() -> None:
    checked, _ = compile_text(
        f"edition 1\nmodel net() {{\n  input [{C}, H, W] = [{C}, 5, 7]\n  stem = a: linear(6) |> b: linear(3)\n"
        "  head = global_avg_pool |> linear(2)\n}\n"
    )
    assert checked.measures.count_multiply_adds((5, 7)) == 35 * (C * 6 + 6 * 3) + 3 * 2
    assert checked.measures.receptive_field == 1
