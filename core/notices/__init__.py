"""Notices: the words a customer reads."""
