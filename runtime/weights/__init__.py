"""Weights of elsewhere: files read with nothing of them executed, their names found again, their shapes adapted."""
