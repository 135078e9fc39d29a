"""What `torchrun` has said of this process in its environment; imports no torch."""

import os


def is_torchrun() -> bool:
    """Whether `torchrun` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_main_process(variable: str = "RANK") -> bool:
    """Whether this process tells what all of them would; with `LOCAL_RANK`: all of one machine."""
    return not is_torchrun() or int(os.environ.get(variable, "0")) == 0


def count_processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if is_torchrun() else 1
