"""Hooks that are gone again at the end of a `with`."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils.hooks import RemovableHandle


@contextmanager
def removed_at_the_end(*handles: RemovableHandle) -> Iterator[None]:
    """Inside the context the hooks act; at its end they are removed, whatever happens."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
