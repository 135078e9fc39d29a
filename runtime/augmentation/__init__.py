"""Changes to a whole batch on the device: pure functions of (seed, epoch, index of the image). Imports torch alone."""
