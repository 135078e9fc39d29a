"""Syntax tree with its comments in, canonical text out."""
