"""Numbers and statements that depend on the input's size, and the search for counterexamples."""
