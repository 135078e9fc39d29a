"""Networks as torch modules: loading, summary, weight averaging, activation checkpointing."""
