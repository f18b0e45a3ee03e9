"""Nouns and their arithmetic: units, market, book, order, fill, ledger, errors. No I/O."""
