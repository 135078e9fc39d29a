"""Makes a network from the text of a generated module; the network carries its text, so it can be pickled."""

import hashlib
import importlib.abc
import importlib.util
import sys
import threading
from operator import index
from pathlib import Path
from types import ModuleType
from typing import SupportsIndex

import torch
from torch import nn

from resnetc.runtime.errors import RunError
from resnetc.runtime.model import user_classes

_REGISTRY_LOCK = threading.RLock()


class _Text(importlib.abc.SourceLoader):
    """Loads a module from a text in memory: nothing is read twice, and no byte code is left beside the file."""

    def __init__(self, source: str, path: Path) -> None:
        self.source, self.path = source, path
        self.seal = compute_digest(source)

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str | bytes) -> bytes:
        if path != str(self.path):
            raise OSError(f"not {self.path}")
        return self.source.encode()


def compute_digest(source: str) -> str:
    """SHA-256 (hex) of a module's text."""
    return hashlib.sha256(source.encode()).hexdigest()


def module_name(seal: str) -> str:
    """The name in `sys.modules` of the module whose text has this digest."""
    return f"resnetc_network_{seal[:16]}"


def register_module(source: str, path: Path) -> ModuleType:
    """The text as a Python module; it is executed once, however many networks are built from it."""
    loader = _Text(source, path)
    name = module_name(loader.seal)
    user_classes.import_classes(source, str(path))
    with _REGISTRY_LOCK:
        existing = sys.modules.get(name)
        if existing is not None:
            return existing
        spec = importlib.util.spec_from_loader(name, loader)
        assert spec is not None
        code = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            loader.exec_module(code)
        except BaseException:
            del sys.modules[name]
            raise
        for member in vars(code).values():
            if isinstance(member, type) and issubclass(member, nn.Module) and member.__module__ == name:
                member.__reduce_ex__ = _reduce_with_text  # type: ignore[assignment, method-assign]  # of a class made here
    return code


def _reduce_with_text(self: nn.Module, protocol: SupportsIndex) -> str | tuple[object, ...]:
    """How a network, or a block of one, is pickled: as torch does it, with the module's text in place of its name."""
    reduced = object.__reduce_ex__(self, max(index(protocol), 2))
    network_class = type(self)
    code = sys.modules.get(network_class.__module__)
    loader = getattr(code, "__loader__", None)
    if not isinstance(loader, _Text) or getattr(code, network_class.__qualname__, None) is not network_class:
        return reduced  # a class that a user derived of one of ours is found by its own name
    return unpickled, (loader.source, loader.seal, loader.path.name, network_class.__qualname__), *reduced[2:]


def unpickled(source: str, seal: str, file: str, name: str) -> nn.Module:
    """An object of a class of the module, without its state, which `pickle` and `copy` fill in.

    Pickled networks refer to this function by name, so it must keep its place and its arguments. The text is executed
    if this process does not know it, so it must be the one that was pickled: RunError if it is not.
    """
    code = sys.modules.get(module_name(seal))
    loader = getattr(code, "__loader__", None)
    if code is None or not isinstance(loader, _Text) or (loader.source, loader.seal) != (source, seal):
        if compute_digest(source) != seal:
            raise RunError(f"{file}: the source of this network was changed or damaged after it was pickled")
        code = register_module(source, Path(file))
    network_class = getattr(code, name)
    network: nn.Module = network_class.__new__(network_class)
    return network


def build_network(source: str, path: Path, device: torch.device | None = None) -> nn.Module:
    """Execute the module's text and return its `build()`; `path` is its file, for messages and tracebacks.

    Weights are channels-last in memory, like batches. With a `device` they are drawn on the CPU, so that every device
    starts from the same; without one, torch's context decides device and type (`with torch.device("meta")`). Raises
    RunError if the text is not a generated module.
    """
    try:
        code = register_module(source, path)
        for attribute in ("build", "INPUT_SHAPE"):
            if not hasattr(code, attribute):
                raise RunError(f"{path}: no `{attribute}` in it: expected a module written by `resnetc compile`")
        model = code.build()
    except SyntaxError as fault:
        raise RunError(f"{path}:{fault.lineno}:{fault.offset}: not Python: {fault.msg}") from None
    except (RunError, KeyboardInterrupt):
        raise
    except Exception as fault:
        raise RunError(f"{path}: the module fails to build its network: {type(fault).__name__}: {fault}") from fault
    if not isinstance(model, nn.Module):
        raise RunError(f"{path}: `build()` returns {type(model).__name__}, not a torch.nn.Module")
    if device is not None:
        model.to(device)
    default_dtype = torch.get_default_dtype()
    for submodule in model.modules():  # a filter is written in float32, and works with weights of its own type alone
        for name, buffer in submodule.named_buffers(recurse=False):
            if buffer.is_floating_point() and buffer.dtype != default_dtype:
                setattr(submodule, name, buffer.to(default_dtype))
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in model.parameters():  # one by one: `Module.to` takes no module that has weights of both ranks
        if parameter.dim() in formats:
            parameter.data = parameter.data.contiguous(memory_format=formats[parameter.dim()])
    return model


def read_input_shape(model: nn.Module) -> tuple[int, ...] | None:
    """The input shape a network was compiled for, (channels, sizes...), from its module; None if it has none."""
    shape = getattr(sys.modules.get(type(model).__module__), "INPUT_SHAPE", None)
    if isinstance(shape, tuple) and len(shape) > 1 and all(isinstance(number, int) for number in shape):
        return shape
    return None
