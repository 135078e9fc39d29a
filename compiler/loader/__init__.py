"""The loader: paths in, parsed spec files out; `use` and the shipped specs."""
