"""The clerk's parts: bookings, look-ups, agreement with the exchange, breakers."""
