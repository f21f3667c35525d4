"""Connectors: one folder for each ledger; nothing here knows dunning."""
