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


def write(path: Path, content: bytes, previous: Path | None = None) -> None:
    """Write `content` to `path` atomically: to a temporary name, flushed to disk, then renamed; RunError names the
    file.

    Readers of `path`, even after a crash, see the old file or the new one, never a part. With `previous`, the new file
    is a checkpoint: it is read back before the old one makes way for it, and the old one is kept as `previous`.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        try:
            _write_new(temporary, content)
            if previous is not None:
                load(temporary)
                _keep(path, previous)
            os.replace(temporary, path)
        except BaseException:
            _remove(temporary)
            raise
        if os.name == "posix":  # elsewhere a folder cannot be flushed
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as fault:
        raise RunError(f"{path}: cannot write {len(content):,} bytes: {fault.strerror}") from fault


def _write_new(path: Path, content: bytes) -> None:
    """Write a new file, in place of one that a crash left, and follow no link that stands in its place."""
    if path.is_dir() and not path.is_symlink():
        raise RunError(f"{path}: a folder is in the way of a file: remove it")
    _remove(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    """Remove a file or a link, if there is one; a folder stays."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)


def _keep(path: Path, previous: Path) -> None:
    """Give the file `path`, if there is one, the name `previous` as well: at every moment one of both is whole."""
    if not path.is_file():
        return
    link = previous.with_name(f"{previous.name}.tmp")
    _remove(link)
    try:
        os.link(path, link, follow_symlinks=False)
    except OSError:  # a file system without hard links
        os.replace(path, previous)
    else:
        os.replace(link, previous)


def _compute_digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def save(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, object], previous: Path | None = None
) -> None:
    """Write named tensors (any device and layout) and JSON metadata to `path`; RunError if the disk refuses.

    With `previous`, the checkpoint that `path` holds is kept under that name, once the new one was read back.
    """
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    text = json.dumps(metadata, sort_keys=True)
    write(path, serialize(copies, {_METADATA: text, _DIGEST: _compute_digest(copies, text)}), previous)


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
    return tensors, verify(path, tensors, header)


def is_own(header: Mapping[str, str]) -> bool:
    """Whether the metadata of a safetensors file are those of one that `save` wrote."""
    return _METADATA in header and _DIGEST in header


def verify(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> dict[str, object]:
    """The metadata of a file that `save` wrote; RunError if another program wrote it, or if it is damaged."""
    if not is_own(header):
        raise RunError(f"{path}: not written by resnetc: its metadata is missing")
    if _compute_digest(tensors, header[_METADATA]) != header[_DIGEST]:
        raise RunError(f"{path}: damaged: its content does not match its SHA-256")
    try:
        metadata = json.loads(header[_METADATA])
    except (ValueError, RecursionError) as fault:
        raise RunError(f"{path}: not written by resnetc: its metadata is not JSON: {fault}") from None
    if not isinstance(metadata, dict):
        raise RunError(f"{path}: not written by resnetc: its metadata is not an object")
    return metadata
