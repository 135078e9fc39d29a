"""Turns the text of a generated module into its network, and checks that it fits the data."""

import hashlib
import importlib.abc
import importlib.util
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError


class _Text(importlib.abc.SourceLoader):
    """Loads a module from a text in memory: nothing is read twice, and no byte code is left beside the file."""

    def __init__(self, source: str, path: Path) -> None:
        self.source, self.path = source, path

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str | bytes) -> bytes:
        if path != str(self.path):
            raise OSError(f"not {self.path}")
        return self.source.encode()


def digest(source: str) -> str:
    """SHA-256 (hex) of a module's text."""
    return hashlib.sha256(source.encode()).hexdigest()


def build(source: str, path: Path, device: torch.device) -> nn.Module:
    """Run the module's text and return its `build()`; `path` is the file it stands in, for messages and tracebacks.

    The weights are drawn on the CPU, so that every device starts from the same, and lie channels-last, as batches do.
    Raises RunError where the text is no generated module.
    """
    name = f"resnetc_network_{digest(source)[:16]}"
    loader = _Text(source, path)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    code = importlib.util.module_from_spec(spec)
    sys.modules[name] = code
    try:
        loader.exec_module(code)
        for attribute in ("build", "INPUT_SHAPE"):
            if not hasattr(code, attribute):
                raise RunError(f"{path}: no `{attribute}` in it: a module written by `resnetc compile` is expected")
        model = code.build()
    except SyntaxError as fault:
        raise RunError(f"{path}:{fault.lineno}:{fault.offset}: not Python: {fault.msg}") from None
    except (RunError, KeyboardInterrupt):
        raise
    except Exception as fault:
        raise RunError(f"{path}: the module fails to build its network: {type(fault).__name__}: {fault}") from fault
    if not isinstance(model, nn.Module):
        raise RunError(f"{path}: `build()` returns {type(model).__name__}, a torch.nn.Module is expected")
    model.to(device)
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in model.parameters():  # one by one: `Module.to` takes no module that has weights of both ranks
        if parameter.dim() in formats:
            parameter.data = parameter.data.contiguous(memory_format=formats[parameter.dim()])
    return model


def check_fits(model: nn.Module, network: str, data: Data) -> None:
    """Run one black image through the model: RunError unless it answers one row of `data.classes` numbers."""
    shape = (1, data.channels, *data.size)
    what = f"{network} on {data.name} ({data.channels}x{data.size[0]}x{data.size[1]}, {data.classes} classes)"
    model.eval()
    parameter = next(model.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    try:
        with torch.no_grad():
            answer = model(torch.zeros(shape, device=device))
    except (RuntimeError, ValueError) as fault:
        first = str(fault).strip().split("\n")[0]
        raise RunError(f"{what}: the network does not take this input: {first}") from fault
    if not isinstance(answer, Tensor):
        raise RunError(f"{what}: the network returns {type(answer).__name__}, a tensor of class scores is needed")
    if answer.shape != (1, data.classes):
        raise RunError(
            f"{what}: the network answers {list(answer.shape)} for one image, [1, {data.classes}] is needed; "
            f"compile it with --set classes={data.classes}"
        )
