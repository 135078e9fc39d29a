"""Compile-time evaluation: expressions in, values out."""
