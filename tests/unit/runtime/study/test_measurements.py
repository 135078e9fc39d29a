"""What is measured inside of a network, each against a statement of its own."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.study.measurements import lesions
from resnetc.runtime.study.measurements.features import compute_features, measure_linear_probe
from resnetc.runtime.study.measurements.gradients import measure_gradient_norms
from resnetc.runtime.study.measurements.landscape import draw_direction, measure_along_gradient, measure_plane
from resnetc.runtime.study.measurements.probe import Probe
from resnetc.runtime.study.measurements.responses import list_named_blocks, measure_residuals, measure_responses


class Linear(nn.Module):
    """x + w x, without a nonlinearity: the gradient through k branches of n blocks is C(n, k) w^k of the whole."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(1, eps=1e-12)
        nn.init.constant_(self.conv.weight, weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bn(self.conv(x))


class Net(nn.Module):
    """Blocks of that kind, and scores."""

    def __init__(self, weight: float = 0.5, blocks: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.stem.weight)
        self.layer1 = nn.Sequential(*(Linear(weight) for _ in range(blocks)))
        self.fc = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layer1(self.stem(x)).flatten(1))  # type: ignore[no-any-return]


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def probe() -> Probe:
    generator = torch.Generator().manual_seed(3)
    return Probe(torch.randn(12, 1, 4, 4, generator=generator), torch.arange(12) % 3)


def list_blocks(net: nn.Module) -> list[nn.Module]:
    return [block for _, block in list_named_blocks(net)]


def test_of_linear_blocks_the_paths_have_binomial_shares(net: nn.Module, probe: Probe) -> None:
    shares = lesions.measure_path_gradients(net, list_blocks(net), probe, draws=1, seed=0)
    weights = [math.comb(4, length) * 0.5**length for length in range(5)]
    # Each path has its own gradient, all of one direction, and the loss is that of the whole net on every path.
    assert shares == pytest.approx([weight / sum(weights) for weight in weights], rel=1e-5)


def test_without_a_block_its_shortcut_is_left(net: nn.Module, probe: Probe) -> None:
    blocks = list_blocks(net)
    scores = []
    hook = net.register_forward_hook(lambda _, __, output: scores.append(output))
    lesions.measure_without(net, blocks[:3], True, probe)
    lesions.measure_without(net, blocks, False, probe)
    hook.remove()
    features = probe.images.flatten(1)
    assert torch.allclose(scores[0], net.get_submodule("fc")(1.5 * features), atol=1e-6)
    assert torch.allclose(scores[1], net.get_submodule("fc")(features), atol=1e-6)
    assert not any(block._forward_hooks or block._forward_pre_hooks for block in net.modules())


def test_a_block_that_changes_the_shape_cannot_be_bypassed(probe: Probe) -> None:
    blocks = [nn.Sequential(nn.Conv2d(1, 2, 1)), nn.Sequential(nn.Conv2d(2, 2, 3, padding=1))]
    assert lesions.list_removable(nn.Sequential(*blocks), blocks, False, probe) == [blocks[1]]
    assert lesions.list_removable(nn.Sequential(*blocks), blocks, True, probe) == blocks


def test_the_gradient_at_a_convolution_is_that_of_its_output(net: nn.Module, probe: Probe) -> None:
    norms = dict(measure_gradient_norms(net, probe))
    assert list(norms) == ["stem", *(f"layer1.{number}.conv" for number in range(4))]
    # By hand: what a small addend to the stem's output changes of each image's own loss.
    addend = torch.zeros(12, 1, 4, 4, requires_grad=True)
    hook = net.get_submodule("stem").register_forward_hook(lambda _, __, output: output + addend)
    losses = functional.cross_entropy(net.train()(probe.images), probe.labels, reduction="sum")
    hook.remove()
    (gradient,) = torch.autograd.grad(losses, addend)
    assert norms["stem"] == pytest.approx(float(gradient.flatten(1).norm(dim=1).mean()), rel=1e-4)


def test_measuring_leaves_mode_and_statistics_as_they_were(net: nn.Module, probe: Probe) -> None:
    before = {key: value.clone() for key, value in net.state_dict().items()}
    measure_gradient_norms(net, probe)
    measure_plane(net, (draw_direction(net, 0), draw_direction(net, 1)), [-1, 0, 1], probe)
    measure_along_gradient(net, [0.0, 0.1], probe)
    assert not net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_responses_and_changes_of_linear_blocks(net: nn.Module, probe: Probe) -> None:
    deviation = float(probe.images.std())
    responses = measure_responses(net, probe)
    assert [value for _, value in responses] == pytest.approx([0.5 * deviation * 1.5**n for n in range(4)], rel=1e-4)
    assert [value for _, value in measure_residuals(net, probe)] == pytest.approx([0.5] * 4, rel=1e-4)


def test_a_direction_is_as_long_as_the_weights_filter_by_filter(net: nn.Module) -> None:
    direction = draw_direction(net, 5)
    assert set(direction) == {name for name, weight in net.named_parameters() if weight.ndim > 1}
    for name, values in direction.items():
        weight = net.get_parameter(name)
        assert torch.allclose(values.flatten(1).norm(dim=1), weight.detach().flatten(1).norm(dim=1), rtol=1e-4)
    other = draw_direction(net, 6)
    assert not torch.equal(direction["fc.weight"], other["fc.weight"])


def test_the_plane_has_the_loss_of_the_moved_weights(net: nn.Module, probe: Probe) -> None:
    directions = draw_direction(net, 0), draw_direction(net, 1)
    plane = measure_plane(net, directions, [-0.5, 0.0, 0.25], probe)
    assert plane[1][1] == pytest.approx(float(probe.loss(net).detach()))
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name in directions[0]:
                weight += -0.5 * directions[0][name] + 0.25 * directions[1][name]
    assert plane[0][2] == pytest.approx(float(probe.loss(net).detach()), rel=1e-5)


def test_the_loss_falls_along_the_gradient(net: nn.Module, probe: Probe) -> None:
    losses = measure_along_gradient(net, [0.0, 0.001, 0.002], probe)
    assert losses[0] > losses[1] > losses[2]
    assert losses[0] == pytest.approx(float(probe.loss(net.train()).detach()))


def test_features_are_what_the_last_linear_layer_gets(net: nn.Module, probe: Probe) -> None:
    assert torch.allclose(compute_features(net, probe), probe.images.flatten(1) * 1.5**4, rtol=1e-4)
    images = torch.zeros(30, 1, 4, 4)
    images[torch.arange(30), 0, torch.arange(30) % 3, 0] = 1.0
    separable = Probe(images, torch.arange(30) % 3)
    assert measure_linear_probe(net, separable, separable) == 100
