"""What `--init` names: a file of weights, or a run folder; looked at before torch is imported."""

import os
import stat
from pathlib import Path

from resnetc.runtime.errors import RunError
from resnetc.runtime.run.folder import RunFolder


def find_weight_file(argument: str | Path) -> Path:
    """The file to read: of a run folder its best weights, or its last state where it has no best yet.

    RunError, without waiting for a pipe or opening a device, unless that is a regular file.
    """
    path = Path(argument).expanduser()
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            path = _choose_of_run(path)
            status = path.stat()
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise RunError(f"--init {argument}: cannot read the weights: {reason}", status=2) from None
    if not stat.S_ISREG(status.st_mode):
        raise RunError(f"{path}: not a regular file: expected weights, as safetensors or as `torch.save` writes them")
    return path


def _choose_of_run(folder: Path) -> Path:
    run = RunFolder(folder)
    for path in (run.best, run.last, run.previous):
        if os.path.lexists(path):
            return path
    raise RunError(f"--init {folder}: no weights in this folder: no {run.best.name}, no {run.last.name}", status=2)
