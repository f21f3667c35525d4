"""The files ledger: a folder of CSV books."""
