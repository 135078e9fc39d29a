"""The expanded network as data: what every later phase reads."""
