"""Claims about residual networks, re-run: what each study trains and measures, and what that says of the claim."""
