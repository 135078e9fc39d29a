"""Several processes that train one network together: what `torchrun` starts, and the share of each in a batch."""
