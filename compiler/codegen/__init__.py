"""From a proved network to Python text."""
