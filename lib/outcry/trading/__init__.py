"""The trader without I/O: events in, commands out."""
