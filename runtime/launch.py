"""What `torchrun` has said of this process in its environment; imports no torch."""

import os


def launched() -> bool:
    """Whether `torchrun` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def speaks(variable: str = "RANK") -> bool:
    """Whether this process tells what all of them would; with `LOCAL_RANK`: all of one machine."""
    return not launched() or int(os.environ.get(variable, "0")) == 0


def processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if launched() else 1
