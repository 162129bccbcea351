"""Ripost: the discussion server for articles. Every article has one log, and everyone is a cursor into it."""

__version__ = "0.1.0"
