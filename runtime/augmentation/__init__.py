"""Changes to training images: to a decoded photograph in a worker, or to a whole batch on the device.

All are functions of (seed, epoch, index of the image) alone.
"""
