"""Shape rules: an operation and the shapes of its inputs in, the shapes of its outputs out."""
