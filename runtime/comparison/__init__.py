"""Several networks under one recipe and the same seeds: their runs, a table and curves."""
