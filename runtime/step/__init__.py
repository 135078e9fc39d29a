"""The training step, from tensors on the device to tensors on the device. These modules import torch alone, so that
they run wherever torch does."""
