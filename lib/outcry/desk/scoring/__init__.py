"""The halves of `score`: what is scored, each in its own module."""
