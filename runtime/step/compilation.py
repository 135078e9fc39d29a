"""Compiles a network by `torch.compile`: each class of block once, or the whole of it.

The cache of the compiler has a folder of its own, so that the next run with the same network starts at once.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

MODES = ("auto", "off", "default", "max-autotune")
_MAX_VARIANTS = 256  # compiled forms of a block's class: one for each number of channels, stride and kind of shortcut
_CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


def choose_mode(word: str, device: torch.device) -> str:
    """The mode that a recipe's word means on a device. `auto` compiles on CUDA alone: on a CPU the first batch would
    wait for minutes, for little."""
    if word != "auto":
        return word
    return "default" if device.type == "cuda" else "off"


def choose_cache_folder() -> Path:
    """Where compiled code is kept: where the environment says, else with the user's other caches."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(_CACHE_VARIABLE) or Path(base) / "resnetc" / "compiled")


def list_regions(model: nn.Module) -> list[nn.Module]:
    """The outermost modules of classes of which there are several, torch's own apart; the network where there are
    none."""
    counts = Counter(type(module) for module in model.modules())

    def walk(module: nn.Module) -> Iterator[nn.Module]:
        for child in module.children():
            if counts[type(child)] > 1 and not type(child).__module__.startswith("torch."):
                yield child
            else:
                yield from walk(child)

    return list(walk(model)) or [model]


class Compilation:
    """What of a network is compiled: nothing in the mode `off`, in the mode `default` its blocks, each class of them
    once for all that are alike, with `max-autotune` the whole network as one graph, its kernels tuned by trial."""

    def __init__(self, model: nn.Module, mode: str) -> None:
        self.mode = mode
        self.regions = [] if mode == "off" else list_regions(model) if mode == "default" else [model]
        if not self.regions:
            return
        os.environ.setdefault(_CACHE_VARIABLE, str(choose_cache_folder()))
        import torch._dynamo

        torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _MAX_VARIANTS)
        tuning = {"mode": "max-autotune-no-cudagraphs"} if mode == "max-autotune" else {}
        for region in self.regions:
            region.compile(dynamic=False, **tuning)

    @property
    def is_on(self) -> bool:
        """Whether anything is compiled."""
        return bool(self.regions)

    def stop(self) -> None:
        """Run the network as it is from now on."""
        for region in self.regions:
            region._compiled_call_impl = None
        self.mode, self.regions = "off", []

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, the network runs as it is: an evaluation has batches of other sizes, each worth no compilation."""
        if not self.regions:
            yield
            return
        with torch.compiler.set_stance("force_eager"):
            yield
