"""Reads and writes tensors and metadata in one safetensors file: atomically, with a hash, without pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from resnetc.runtime.errors import RunError

_METADATA, _DIGEST = "resnetc", "sha256"


def write(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically: to a temporary name, flushed to disk, then renamed; RunError names the
    file.

    Readers of `path`, even after a crash, see the old file or the new one, never a part.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if os.name == "posix":  # elsewhere a folder cannot be flushed
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as fault:
        raise RunError(f"{path}: cannot write {len(content):,} bytes: {fault.strerror}") from fault


def _compute_digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, object]) -> None:
    """Write named tensors (any device and layout) and JSON metadata to `path`; RunError if the disk refuses."""
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    text = json.dumps(metadata, sort_keys=True)
    write(path, serialize(copies, {_METADATA: text, _DIGEST: _compute_digest(copies, text)}))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """The tensors (on the CPU) and the metadata that `save` wrote; RunError if the file is missing or damaged."""
    if not path.is_file():
        raise RunError(f"{path}: no such file; expected a checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as fault:
        raise RunError(f"{path}: damaged, or not a checkpoint: {fault}") from None
    if _METADATA not in header or _DIGEST not in header:
        raise RunError(f"{path}: not written by resnetc: its metadata are missing")
    if _compute_digest(tensors, header[_METADATA]) != header[_DIGEST]:
        raise RunError(f"{path}: damaged: its content does not match its SHA-256")
    metadata: dict[str, object] = json.loads(header[_METADATA])
    return tensors, metadata
