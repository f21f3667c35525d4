"""The worker: sync, run, act, write back."""
