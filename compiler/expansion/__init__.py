"""Expansion: a model and its arguments in, a network out."""
