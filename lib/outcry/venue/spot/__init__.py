"""Index prices from places other than Kalshi."""
