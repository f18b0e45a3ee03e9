"""The drill's parts: a floor of its own, what is done to it, and what is told of that."""
