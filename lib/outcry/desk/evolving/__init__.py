"""The parts of `evolve`: how agents stand, what is done about it, and what people do by hand."""
