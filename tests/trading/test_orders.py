import pytest

from hand_fed import TICKER, intent, market, resting_order
from outcry.domain.order import Purpose, Side, State
from outcry.domain.view import Exposure
from outcry.trading.events import Control
from outcry.trading.orders import OrderService, expiry_ms, reservation, unwanted
from outcry.trading.tempo import Tempo


def fee(is_taker, price_cc, count_ch):
    return 7 * count_ch if is_taker else 0


def reserve(purpose, side, account_ch, **more):
    exposure = Exposure(0, 0, account_position_ch=account_ch)
    return reservation(purpose, intent(side, 4_000, **more), exposure, 1_000, fee)


def test_an_entry_reserves_its_whole_cost_and_fee_on_either_side():
    assert reserve(Purpose.ENTRY, Side.BID, 0) == (False, 1_000 * 4_000 + 7_000)
    assert reserve(Purpose.ENTRY, Side.ASK, 0) == (False, 1_000 * 6_000 + 7_000)
    assert reserve(Purpose.ENTRY, Side.ASK, 5_000) == (False, 1_000 * 6_000 + 7_000), (
        "the account's position is others'"
    )
    assert reserve(Purpose.ENTRY, Side.BID, 0, post_only=True) == (False, 1_000 * 4_000)


@pytest.mark.parametrize(
    ("side", "account_ch", "covered"),
    [(Side.ASK, 1_000, True), (Side.ASK, 999, False), (Side.ASK, -5_000, False),
     (Side.BID, -1_000, True), (Side.BID, -999, False), (Side.BID, 5_000, False)],
)  # fmt: skip
def test_an_exit_is_reduce_only_exactly_where_the_account_alone_covers_it(side, account_ch, covered):
    reduce_only, micros = reserve(Purpose.EXIT, side, account_ch)
    whole = 1_000 * (4_000 if side is Side.BID else 6_000) + 7_000
    assert (reduce_only, micros) == ((True, 7_000) if covered else (False, whole))


def test_an_expiry_is_a_whole_second_within_ten_minutes_and_before_the_close():
    assert expiry_ms(Tempo(), market(close_at_ms=5_000_000), 1_234) == 601_000
    assert expiry_ms(Tempo(), market(close_at_ms=100_500), 1_234) == 95_000
    assert expiry_ms(Tempo(), market(close_at_ms=7_000), 1_234) is None


def service_that_heard(*counts_ch):
    """A service whose positions have heard so much of every order."""
    heard = list(counts_ch)
    return OrderService(Tempo(), lambda order: sum(heard)), heard


def test_an_order_is_let_go_when_it_is_over_and_its_fills_are_heard():
    service, heard = service_that_heard()
    order = resting_order()
    service.take(order)
    assert service.entering(TICKER) and not service.exiting(TICKER) and service.resting() == [order]
    over = resting_order(state=State.CANCELED, filled_ch=300)
    service.take(over)
    assert service.entering(TICKER) and service.resting() == [] and not service.in_doubt()
    service.take(resting_order(state=State.CANCELED, filled_ch=300, booked_ch=300))
    assert service.entering(TICKER), "booked, but the positions do not show it yet"
    heard.append(300)
    service.heard_fill()
    assert not service.entering(TICKER) and service.tickers() == set()


@pytest.mark.parametrize(
    ("state", "doubtful"),
    [(State.PLANNED, True), (State.SENT, True), (State.UNKNOWN, True), (State.PRESUMED_ABSENT, False),
     (State.RESTING, False)],
)  # fmt: skip
def test_what_is_in_doubt(state, doubtful):
    service, _ = service_that_heard()
    service.take(resting_order(state=state))
    assert service.in_doubt() is doubtful


def test_an_unwanted_entry_says_why():
    tempo = Tempo()
    assert unwanted(None, None, tempo) == "" and unwanted(Control(1), 1_999, tempo) == ""
    assert unwanted(Control(1, halted="fire"), None, tempo) == "fire"
    assert unwanted(Control(1, retired=True), None, tempo) == "agent retired"
    assert "untrusted" in unwanted(Control(1), 2_000, tempo)
