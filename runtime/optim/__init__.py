"""The optimizer of a recipe and its learning rates."""
