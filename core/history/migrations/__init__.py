"""Migrations of the history database."""
