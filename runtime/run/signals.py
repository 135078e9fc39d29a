"""Turns Ctrl-C and SIGTERM into a flag that the loop checks between steps; before the loop, Ctrl-C exits at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_INTERRUPTED_STATUS = 130


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Inside the context, Ctrl-C exits at once with status 130: while importing and reading there is nothing to save.

    A KeyboardInterrupt would be raised inside the imports of NumPy and torch, which then fail in other ways or swallow
    it. An ignored Ctrl-C stays ignored.
    """
    is_main_thread = threading.current_thread() is threading.main_thread()
    if not is_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(_INTERRUPTED_STATUS))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class StopFlag:
    """`number` is the signal that asks the run to stop, or None."""

    number: int | None = None


@contextmanager
def catch_stop_signals(is_patient: bool = False) -> Iterator[StopFlag]:
    """Catch the first Ctrl-C or SIGTERM in a flag; a second one has its usual effect.

    With `is_patient`, further ones have no effect: torchrun forwards a Ctrl-C that its processes have already
    received. Outside the main thread, where Python delivers no signals, the flag stays None.
    """
    flag = StopFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    handlers = {number: signal.getsignal(number) for number in _STOP_SIGNALS}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def catch(number: int, frame: FrameType | None) -> None:
        flag.number = number
        if not is_patient:
            restore()

    for number in _STOP_SIGNALS:
        signal.signal(number, catch)
    try:
        yield flag
    finally:
        restore()
