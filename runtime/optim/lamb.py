"""LAMB: AdamW with one more factor for each matrix and filter, so that large batches train (You et al. 2019)."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Lamb(torch.optim.Optimizer):
    """LAMB as NVIDIA and timm wrote it: bias correction, and a trust ratio wherever there is weight decay.

    The update of a parameter is that of Adam plus `weight_decay` times the parameter, times the ratio of their two
    norms. All parameters of a group have made the same number of steps: the first one keeps it. Nothing waits for the
    device, and the learning rate of a group may be a tensor.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],  # Any: as torch declares its groups
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
    ) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # no closure, no loss
        """One update of all parameters that have a gradient."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._update(parameters, group)

    def _update(self, parameters: list[Tensor], group: dict[str, Any]) -> None:  # Any: as torch declares its groups
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        states = [self.state[parameter] for parameter in parameters]
        for parameter, state in zip(parameters, states, strict=True):
            if "exp_avg" not in state:
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        if "step" not in states[0]:
            states[0]["step"] = torch.zeros((), device=parameters[0].device)
        step, means = states[0]["step"], [state["exp_avg"] for state in states]
        squares = [state["exp_avg_sq"] for state in states]
        (beta1, beta2), decay = group["betas"], group["weight_decay"]

        step += 1
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        denominators = torch._foreach_sqrt(squares)
        torch._foreach_mul_(denominators, (1 - beta2**step).rsqrt())
        torch._foreach_add_(denominators, group["eps"])
        updates = torch._foreach_div(means, denominators)
        torch._foreach_mul_(updates, 1 / (1 - beta1**step))
        if decay:
            torch._foreach_add_(updates, parameters, alpha=decay)
            weights, lengths = (torch.stack(torch._foreach_norm(tensors)) for tensors in (parameters, updates))
            ratios = torch.where((weights > 0) & (lengths > 0), weights / lengths, 1.0)
            torch._foreach_mul_(updates, ratios.unbind())
        torch._foreach_mul_(updates, group["lr"])
        torch._foreach_sub_(parameters, updates)
