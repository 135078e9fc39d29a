"""Residual networks as text: `.resnet` specs compiled to PyTorch modules."""

__version__ = "0.1.0"
