"""A backtest of hand-made tapes: what acts when, at what price, for what fee, and what nobody may know yet."""

from dataclasses import dataclass, replace

import pytest

from outcry.domain.limits import Limits
from outcry.domain.order import Side, State, TimeInForce
from outcry.domain.view import Intent, View
from outcry.research.backtest import Terms, run
from outcry.research.backtesting.report import report_of
from outcry.research.tape import Day
from outcry.strategies.strategy import Strategy
from taped import Recorder

TICKER = "E-1"
FILE = "2026-11-20.db"


@dataclass(frozen=True, slots=True)
class Once(Strategy):
    """Bids once, at 50 cents, as soon as there is a book, and it holds nothing and nothing of it rests."""

    side: Side = Side.BID
    limit_cc: int = 5_000
    rests: bool = False
    probability: float | None = None

    @property
    def warm_up_ms(self) -> int:
        return 0

    def decide(self, view: View) -> Intent | str:
        if view.position_ch or view.resting or not view.quote.bids:
            return "has it, or sees no book"
        tif = TimeInForce.GTC if self.rests else TimeInForce.IOC
        return Intent(
            TICKER, self.side, self.limit_cc, "once", self.probability, tif, post_only=self.rests,
            stop_loss_millionths=1_000_000,
        )  # fmt: skip


@pytest.fixture
def tape(tmp_path):
    """A market with 100 contracts at 49 and at 50 cents, about to be played."""
    recorder = Recorder(tmp_path / FILE)
    recorder.market(TICKER, recorder.at_ms + 900_000)
    recorder.whole(TICKER, 1, {4_900: 10_000, 4_800: 10_000}, {5_000: 10_000, 5_100: 10_000})
    return recorder


ANY_PRICE = Limits(max_spread_and_fee_millionths=1_000_000)


def play(tape, strategy, **terms):
    tape.close()
    return again(tape, strategy, **terms)


def again(tape, strategy, **terms):
    with Day(tape.file) as day:
        return run(strategy, day.sessions, Terms(limits=ANY_PRICE, **terms))


def quiet(tape, seconds):
    """Time goes on, and far from the touch something happens each tenth of a second."""
    for turn in range(seconds * 10):
        tape.delta(TICKER, tape.arrival, 100, 100 if turn % 2 == 0 else -100)


def settle(tape, value_cc):
    result = "yes" if value_cc else "no"
    facts = {"result": result, "value_cc": value_cc, "expiration_micros": None, "source": "recorded"}
    tape.note("settlement", facts, name=TICKER)


