"""The core: what is the same for every ledger."""
