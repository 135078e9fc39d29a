"""Reads what `torch.save` has written, the zip and the format before it, with nothing but weights allowed in it.

Two doors: the pickle's opcodes are looked through here first, so that a refusal can name what the file would call; then
torch reads it with `weights_only=True`, which has its own list of what may be in it.
"""

import argparse
import io
import pickletools
import warnings
import zipfile
from pathlib import Path

import torch
from torch.serialization import safe_globals

from resnetc.runtime.errors import RunError

ZIP, PICKLE = b"PK\x03\x04", b"\x80"  # how the two formats begin
_MAX_PICKLE_BYTES = 1 << 24  # names and places of tensors, and the settings of a run; a thousand layers take 3 MB
_MAX_ENTRIES = 100_000
_PICKLES_BEFORE_STORAGES = 5  # of the format before the zip: magic number, version, system, object, keys of storages

# What a file of weights may name. Nothing here runs anything: containers, tensors, and the settings of a trainer.
_HARMLESS = {
    "collections OrderedDict",
    "collections defaultdict",
    "argparse Namespace",
    "torch Size",
    "torch device",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_parameter_with_state",
    "torch.nn.parameter Parameter",
    "torch.storage UntypedStorage",
}
_STORAGES = "Half BFloat16 Float Double Long Int Short Char Byte Bool ComplexFloat Untyped".split()
_HARMLESS |= {f"torch {kind}Storage" for kind in _STORAGES} | {f"torch.storage {kind}Storage" for kind in _STORAGES}
_HARMLESS |= {f"torch {name}" for name in "float16 bfloat16 float32 float64 int64 int32 int16 int8 uint8 bool".split()}


def load(content: bytes, path: Path) -> object:
    """The object in a file of torch, its tensors on the CPU; RunError if it holds anything but weights, or is damaged.

    `content` is the whole file; `path` is for messages.
    """
    if content.startswith(ZIP):
        _check_pickle(_read_pickle_of_zip(content, path), 1, path)
    else:
        _check_pickle(content, _PICKLES_BEFORE_STORAGES, path)
    try:
        with warnings.catch_warnings(), safe_globals([argparse.Namespace]):
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as fault:  # a crafted file can make torch raise whatever it has
        first = str(fault).strip().partition("\n")[0]
        raise RunError(f"{path}: damaged, or not a weight file: {first or type(fault).__name__}") from None


def _read_pickle_of_zip(content: bytes, path: Path) -> bytes:
    """The pickle of a zip, which must be torch's: stored as it is, nothing that unpacks to more than the file."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MAX_ENTRIES:
                raise RunError(f"{path}: {len(entries):,} parts; the limit is {_MAX_ENTRIES:,}")
            unpacked = sum(entry.file_size for entry in entries)
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or unpacked > len(content):
                raise RunError(f"{path}: a compressed zip; torch writes uncompressed files")
            names = [entry.filename for entry in entries]
            if any(name.endswith("/constants.pkl") for name in names):
                raise RunError(f"{path}: a TorchScript program, not weights: save the `state_dict()` of the model")
            pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise RunError(f"{path}: a zip, but not one that `torch.save` wrote: no data.pkl in it")
            if pickles[0].file_size > _MAX_PICKLE_BYTES:
                raise RunError(f"{path}: {_describe_limit(pickles[0].file_size)}")
            if damaged := archive.testzip():  # torch itself compares no checksum
                raise RunError(f"{path}: damaged: `{damaged:.80}` in it does not match its checksum; copy it again")
            return archive.read(pickles[0])
    except RunError:
        raise
    except Exception as fault:  # `zipfile` raises many kinds for a damaged archive
        raise RunError(f"{path}: damaged: {fault or type(fault).__name__}; copy it again") from None


def _describe_limit(size: int) -> str:
    return f"{size:,} bytes of names and settings besides the weights; the limit is {_MAX_PICKLE_BYTES:,}"


def _check_pickle(content: bytes, count: int, path: Path) -> None:
    """RunError if one of the first `count` pickles names anything but weights; nothing is unpickled."""
    stream = io.BytesIO(content)
    foreign: list[str] = []
    try:
        for _ in range(count):
            for opcode, argument, position in pickletools.genops(stream):
                if position is not None and position > _MAX_PICKLE_BYTES:
                    raise RunError(f"{path}: {_describe_limit(position)}")
                if opcode.name == "STOP":
                    break
                if opcode.name in ("GLOBAL", "INST") and argument not in _HARMLESS:
                    foreign.append(str(argument).replace(" ", "."))
                elif opcode.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
                    foreign.append("code whose name is computed")
    except RunError:
        raise
    except Exception as fault:  # what is no pickle makes `pickletools` raise this and that
        raise RunError(f"{path}: damaged, or not a weight file: {fault or type(fault).__name__}") from None
    if foreign:
        names = ", ".join(f"`{name:.80}`" for name in dict.fromkeys(foreign[:4]))
        raise RunError(
            f"{path}: contains more than plain weights, and unpickling it could run code: it refers to {names}; if "
            "you trust it, save only its `state_dict` and use that file"
        )