def test_a_taker_pays_the_ask_and_its_fee_and_is_paid(tape):
    quiet(tape, 3)
    settle(tape, 10_000)
    quiet(tape, 1)
    result = play(tape, Once())
    (fill,) = result.trader.fills
    assert (fill.price_cc, fill.is_taker) == (5_000, True)
    contracts = fill.count_ch // 100
    assert fill.fee_micros == -(-contracts * 17_500 // 100) * 100
    report = report_of(result)
    assert report.net == pytest.approx(contracts * 0.5 - fill.fee_micros / 1e6)
    assert (report.trades, report.open_trades, report.events, report.conclusive) == (1, 0, 1, False)
    assert report.slippage_cc == 0 and report.maker_share == 0


def test_an_order_acts_on_the_book_that_is_there_after_the_latency(tape):
    quiet(tape, 1)
    tape.delta(TICKER, tape.arrival, -5_000, -10_000)  # half a second after the first look nobody sells at 50 any more
    quiet(tape, 3)
    early, late = play(tape, Once(), latency_ms=100), again(tape, Once(), latency_ms=2_000)
    assert early.trader.fills[0].price_cc == 5_000
    assert late.trader.fills == []
    first = late.trader.asked[0]
    assert first.order is not None and first.order.state is State.PLANNED
    assert late.account.position_ch(TICKER) == 0


def test_what_was_taken_is_gone_while_the_tape_goes_on_showing_it(tape):
    quiet(tape, 3)
    result = play(tape, replace(Once(), limit_cc=5_100), capital_micros=10**9, allocation_micros=10**9)
    bought = result.trader.fills[0]
    shown = result.trader.coordinator.board.quotes[TICKER]
    assert shown.asks[0] == (5_000, 10_000 - bought.count_ch)


def test_a_maker_waits_for_all_that_stands_before_it(tape):
    quiet(tape, 2)
    for _ in range(2):
        tape.trade(TICKER, 4_900, 6_000, taker=-1)
        tape.delta(TICKER, tape.arrival, 4_900, -4_000)
        quiet(tape, 2)
    result = play(tape, replace(Once(), limit_cc=4_900, rests=True), latency_ms=50)
    assert sum(fill.count_ch for fill in result.trader.fills) == 2_000
    assert all(not fill.is_taker and fill.fee_micros == 0 for fill in result.trader.fills)


def test_cancels_ahead_count_only_where_that_is_assumed(tape):
    quiet(tape, 2)
    tape.delta(TICKER, tape.arrival, 4_900, -8_000)
    tape.delta(TICKER, tape.arrival, 4_900, 8_000)
    tape.trade(TICKER, 4_900, 3_000, taker=-1)
    quiet(tape, 2)
    strategy = replace(Once(), limit_cc=4_900, rests=True)
    pessimistic = play(tape, strategy, latency_ms=50)
    proportional = again(tape, strategy, latency_ms=50, proportional=True)
    held = [sum(fill.count_ch for fill in result.trader.fills) for result in (pessimistic, proportional)]
    assert held[0] <= held[1] and held[1] > 0


def test_nothing_is_traded_while_the_book_is_not_known(tape):
    tape.note("disconnected", {"reason": "gone"})
    quiet(tape, 3)
    tape.ticker(TICKER, (4_900, 100), (5_000, 100))
    quiet(tape, 1)
    result = play(tape, Once())
    assert result.trader.fills == [] and all(asked.order is None for asked in result.trader.asked)


def test_a_market_of_which_only_tickers_were_recorded_has_the_touch_that_they_tell(tmp_path):
    recorder = Recorder(tmp_path / FILE)
    recorder.market(TICKER, recorder.at_ms + 900_000)
    for turn in range(40):
        recorder.ticker(TICKER, (4_900, 10_000), (5_000, 6_000 + 100 * (turn % 2)))
    result = play(recorder, replace(Once(), limit_cc=5_100))
    quote = result.trader.coordinator.board.quotes[TICKER]
    assert quote.bids == ((4_900, 10_000),) and quote.asks[0][0] == 5_000 and len(quote.asks) == 1
    assert {(fill.price_cc, fill.is_taker) for fill in result.trader.fills} == {(5_000, True)}
    assert result.unbooked == set() and result.changes == 0


def test_a_market_with_trades_only_is_never_entered_and_named_in_the_report(tmp_path):
    recorder = Recorder(tmp_path / FILE)
    recorder.market(TICKER, recorder.at_ms + 900_000)
    for _ in range(40):
        recorder.trade(TICKER, 5_000, 300, taker=1)
    result = play(recorder, Once())
    assert result.trader.fills == [] and all(asked.order is None for asked in result.trader.asked)
    assert result.unbooked == {TICKER}
    assert "1 of 1 markets have no book on this tape: not traded" in report_of(result).assumptions


def test_a_result_on_the_tape_is_unknown_before_its_place(tape):
    quiet(tape, 2)
    seen = []

    @dataclass(frozen=True, slots=True)
    class Curious(Once):
        def decide(self, view: View) -> str:
            seen.append((view.now_ms, view.market.result, view.market.settlement_value_cc))
            return "looks"

    told_ms = tape.at_ms
    tape.market(TICKER, told_ms + 500_000, result="yes", settlement_value_cc=10_000)
    quiet(tape, 2)
    play(tape, Curious())
    assert {facts for at_ms, *facts in seen for facts in [tuple(facts)] if at_ms < told_ms} == {("", None)}
    assert any(at_ms > told_ms and result == "yes" for at_ms, result, _ in seen)


def test_own_orders_of_the_floor_that_recorded_are_left_out(tape):
    tape.delta(TICKER, tape.arrival, 4_950, 700)
    tape.tape.note("own", tape.arrival, tape.at_ms * 1_000_000, {"client_order_id": "oc-x"}, epoch=1, name=TICKER)
    quiet(tape, 2)
    result = play(tape, replace(Once(), limit_cc=100))
    assert result.trader.coordinator.board.quotes[TICKER].bids[0] == (4_900, 10_000)


def test_stated_probabilities_are_held_against_the_result(tape):
    quiet(tape, 3)
    settle(tape, 0)
    quiet(tape, 1)
    report = report_of(play(tape, replace(Once(), probability=0.75)))
    assert report.brier == pytest.approx(0.75**2) and report.brier_price == pytest.approx(0.495**2)
    assert [(one.low, one.came) for one in report.calibration] == [(0.7, 0.0)]
    assert report.net < 0 and report.worst_day is not None and report.worst_day[1] == pytest.approx(report.net)


def test_the_same_tape_and_seed_give_the_same_result(tape):
    quiet(tape, 3)
    first, second = play(tape, Once()), again(tape, Once())
    assert report_of(first) == report_of(second) and first.trader.fills == second.trader.fills != []
