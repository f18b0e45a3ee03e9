"""The parts of a parameter search: how markets are split, what is searched, by whom, and how the winner is judged."""
