"""The parts of verification: what is named, what is read, and what is not as it should be."""
