"""History: what was done, and proof of it."""
