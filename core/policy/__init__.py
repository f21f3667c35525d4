"""The policy: what a company decides."""
