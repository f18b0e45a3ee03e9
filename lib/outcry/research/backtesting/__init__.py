"""A backtest's parts: books from columns, one agent's account, the trader around the coordinator, what it made."""
