"""Counter-based random numbers: a pure function of (seed, epoch, index, stream).

There is no state to save: a resumed run, another batch size or another device gives the same order and the same crops.
The mixing function is the 32-bit finaliser `lowbias32` (Ellis and Wellons), applied twice.
"""

import math
from typing import TypeVar

import torch
from torch import Tensor

ORDER, ROW, COLUMN, FLIP, MODEL = range(5)  # one stream a use: no two uses see the same numbers
_FIRST = 1 << 16  # behind MODEL and the streams of the other processes
AREA, ASPECT, TOP, LEFT, DEPTH, RADIUS, ANGLE, SPLIT = range(_FIRST, _FIRST + 8)
_SECOND = _FIRST + 100  # those of whole batches, and of colours
MIX_KIND, MIX_SHARE, CUT_DEPTH, CUT_ROW, CUT_COLUMN = range(_SECOND, _SECOND + 5)
ERASE, ERASE_AREA, ERASE_RATIO, ERASE_DEPTH, ERASE_ROW, ERASE_COLUMN = range(_SECOND + 5, _SECOND + 11)
BRIGHTNESS, CONTRAST, SATURATION, LIGHT_RADIUS, LIGHT_ANGLE = range(_SECOND + 11, _SECOND + 16)
OPERATION, STRENGTH, SIGN = range(_SECOND + 16, _SECOND + 19)
IS_SKIPPED, MAGNITUDE_RADIUS, MAGNITUDE_ANGLE, SHORT_SIDE = range(_SECOND + 19, _SECOND + 23)
USER, USER_FIXED, BALANCE = range(_FIRST + 64, _FIRST + 67)
_MASK = 0xFFFFFFFF

_Word = TypeVar("_Word", int, Tensor, int | Tensor)


def _mix(word: _Word) -> _Word:
    word = word ^ (word >> 16)
    word = (word * 0x7FEB352D) & _MASK
    word = word ^ (word >> 15)
    word = (word * 0x846CA68B) & _MASK  # wraps in int64; the low 32 bits stay right
    return word ^ (word >> 16)


def derive_key(seed: int, epoch: _Word, stream: int) -> _Word:
    """One 32-bit number for (seed, epoch, stream), for example to seed torch's own generator for a step."""
    return _mix((_mix((_mix(seed & _MASK) + epoch) & _MASK) + stream) & _MASK)


def random_bits(seed: int, epoch: int | Tensor, index: Tensor, stream: int) -> Tensor:
    """32 random bits for every index: int64 of the same shape, values in [0, 2**32).

    The epoch may be a tensor without axes (int64) on the device of the indices: the bits are the same.
    """
    first = derive_key(seed, epoch, stream)
    return _mix((_mix(index ^ first) + _mix(first ^ _MASK)) & _MASK)


def randint(limit: int | Tensor, seed: int, epoch: int | Tensor, index: Tensor, stream: int) -> Tensor:
    """A random integer in [0, limit) for every index: int64 of the same shape; `limit`, for all or for each, is at most
    2**31."""
    return (random_bits(seed, epoch, index, stream) * limit) >> 32


def uniform(seed: int, epoch: int | Tensor, index: Tensor, stream: int) -> Tensor:
    """A random number in [0, 1) for every index: float32 of the same shape, one of 2**24."""
    return (random_bits(seed, epoch, index, stream) >> 8).float() / (1 << 24)


def normal(seed: int, epoch: int | Tensor, index: Tensor, radius_stream: int, angle_stream: int) -> Tensor:
    """A Gaussian number of mean 0 and deviation 1 for every index: float64 of the same shape (Box and Muller)."""
    radius, angle = (
        (random_bits(seed, epoch, index, stream).double() + 0.5) / 2**32 for stream in (radius_stream, angle_stream)
    )
    return (-2 * radius.log()).sqrt() * (2 * math.pi * angle).cos()


def permutation(seed: int, epoch: int, count: int, device: torch.device) -> Tensor:
    """The order in which epoch `epoch` sees the `count` training images: int64 [count], a permutation."""
    return torch.argsort(random_bits(seed, epoch, torch.arange(count, device=device), ORDER), stable=True)
