"""Builds the optimizer of a recipe, by default with weight decay only on matrices and filters."""

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from resnetc.runtime.model.parts import split_parts
from resnetc.runtime.optim.lamb import Lamb
from resnetc.runtime.optim.lr_ratios import compute_lr_ratios
from resnetc.runtime.optim.muon import Muon
from resnetc.runtime.recipe.recipe import Recipe


def build_optimizer(model: nn.Module, recipe: Recipe, *, fused: bool = True) -> torch.optim.Optimizer:
    """The optimizer of the recipe over the trainable parameters.

    Without `decay_norms`, only matrices and filters have weight decay. Each group has an `lr_ratio`: its learning rate
    as a multiple of the schedule's; and `is_matrix`: whether Muon orthogonalises it, which it does not do to the head.
    fused: torch's kernels for all parameters at once, which some devices do not have.
    """
    ratios, is_muon = compute_lr_ratios(model, recipe), recipe.optimizer == "muon"
    head = tuple(f"{part}." for part in split_parts(model).head) if is_muon else ()
    members: dict[tuple[float, bool, bool], list[Tensor]] = {}
    for prefix, owner in model.named_modules():
        for name, parameter in owner.named_parameters(prefix, recurse=False):
            if parameter.requires_grad:
                decays = recipe.decay_norms or is_matrix(owner, parameter)
                orthogonal = is_muon and is_matrix(owner, parameter) and not name.startswith(head)
                members.setdefault((ratios.get(name, 1.0), decays, orthogonal), []).append(parameter)
    groups = [
        {
            "params": parameters,
            "weight_decay": recipe.weight_decay if decays else 0.0,
            "lr_ratio": ratio,
            "is_matrix": orthogonal,
        }
        for (ratio, decays, orthogonal), parameters in sorted(members.items(), key=lambda item: item[0], reverse=True)
    ]
    lr, betas = recipe.learning_rate, (recipe.beta1, recipe.beta2)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=recipe.epsilon, fused=fused)
    if recipe.optimizer == "lamb":
        return Lamb(groups, lr, betas, recipe.epsilon)
    if is_muon:
        return Muon(
            groups, lr, momentum=recipe.momentum, nesterov=recipe.nesterov, betas=betas, eps=recipe.epsilon, fused=fused
        )
    return torch.optim.SGD(groups, lr=lr, momentum=recipe.momentum, nesterov=recipe.nesterov, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give every group the schedule's learning rate, times its own ratio; a rate that is a tensor stays where it is."""
    for group in optimizer.param_groups:
        rate = lr * group["lr_ratio"]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def is_matrix(owner: nn.Module, parameter: Tensor) -> bool:
    """Whether a parameter of a module mixes channels or positions.

    A norm, a bias, a learned factor or addend does not: it has one number for each channel, whatever axes stand behind
    that; nor does the gain of a filter. A filter of one position for each channel is a filter all the same.
    """
    if isinstance(owner, (nn.Linear, _ConvNd)):
        return parameter is owner.weight
    return parameter.ndim > 1 and parameter.numel() > len(parameter)


def state_tensors(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """The optimizer's state by name: `<parameter>/<slot>`, e.g. `stem.conv.weight/momentum_buffer`."""
    named_tensors: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        for slot, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                named_tensors[f"{name}/{slot}"] = value
    return named_tensors


def restore_state(optimizer: torch.optim.Optimizer, model: nn.Module, saved: dict[str, Tensor]) -> None:
    """Restore what `state_tensors` returned, each tensor in its parameter's own memory layout; ValueError for a tensor
    of no parameter, and for one of another shape than its parameter or a number."""
    parameters = dict(model.named_parameters())
    for key, value in saved.items():
        name, _, slot = key.rpartition("/")
        parameter = parameters.get(name)
        if parameter is None:
            raise ValueError(f"no parameter `{name:.60}`")
        has_weight_shape = value.shape == parameter.shape
        if not has_weight_shape and value.ndim:
            raise ValueError(f"`{key:.60}` has shape {list(value.shape)}, but the parameter {list(parameter.shape)}")
        memory = torch.empty_like(parameter, requires_grad=False).copy_(value) if has_weight_shape else value.clone()
        optimizer.state[parameter][slot] = memory.to(parameter.device)
