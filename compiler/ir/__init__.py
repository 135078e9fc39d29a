"""The expanded network as data, which all later phases read."""
