"""Price-time matching of accounts' orders against displayed foreign size. Pure integers; filled in next."""


class MarketBook:
    """One market's book: what others display and what the accounts rest."""
