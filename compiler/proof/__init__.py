"""The proof: a network in; the input sizes that it accepts, or an error, out."""
