"""The whole step as one graph of the device: recorded once, then started by one call instead of one for each kernel.

A small network's kernels are done before the host has launched the next; a graph launches all of them at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from resnetc.runtime.step.device_numbers import DeviceMoment
from resnetc.runtime.step.moment import Moment

WARM_UP_STEPS = 3  # that a device takes before all that they allocate once is there


class Recorder(Protocol):
    """Records what an action launches on a device."""

    def warm_up(self, action: Callable[[], None]) -> None:
        """Do the action as it will be recorded."""

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        """What does the action again, every time it is called. The action itself launches nothing here."""


class CudaRecorder:
    """Records CUDA graphs. Those of several batch shapes share their memory, since one is replayed at a time."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types for it
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, action: Callable[[], None]) -> None:
        """Do the action on the stream on which it will be recorded."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            action()
        current.wait_stream(self._stream)

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        """The replay of the action's graph."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
            action()
        return graph.replay


class Step(Protocol):
    """A step that can be recorded."""

    def __call__(
        self, moment: Moment, index: Tensor, pixels: Tensor, before_update: Callable[[], None] = lambda: None
    ) -> None:
        """Train on the images `index`."""

    def forget_gradients(self) -> None:
        """Be as before a step that was not finished."""


@dataclass
class _Recording:
    """The place of a batch in memory, how many steps have warmed up with it, and the replay once there is one."""

    index: Tensor
    pixels: Tensor
    warm_ups: int = 0
    replay: Callable[[], None] | None = None


class GraphedStep:
    """A step whose numbers lie on the device, and which is recorded and replayed there if there is a recorder.

    The first steps with a shape of batch warm up. A step that cannot be recorded is taken as it is from then on, and
    `tell` is told the reason.
    """

    def __init__(
        self, step: Step, device: torch.device, recorder: Recorder | None, tell: Callable[[str], None]
    ) -> None:
        self._step, self._recorder, self._tell = step, recorder, tell
        self._numbers = DeviceMoment(device)
        self._recordings: dict[tuple[torch.Size, torch.Size], _Recording] = {}

    def __call__(
        self, moment: Moment, index: Tensor, pixels: Tensor, before_update: Callable[[], None] = lambda: None
    ) -> None:
        """Train on the images `index`. A step that is recorded calls `before_update` at its end."""
        numbers = self._numbers.set(moment)
        if self._recorder is None:
            self._step(numbers, index, pixels, before_update)
            return
        recording = self._place(index, pixels)

        def action() -> None:
            self._step(numbers, recording.index, recording.pixels)

        if recording.replay is None and recording.warm_ups < WARM_UP_STEPS:
            recording.warm_ups += 1
            self._recorder.warm_up(action)
        else:
            replay = recording.replay or self._record(self._recorder, action)
            recording.replay = replay
            replay()
        before_update()

    def forget_gradients(self) -> None:
        """Be as before a step that was not finished."""
        self._step.forget_gradients()

    def _place(self, index: Tensor, pixels: Tensor) -> _Recording:
        """The recording for batches of this shape, with this batch in its memory."""
        key = index.shape, pixels.shape
        if key not in self._recordings:
            self._recordings[key] = _Recording(index.clone(), pixels.clone())
        recording = self._recordings[key]
        recording.index.copy_(index, non_blocking=True)
        recording.pixels.copy_(pixels, non_blocking=True)
        return recording

    def _record(self, recorder: Recorder, action: Callable[[], None]) -> Callable[[], None]:
        """The replay of an action; the action itself where it cannot be recorded."""
        try:
            return recorder.record(action)
        except Exception as fault:  # whatever it is: without a graph it either does not happen or happens again
            reason = str(fault).strip().partition("\n")[0] or type(fault).__name__
            self._recorder = None
            self._recordings.clear()
            self._step.forget_gradients()
            self._tell(f"a step cannot be captured here: {reason}")
            return action
