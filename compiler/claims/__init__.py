"""Claims (`expect`): a checked network in, a contract with a verdict for each claim out."""
