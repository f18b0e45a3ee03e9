"""What goes wrong when asked to."""
