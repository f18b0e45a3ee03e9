"""Recordings of other people as days of tape: one file a format, all of them made into the same entries."""
