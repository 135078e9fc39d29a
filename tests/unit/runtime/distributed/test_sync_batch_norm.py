"""A synchronised batch norm is torch's over the whole batch. `test_process_group.py` trains with one."""

import copy
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from resnetc.runtime.distributed.process_group import SINGLE_PROCESS, Group
from resnetc.runtime.distributed.sync_batch_norm import synchronise_norms


class Mirror:
    """A group of two whose other process has the same images, and so the same sums."""

    size = 2

    def sum_with_gradients(self, value: Tensor) -> Tensor:
        return value * 2


def pair(norm: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The norm, and a synchronised copy."""
    mine = nn.Sequential(copy.deepcopy(norm))
    synchronise_norms(mine, cast(Group, Mirror()))
    return nn.Sequential(norm), mine


NORMS = [
    (nn.BatchNorm2d(3), (4, 3, 5, 2)),
    (nn.BatchNorm1d(3, momentum=None, eps=1e-3), (6, 3)),
    (nn.BatchNorm3d(2, affine=False), (2, 2, 2, 3, 2)),
    (nn.BatchNorm2d(3, track_running_stats=False), (1, 3, 1, 2)),
]


@pytest.mark.parametrize(("norm", "shape"), NORMS)
def test_outputs_gradients_and_statistics_are_those_of_the_whole_batch(norm: nn.Module, shape: tuple[int, ...]) -> None:
    theirs, mine = pair(norm.double())
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for seed in range(2):
        torch.manual_seed(seed)
        x = (torch.randn(shape, dtype=torch.float64) * 3 + 100).requires_grad_()
        weights = torch.randn(shape, dtype=torch.float64)
        whole = torch.cat([x, x]).detach().requires_grad_()
        expected, result = theirs(whole), mine(x)
        torch.testing.assert_close(result, expected[: len(x)])
        (expected * torch.cat([weights, weights])).sum().backward()
        (result * weights).sum().backward()
        assert x.grad is not None and whole.grad is not None
        torch.testing.assert_close(x.grad, whole.grad[: len(x)], atol=1e-9, rtol=1e-7)
        for own, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert own.grad is not None and other.grad is not None
            torch.testing.assert_close(2 * own.grad, other.grad)  # of one half
            own.grad = other.grad = None
    for own, other in zip(mine.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(own, other)
    assert torch.equal(mine.eval()(x), mine[0].__class__.forward(mine[0], x))  # type: ignore[index, operator]


def test_a_copy_knows_its_own_norm_and_low_precision_is_kept() -> None:
    _, mine = pair(nn.BatchNorm2d(2))
    other = copy.deepcopy(mine)
    result = other(torch.randn(2, 2, 3, 3).bfloat16())
    assert result.dtype == torch.bfloat16
    assert int(other.state_dict()["0.num_batches_tracked"]) == 1
    assert int(mine.state_dict()["0.num_batches_tracked"]) == 0


def test_one_process_has_the_whole_batch_already() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    synchronise_norms(model, SINGLE_PROCESS)
    assert "forward" not in vars(model[0])
