"""Describes the environment of a run: hardware, versions and the command, for its checkpoint and its report."""

import os
import platform
import shlex
import sys
from pathlib import Path

import torch

_CPU_FACTS = Path("/proc/cpuinfo")


def read_processor_name() -> str:
    """The processor's name as the system reports it, else its architecture."""
    try:
        lines = _CPU_FACTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, names), platform.processor() or platform.machine() or "unknown")


def format_command() -> str:
    """The command line of this process, quoted for a shell; the program without its folder."""
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    return shlex.join(["resnetc" if program == "__main__.py" else program, *sys.argv[1:]])


def describe(device: torch.device) -> dict[str, str]:
    """`device`, `processor`, `system`, `python`, `torch`, `command`, each one line of text.

    Call it while the run's number of threads is set, because `processor` includes it.
    """
    threads = torch.get_num_threads()
    cpu = f"{read_processor_name()}, {os.cpu_count()} cores, {threads} {'thread' if threads == 1 else 'threads'}"
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "processor": cpu,
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "torch": torch.__version__,
        "command": format_command(),
    }
