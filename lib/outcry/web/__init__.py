"""The dashboard: the floor as a page, as messages, as JSON and as Prometheus text. It reads, and can change nothing."""
