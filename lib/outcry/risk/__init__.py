"""Sizing, and one rule a file. No I/O."""
