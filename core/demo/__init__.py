"""The demo: a sample company and its books."""
