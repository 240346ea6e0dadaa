"""Takedowns added, removed and applied: what is to go goes from everywhere it was copied to."""
