"""Reads a file of weights, of whatever format, once and whole: what is hashed is what is parsed."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from resnetc.bounded_read import TooLarge, contents
from resnetc.runtime.errors import RunError
from resnetc.runtime.run import checkpoint
from resnetc.runtime.weights import torch_file

_MAX_HEADER_BYTES = 1 << 24  # names, shapes and metadata of a safetensors file
_PARTS = ("model", "average", "optimizer")  # of a run's state: `model/conv1.weight`


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of weights. `content` is what it holds: a mapping, most often nested; `sha256` that of its bytes;
    `classes` the names of the classes that a run of ours has learnt, where they are known."""

    path: Path
    sha256: str
    content: object
    classes: tuple[str, ...] | None


def read(path: Path, max_bytes: int) -> WeightFile:
    """Read safetensors, or what `torch.save` wrote; nothing in the file is executed.

    RunError, in one message, for a file that is missing, no regular file, larger than `max_bytes`, damaged, or of
    another kind.
    """
    try:
        data = contents(path, max_bytes)
    except TooLarge:
        raise RunError(f"{path}: larger than {max_bytes:,} bytes, far too large for weights of this network") from None
    except OSError as fault:
        raise RunError(f"{path}: cannot read the weights: {fault.strerror or fault}") from None
    except MemoryError:
        raise RunError(f"{path}: not enough memory to read it") from None
    sha256 = hashlib.sha256(data).hexdigest()
    # The length of a safetensors header comes first, and may begin as a pickle does; behind it stands the header.
    if data.startswith(torch_file.ZIP) or (data.startswith(torch_file.PICKLE) and data[8:9] != b"{"):
        return WeightFile(path, sha256, torch_file.load(data, path), None)
    tensors, header = _load_safetensors(data, path)
    if not checkpoint.is_own(header):
        return WeightFile(path, sha256, tensors, None)
    metadata = checkpoint.verify(path, tensors, header)
    return WeightFile(path, sha256, _split_parts(tensors), _read_classes(metadata))


def _load_safetensors(data: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file and its metadata; RunError for anything else."""
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8 or data[8:9] != b"{":
        raise RunError(
            f"{path}: not a weight file, or truncated: expected safetensors or a file written by `torch.save`"
        )
    if length > _MAX_HEADER_BYTES:
        raise RunError(f"{path}: {length:,} bytes of names and shapes; the limit is {_MAX_HEADER_BYTES:,}")
    try:
        header = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
        tensors = parse_safetensors(data)
    except (SafetensorError, ValueError, RecursionError, RuntimeError, KeyError, AttributeError, TypeError) as fault:
        first = str(fault).strip().partition("\n")[0]
        raise RunError(f"{path}: damaged, or not safetensors: {first or type(fault).__name__}") from None
    return tensors, header


def _read_classes(metadata: dict[str, object]) -> tuple[str, ...] | None:
    """The names of the classes in the metadata of a run; None where an earlier version wrote them."""
    record = metadata.get("preprocessing")
    names = record.get("classes") if isinstance(record, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else None


def _split_parts(tensors: dict[str, Tensor]) -> dict[str, object]:
    """The state of a run as a mapping of mappings; best weights, whose names have no part, as they are."""
    parts: dict[str, dict[str, Tensor]] = {}
    content: dict[str, object] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        if rest and part in _PARTS:
            parts.setdefault(part, {})[rest] = tensor
        else:
            content[name] = tensor
    return content | parts
