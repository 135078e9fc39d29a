"""Diagnostics as data, their renderers, code excerpts, and the pages of `resnetc explain`."""
