"""What is learned from tapes: compiled days, backtests, searches for settings."""
