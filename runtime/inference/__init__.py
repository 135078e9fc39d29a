"""The use of a finished run: its network with its weights, and what it can be given to predict."""
