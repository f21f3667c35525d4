"""Many companies, one clock: who is there, what is due, who works on it, and what went wrong."""
