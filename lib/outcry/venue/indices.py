"""The exchange's names of the indices that crypto markets settle on."""

_OWN_NAMES = {"BTC-USD": "BRTI"}


def index_id(symbol: str) -> str:
    """The index behind a spot symbol.

    >>> index_id("BTC-USD"), index_id("ETH-USD")
    ('BRTI', 'ETHUSD_RTI')
    """
    return _OWN_NAMES.get(symbol) or symbol.replace("-", "") + "_RTI"
