"""The driver: files and settings in; checked networks, diagnostics and output files out."""
