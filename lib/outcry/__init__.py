"""Outcry: a Kalshi trading floor for one Linux box."""

__version__ = "0.1.0"
