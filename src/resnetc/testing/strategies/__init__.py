"""Hypothesis strategies for specs, their parts, and input sizes."""
