"""Telling a person what is wrong: once, in time, and again when nobody could be reached."""
