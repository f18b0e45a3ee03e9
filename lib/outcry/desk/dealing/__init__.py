"""A trader's parts: what it hears, how it asks and places, what it records."""
