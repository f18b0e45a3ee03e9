"""One module a program: the parts put to work."""
