"""The command line: `puntual`."""

from .main import main

__all__ = ["main"]
