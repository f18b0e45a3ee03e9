"""Kalshi's wire: signing, REST, stream, shapes, fees, budget."""
