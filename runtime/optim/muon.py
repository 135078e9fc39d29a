"""Muon: momentum whose matrix is made orthogonal before it is applied (Jordan et al. 2024), AdamW for the rest."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

_COEFFICIENTS = 3.4445, -4.7750, 2.0315  # of the published quintic: steepest at zero, so that five rounds do
_ROUNDS = 5
_MIN_NORM = 1e-7
_ADAMW_SIZE = 0.2  # the usual root mean square of an update of AdamW, which an update of Muon is given too


class Muon(torch.optim.Optimizer):
    """Muon for the groups with `is_matrix`, AdamW for the others.

    A filter is the matrix [out, -1]. As in "Muon is Scalable for LLM Training" (Liu et al. 2025) an update is scaled to
    the size that AdamW's have, so that one learning rate and one weight decay serve both. Nothing waits for the device,
    and the learning rate of a group may be a tensor.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],  # Any: as torch declares its groups
        lr: float,
        momentum: float = 0.95,
        nesterov: bool = True,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        fused: bool = True,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": 0.0, "momentum": momentum, "nesterov": nesterov}
        super().__init__(groups, defaults | {"betas": betas, "eps": eps, "is_matrix": False})
        self.fused = fused

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # no closure, no loss
        """One update of all parameters that have a gradient."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters and group["is_matrix"]:
                self._update_matrices(parameters, group)
            elif parameters:
                self._update_others(parameters, group)

    def _update_matrices(self, parameters: list[Tensor], group: dict[str, Any]) -> None:  # Any: as torch has them
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        for parameter in parameters:
            if "momentum_buffer" not in self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        buffers = [self.state[parameter]["momentum_buffer"] for parameter in parameters]
        torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
        directions = [*torch._foreach_lerp(gradients, buffers, group["momentum"])] if group["nesterov"] else buffers
        updates = _make_orthogonal(directions)
        torch._foreach_mul_(updates, group["lr"])
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_sub_(parameters, updates)

    def _update_others(self, parameters: list[Tensor], group: dict[str, Any]) -> None:  # Any: as torch has them
        for parameter in parameters:
            state = self.state[parameter]
            if "step" not in state:
                state["step"] = torch.zeros((), device=parameter.device if self.fused else "cpu")
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        states = [self.state[parameter] for parameter in parameters]
        adamw(
            parameters,
            [parameter.grad for parameter in parameters if parameter.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=self.fused,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )


def _make_orthogonal(tensors: list[Tensor]) -> list[Tensor]:
    """The orthogonal matrix next to each tensor [out, -1], scaled as the updates of AdamW are, in the tensors' shapes.
    Those of equal shape are computed together."""
    members: dict[tuple[int, int], list[int]] = {}
    for number, tensor in enumerate(tensors):
        members.setdefault((len(tensor), tensor[0].numel()), []).append(number)
    results = [*tensors]
    for (rows, columns), numbers in members.items():
        matrices = torch.stack([tensors[number].reshape(rows, columns) for number in numbers])
        scale = _ADAMW_SIZE * math.sqrt(max(rows, columns))
        for number, matrix in zip(numbers, iterate_newton_schulz(matrices) * scale, strict=True):
            results[number] = matrix.view(tensors[number].shape)
    return results


def iterate_newton_schulz(matrices: Tensor) -> Tensor:
    """For each matrix [N, rows, columns] about U V^T of its singular value decomposition U S V^T: singular values
    between 0.6 and 1.2. CUDA computes it in bfloat16, as published, the CPU, which is slower at that, in the tensor's
    own type."""
    is_tall = matrices.size(-2) > matrices.size(-1)
    values = matrices.bfloat16() if matrices.is_cuda else matrices
    values = values.mT if is_tall else values
    values = values / values.norm(dim=(-2, -1), keepdim=True).clamp(min=_MIN_NORM)
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        squares = values @ values.mT
        values = torch.baddbmm(values, torch.baddbmm(squares, squares, squares, beta=b, alpha=c), values, beta=a)
    return (values.mT if is_tall else values).to(matrices.dtype)
