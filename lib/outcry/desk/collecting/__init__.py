"""The collector's parts: books, bars, discovery, the tape."""
