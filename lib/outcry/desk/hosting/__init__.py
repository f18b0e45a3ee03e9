"""The local exchange's parts: its faults as asked for, the exchange it mirrors."""
