"""Which markets go together."""

import pytest

from outcry.domain.groups import Bet, correlated


def window(ticker, underlying="BTC-USD", open_at_ms=0, close_at_ms=900):
    return Bet(ticker, "", underlying, open_at_ms, close_at_ms)


NFL = Bet("KXNFLGAME-26OCT12BUFLAR-LAR")


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (Bet("A-1-X"), Bet("A-1-X"), True),
        (Bet("A-1-X"), Bet("A-1-Y"), True),  # by the ticker, when nobody described it
        (Bet("A-1-X"), Bet("A-2-X"), False),
        (Bet("A-1-X", "E-1"), Bet("B-1-X", "E-1"), True),
        (window("KXBTC15M-26MAY130945-45"), window("KXBTCD-26MAY1310-T1"), True),
        (window("KXBTC15M-26MAY130945-45"), window("KXETH15M-26MAY130945-45", "ETH-USD"), False),
        (window("B-1-1", close_at_ms=900), window("B-2-1", open_at_ms=900, close_at_ms=1_800), False),
        (window("B-1-1", close_at_ms=901), window("B-2-1", open_at_ms=900, close_at_ms=1_800), True),
        (window("B-1-1", open_at_ms=100), window("B-2-1", close_at_ms=100), False),
        (window("B-1-1", ""), window("C-1-1", ""), False),
        (NFL, Bet("KXNFLTOTAL-26OCT12BUFLAR-45"), True),
        (NFL, Bet("KXNFLGAME-26OCT12BUFLAR-BUF"), True),
        (NFL, Bet("KXNFLTOTAL-26OCT12BUFMIA-45"), False),
        (NFL, Bet("KXNFLTOTAL-26OCT19BUFLAR-45"), False),
        (Bet("KXMLBGAME-26OCT072000TBNYY-NYY"), Bet("KXMLBTOTAL-26OCT072000TBNYY-8"), True),
        (Bet("KXHIGHNY-26MAY13-B70"), Bet("KXRAINNY-26MAY13-T1"), False),  # the same day is no game
        (Bet("KXBTC15M-26MAY130945-45"), Bet("KXETH15M-26MAY130945-45"), False),  # nor the same minute
    ],
)
def test_what_goes_together(one, other, together):
    assert correlated(one, other) == correlated(other, one) == together
