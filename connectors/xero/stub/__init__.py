"""A stand-in of Xero."""
