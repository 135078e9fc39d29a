"""A network in, the input sizes that it accepts out, or the reason why there are none."""
