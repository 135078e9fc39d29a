"""Decoding a JPEG in memory: the pixels of Pillow, errors for what is cut off, and no block of memory left behind."""

import ctypes
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from resnetc.runtime.data import jpeg_decoder
from resnetc.runtime.data.jpeg_decoder import Allocator, decode_jpeg, hold_slow_places


def written(mode: str, width: int, height: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(file, "jpeg", quality=90)
    return file.getvalue()


class Heap:
    """An allocator that counts what is held: blocks in holes of their size first, then one behind the other, as glibc
    does it."""

    def __init__(self, start: int, holes: list[int], size: int, left: int = 100) -> None:
        self.end, self.holes, self.size, self.left = start * 16, [hole * 16 for hole in holes], size, left
        self.blocks: dict[int, int] = {}
        self.allocator = Allocator(self.calloc, self.free)

    def calloc(self, number: int, size: int) -> int | None:
        if len(self.blocks) >= self.left:
            return None
        if size == self.size and self.holes:
            place = self.holes.pop()
        else:
            place, self.end = self.end, self.end + -(-(size + 8) // 16) * 16
        self.blocks[place] = number * size
        return place

    def free(self, place: int) -> None:
        size = self.blocks.pop(place)
        if place + -(-(size + 8) // 16) * 16 == self.end:
            self.end = place
        elif size == self.size:
            self.holes.append(place)


@given(st.integers(1000, 1100), st.lists(st.integers(1, 900), max_size=3, unique=True), st.integers(1033, 1 << 16))
def test_the_next_block_begins_between_multiples_of_32(start: int, holes: list[int], size: int) -> None:
    heap = Heap(start, holes, size)
    held = hold_slow_places(heap.allocator, size)
    assert sorted(held) == sorted(heap.blocks)
    place = heap.calloc(1, size)
    assert place is not None and place % 32 == 16


def test_where_every_place_is_slow_the_search_ends() -> None:
    heap = Heap(1000, [2 * number for number in range(1, 50)], 2000)
    assert len(hold_slow_places(heap.allocator, 2000)) == len(heap.blocks) < 12


def test_without_memory_nothing_more_is_held() -> None:
    for left in range(4):
        heap = Heap(1000, [], 2000, left)
        assert len(hold_slow_places(heap.allocator, 2000)) == len(heap.blocks) <= left


def test_small_blocks_are_left_alone() -> None:
    assert hold_slow_places(Heap(1000, [], 1032).allocator, 1032) == []
    assert hold_slow_places(Heap(1000, [], 1033).allocator, 1033) != []


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(9, 17), (258, 40), (259, 40), (517, 131)])
def test_pixels_are_those_of_pillow(mode: str, size: tuple[int, int]) -> None:
    content = written(mode, *size)
    for factor in (1, 2, 4, 8):
        with Image.open(io.BytesIO(content)) as theirs:
            assert isinstance(theirs, Image.Image)
            reduced = -(-size[0] // factor), -(-size[1] // factor)
            theirs.draft(None, (size[0] // factor, size[1] // factor))
            if theirs.size == reduced:
                assert np.array_equal(np.asarray(decode_jpeg(content, mode, size, factor)), np.asarray(theirs))
    assert decode_jpeg(content, mode, size, 8).size == (-(-size[0] // 8), -(-size[1] // 8))


def test_every_block_that_is_held_is_freed_whatever_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    def hold(allocator: Allocator, size: int) -> list[int]:
        held.append(size)
        return [1, 2]

    freed: list[int] = []
    allocator = Allocator(lambda number, size: None, freed.append)
    monkeypatch.setattr(jpeg_decoder, "find_allocator", lambda: allocator)
    monkeypatch.setattr(jpeg_decoder, "hold_slow_places", hold)
    content = written("RGB", 300, 20)
    decode_jpeg(content, "RGB", (300, 20), 1)
    assert (held, freed) == ([1200], [1, 2])
    for damaged in (content[:-300], content[:100], b"", b"\xff" * 200):
        freed.clear()
        with pytest.raises(ValueError, match="damaged or cut off"):
            decode_jpeg(damaged, "RGB", (300, 20), 1)
        assert freed == [1, 2]
    decode_jpeg(written("L", 300, 20), "L", (300, 20), 1)
    assert held == [1200] * 5


def test_the_allocator_of_the_system_gives_zeros_and_takes_them_back() -> None:
    jpeg_decoder.find_allocator.cache_clear()
    if (allocator := jpeg_decoder.find_allocator()) is None:
        pytest.skip("the place of a line makes no difference here")
    place = allocator.calloc(1, 2000)
    assert place is not None and place % 16 == 0
    assert ctypes.string_at(place, 2000) == bytes(2000)
    allocator.free(place)
