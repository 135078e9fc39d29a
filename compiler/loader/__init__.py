"""Files, `use` and the shipped specs: paths in, parsed spec files out."""
