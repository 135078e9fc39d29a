"""Freezes parts of a network: their weights and statistics stay as they are, to the bit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from resnetc.runtime.errors import RunError
from resnetc.runtime.model.parts import split_parts

NORMS = "norms"  # the pattern of all norms
_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm)
_MAX_LISTED = 12  # names in a message


def freeze(model: nn.Module, patterns: Sequence[str]) -> tuple[str, ...]:
    """Freeze, in place, what the patterns name; returns the names of the frozen parameters and buffers.

    Frozen parameters need no gradient, so no optimizer and no other process has anything to do with them. A norm of
    which all is frozen stays in evaluation mode, whatever mode the network is set to. RunError for a pattern that names
    nothing, with the names there are, and where nothing would be left to train.
    """
    if not patterns:
        return ()
    keys = {key for pattern in patterns for key in _match_pattern(model, pattern)}
    for name, parameter in model.named_parameters():
        if name in keys:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        names = ", ".join(f"`{pattern}`" for pattern in patterns)
        raise RunError(f"{names} would freeze the whole network: nothing is left to train")
    frozen_modules = {name for pattern in patterns for name in _match_modules(model, pattern)}
    for name, module in model.named_modules():
        own_keys = {f"{name}.{key}" for key in module.state_dict(keep_vars=True) if "." not in key}
        if isinstance(module, _NormBase) and (own_keys <= keys if own_keys else name in frozen_modules):
            module.train = _StaysInEvaluation(module)  # type: ignore[assignment, method-assign]  # one module alone
            module.eval()
    return tuple(key for key in model.state_dict() if key in keys)


@dataclass(frozen=True, slots=True)
class _StaysInEvaluation:
    """`train` of a frozen norm. An object that knows its norm, so that a copy has one that knows the copy."""

    norm: nn.Module

    def __call__(self, mode: bool = True) -> nn.Module:
        return nn.Module.train(self.norm, False)


def _match_pattern(model: nn.Module, pattern: str) -> set[str]:
    """The keys of the state dict that a pattern names; RunError if there are none."""
    modules = _match_modules(model, pattern)
    keys = {
        key
        for key in model.state_dict()
        if key == pattern
        or (pattern != NORMS and any(mark in pattern for mark in "*?[") and fnmatchcase(key, pattern))
        or any(key.startswith(f"{name}.") for name in modules)
    }
    if not keys and not modules:
        raise RunError(f"the network has no part `{pattern}`; {_describe_names(model)}")
    return keys


def _match_modules(model: nn.Module, pattern: str) -> tuple[str, ...]:
    """The modules that a pattern names: `norms`, a module's own name, else `stem`, `stage1`, `head`."""
    modules = dict(model.named_modules())
    if pattern == NORMS:
        return tuple(name for name, module in modules.items() if isinstance(module, _NORMS))
    if pattern in modules:
        return (pattern,) if pattern else ()
    return split_parts(model).by_name.get(pattern, ())


def _describe_names(model: nn.Module) -> str:
    parts = split_parts(model)
    words = [name for name, modules in parts.by_name.items() if modules]
    own_names = [name for modules in parts.by_name.values() for name in modules]
    return f"there are {_list([NORMS, *words])}; by their own names {_list(own_names)}; or a pattern such as `*.bn1.*`"


def _list(names: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in names]
    more = len(shown) - _MAX_LISTED
    return ", ".join(shown[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
