"""Whether a day of tape tells the truth: sequence, books, tickers and snapshots against books, settlements."""
