"""Markets made up: an index walk, a crowd of makers and takers, windows."""
