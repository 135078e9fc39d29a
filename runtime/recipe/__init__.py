"""The recipe of a run: its keys and their rules, the files that it is read from, and what others call the keys."""
