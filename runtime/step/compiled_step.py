"""A step whose network is compiled: the first batch tries it, and where that fails the network runs as it is."""

from collections.abc import Callable

from torch import Tensor

from resnetc.runtime.step.compilation import Compilation
from resnetc.runtime.step.moment import Moment
from resnetc.runtime.step.training_step import TrainingStep


class CompiledStep:
    """Rehearses the first step, in which all is compiled; then takes the steps of `step`.

    Where torch cannot compile the network, `tell` is told the reason.
    """

    def __init__(self, step: TrainingStep, compilation: Compilation, tell: Callable[[str], None]) -> None:
        self._step, self._compilation, self._tell = step, compilation, tell
        self._is_rehearsed = False

    def __call__(
        self, moment: Moment, index: Tensor, pixels: Tensor, before_update: Callable[[], None] = lambda: None
    ) -> None:
        """Train on the images `index`."""
        if not self._is_rehearsed:
            self._is_rehearsed = True
            try:
                self._step.rehearse(moment, index, pixels)
            except Exception as fault:  # whatever it is: as it is, the network either runs or says what is wrong
                reason = str(fault).strip().partition("\n")[0] or type(fault).__name__
                self._compilation.stop()
                self._tell(f"torch cannot compile this network here: {reason}")
        self._step(moment, index, pixels, before_update)

    def forget_gradients(self) -> None:
        """Be as before a step that was not finished."""
        self._step.forget_gradients()
