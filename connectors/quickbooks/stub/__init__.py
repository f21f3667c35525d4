"""A stand-in of QuickBooks Online."""
