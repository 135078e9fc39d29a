"""Code generation: a checked network in, Python text out."""
