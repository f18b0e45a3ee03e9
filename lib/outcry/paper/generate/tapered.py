"""The price grid of the crypto markets, `tapered_deci_cent`: cents in the middle, tenths of a cent at the edges."""

from outcry.domain.market import PriceRange

TAPERED_DECI_CENT = (PriceRange(0, 1_000, 10), PriceRange(1_000, 9_000, 100), PriceRange(9_000, 10_000, 10))


def floor_cc(price: float) -> int:
    """The nearest price of the tapered grid at or below.

    >>> floor_cc(4_299.9), floor_cc(995), floor_cc(9_018)
    (4200, 990, 9010)
    """
    step = 100 if 1_000 <= price <= 9_000 else 10
    return int(price // step) * step


def ceil_cc(price: float) -> int:
    """The nearest price of the tapered grid at or above.

    >>> ceil_cc(4_200.1), ceil_cc(991), ceil_cc(9_001)
    (4300, 1000, 9010)
    """
    step = 100 if 1_000 <= price <= 9_000 else 10
    return -int(-price // step) * step


def prices() -> list[int]:
    """All prices an order may carry."""
    return [*range(10, 1_000, 10), *range(1_000, 9_000, 100), *range(9_000, 10_000, 10)]
