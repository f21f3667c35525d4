"""Channels: how a notice reaches the customer."""
