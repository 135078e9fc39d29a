"""Remedies: what to write instead of a statement that does not fit; a change is recompiled before it is suggested."""
