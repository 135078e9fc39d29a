"""Modules of models: how they are loaded, summarized, averaged and recomputed."""
