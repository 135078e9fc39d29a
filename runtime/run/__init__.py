"""The run folder: its files, how they are written, how a run stops and resumes."""
