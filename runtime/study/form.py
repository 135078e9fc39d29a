"""Whether a set is one for the nets of CIFAR or of ImageNet; known before its images are read. No torch here."""

from resnetc.runtime.data import MixedOutline, Outline

MAX_SMALL_SIDE = 64  # pixels: up to it images of one size are for the nets of CIFAR, whatever they are read from


def takes_photographs(outline: Outline | MixedOutline) -> bool:
    """Whether a set is one for the nets of ImageNet: photographs, unless all of them are small and of one size."""
    return isinstance(outline, MixedOutline) or (outline.fit is not None and max(outline.size) > MAX_SMALL_SIDE)
