"""A trader's life run again: the publishes it read from the tape, all else that it heard from its journal."""
