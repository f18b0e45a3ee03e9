"""Markets as they were recorded, in the exchange's own time, held against the recording's own tickers."""
