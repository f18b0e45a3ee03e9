"""The words of `tune`."""
