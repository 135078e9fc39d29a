"""The formatter: a syntax tree with its comments in, canonical text out."""
