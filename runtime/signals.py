"""Ctrl-C and SIGTERM as a flag that the loop looks at between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_WATCHED = (signal.SIGINT, signal.SIGTERM)


class StopFlag:
    """`number` is the signal that asks the run to stop, or None."""

    number: int | None = None


@contextmanager
def stop_signals(patient: bool = False) -> Iterator[StopFlag]:
    """Catch the first Ctrl-C or SIGTERM in a flag; a second one acts as if nothing were caught.

    With `patient`, further ones change nothing: torchrun passes on a Ctrl-C that its processes have had already.

    Outside the main thread, where Python delivers no signals, the flag stays None.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before = {number: signal.getsignal(number) for number in _WATCHED}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def catch(number: int, frame: FrameType | None) -> None:
        flag.number = number
        if not patient:
            restore()

    for number in _WATCHED:
        signal.signal(number, catch)
    try:
        yield flag
    finally:
        restore()
