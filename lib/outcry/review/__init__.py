"""After the fact, pure: metrics and reports."""
