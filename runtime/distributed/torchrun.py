"""What `torchrun` tells this process in its environment variables; imports no torch."""

import os


def is_torchrun() -> bool:
    """Whether `torchrun` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_main_process(variable: str = "RANK") -> bool:
    """Whether this process prints what concerns all of them; with `LOCAL_RANK`, all processes of one machine."""
    return not is_torchrun() or int(os.environ.get(variable, "0")) == 0


def count_processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if is_torchrun() else 1
