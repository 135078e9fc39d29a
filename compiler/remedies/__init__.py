"""What to write instead: repairs that are compiled again before they are offered."""
