"""The folder of a run: what stands in it, how it is written, how a run stops and resumes."""
