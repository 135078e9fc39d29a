"""Warnings about networks that are right and that nobody means: codes `W06xx`, silenced by `// allow CODE: reason`."""
