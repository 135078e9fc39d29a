"""Where the keys of a recipe were written, for what is refused of them: when it is read, or when the data are known."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from resnetc.runtime.errors import RunError

Places = Mapping[str, str]
"""By key, where its value was written: `file:line:column`, or the option of the command line."""


def fault_at(places: Places, message: str, *keys: str) -> RunError:
    """The error about these keys, with the place of the first that was written: an option (status 2) before a file.
    Without a place where all of them have their defaults."""
    written = [places[key] for key in keys if key in places]
    options = [place for place in written if place.startswith("--")]
    place = next(iter(options or written), "")
    return RunError(f"{place}: {message}" if place else message, status=2 if options else 1)


@contextmanager
def name_places(places: Places, *keys: str) -> Iterator[None]:
    """What is refused inside the context is refused because of these keys, and says where they were written."""
    try:
        yield
    except RunError as fault:
        raise fault_at(places, str(fault), *keys) from None
