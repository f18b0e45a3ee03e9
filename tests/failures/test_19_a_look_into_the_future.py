"""Failure 19: a decision uses what could not be known yet. Backtests then earn what no floor ever will.

The poison test: everything after a moment is replaced by something else; up to that moment every decision, with all
that is stored beside it, must be the same. Likewise outcomes, from the first second on: nobody reads them.
"""

import json
import random
from dataclasses import replace

import pytest

from hand_fed import TICKER, market, order_of
from histories import DEEP
from outcry.domain.fill import Fill as Booked
from outcry.domain.fill import Settlement as Paid
from outcry.domain.market import Status
from outcry.domain.order import Purpose, State
from outcry.domain.view import Answer, Bar, Quote, Verdict
from outcry.paper.events import Closed, Determined, Listed, Settled
from outcry.paper.generate.windows import close_of
from outcry.paper.replay.source import Replay
from outcry.strategies import catalogue
from outcry.strategies.strategy import Strategy
from outcry.trading import board
from outcry.trading.coordinator import Coordinator
from outcry.trading.events import Bars, Clock, Control, Fill, OrderUpdate, Place, Quotes, Restored, Settlement, Together
from outcry.trading.history import History
from outcry.trading.tempo import Tempo
from recorder import Recorder

LIFE_S = 240
MOMENTS = 20 if DEEP else 5
OTHER = "KXETH15M-26MAY130015-15"
REACH = {"strike_micros": 80_000_000_000, "strike_type": "greater_or_equal"}
TRIO = {"event_ticker": "KXWHO-26", "underlying": "", "exclusive": True}
MARKETS = (
    market(TICKER, **REACH),
    market(OTHER, underlying="ETH-USD", **REACH | {"strike_micros": 3_000_000_000}),
    *(market(f"KXWHO-26-{name}", **TRIO) for name in "ABC"),
)
QUICK = {  # of each strategy, settings under which a lively quarter of an hour makes it act
    "arbitrage": {"edge_cc": 1},
    "coin_flip": {"chance_millionths": 200_000, "hold_ms": 20_000},
    "digital": {"lookback_ms": 60_000, "every_ms": 1_000, "edge_cc": 0, "hold_ms": 20_000},
    "favorite": {"lowest_cc": 5_000, "highest_cc": 9_900, "within_ms": 86_400_000, "stop_loss_millionths": 50_000},
    "mean_reversion": {"lookback_ms": 5_000, "move_millionths": 1_500, "hold_ms": 20_000},
    "momentum": {"lookback_ms": 5_000, "move_millionths": 1_500, "hold_ms": 20_000},
    "order_flow": {"window_ms": 3_000, "push_millionths": 1, "signed_millionths": 1, "hold_ms": 20_000},
    "spread_capture": {
        "edge_cc": 0, "adverse_millionths": 0, "window_ms": 5_000, "toxic_millionths": 100_000_000,
        "move_millionths": 100_000, "most_ch": 100_000, "hold_ms": 20_000,
    },
    "technical": {"candle_ms": 1_000, "length": 3, "hold_ms": 20_000},
    "volume_spike": {
        "window_ms": 3_000, "baseline_ms": 20_000, "multiple_millionths": 1_500_000, "hold_ms": 20_000,
    },
}  # fmt: skip
EVEN = {"arbitrage", "spread_capture"}  # where everything fills at once, a basket is whole and two quotes are flat


# ---- a world --------------------------------------------------------------------------------------------------------


def world(seed: int) -> list:
    """What a trader hears in four minutes: each second while it goes on and complete, quotes, news of markets."""
    draw = random.Random(seed)
    events: list = [Restored(0), Control(0)]
    price = {"BTC-USD": 80_000_000_000, "ETH-USD": 3_000_000_000}
    middle = {TICKER: 5_000, OTHER: 4_000} | {f"KXWHO-26-{name}": 4_000 for name in "ABC"}
    running: list[Bar] = []
    for second in range(LIFE_S):
        at_ms = second * 1_000
        complete, running = running, []
        for symbol, before in price.items():
            price[symbol] = before + round(before * draw.gauss(0, 0.0008))
            running.append(bar(symbol, at_ms, price[symbol]))
        for ticker, before_cc in middle.items():
            now_cc = middle[ticker] = min(9_000, max(1_000, before_cc + 100 * draw.randint(-1, 1)))
            size = draw.choice([100, 300, 4_000])
            buys = draw.randint(0, size)
            running.append(replace(bar(ticker, at_ms, now_cc), volume_ch=size, buy_ch=buys, sell_ch=size - buys))
        early = [replace(one, close=one.close + 1, volume_ch=one.volume_ch // 2) for one in running]
        events.append(Bars(at_ms + 20, (*complete, *early)))
        for part_ms in (100, 600):
            shown = tuple(quote(ticker, at_ms + part_ms, cc, draw) for ticker, cc in middle.items())
            described = MARKETS if (second, part_ms) == (0, 100) else edited(draw)
            events.append(Quotes(at_ms + part_ms, 2 * second + part_ms // 500, shown, described))
        events.append(Clock(at_ms + 900))
    end_ms = LIFE_S * 1_000
    outcome = replace(MARKETS[0], status=Status.FINALIZED, result="yes", settlement_value_cc=10_000)
    events += [Quotes(end_ms, 9_999, (), (outcome,)), Settlement(end_ms, Paid(TICKER, 2, "yes", 10_000, end_ms))]
    return events


def bar(symbol: str, at_ms: int, close: int) -> Bar:
    return Bar(symbol, at_ms, close, close, close, close)


def quote(ticker: str, at_ms: int, middle_cc: int, draw: random.Random) -> Quote:
    bids, asks = ((middle_cc - 100, draw.randint(1_000, 9_000)),), ((middle_cc + 100, draw.randint(1_000, 9_000)),)
    heard = {"heard_at_ms": at_ms, "changed_at_ms": at_ms, "ticker_moved_at_ms": at_ms}
    return Quote(ticker, 1, at_ms, bids, asks, volume_ch=draw.randint(1, 10**6), trusted=True, **heard)


def edited(draw: random.Random) -> tuple:
    """News of a market: its words and its numbers, now and then."""
    if draw.random() > 0.05:
        return ()
    return (replace(MARKETS[0], title=f"edited {draw.random()}", volume_ch=draw.randint(1, 10**6)),)


# ---- poison ---------------------------------------------------------------------------------------------------------


def poisoned(events: list, after_ms: int, seed: int) -> list:
    """The same until `after_ms`; then nothing as it was. Seconds that are not over by then are poisoned too."""
    draw = random.Random(-seed - 1)
    return [spoilt(event, draw) if event.at_ms > after_ms else unfinished(event, after_ms, draw) for event in events]


def spoilt(event, draw: random.Random):
    match event:
        case Bars():
            return replace(event, bars=tuple(junk(one, draw) for one in event.bars))
        case Quotes():
            shown = tuple(quote(one.ticker, event.at_ms, 100 * draw.randint(2, 98), draw) for one in event.quotes)
            dead = tuple(replace(one, status=Status.CLOSED, close_at_ms=event.at_ms) for one in event.markets)
            return replace(event, quotes=shown, markets=dead)
        case Settlement():
            return replace(event, settlement=replace(event.settlement, result="no", value_cc=0))
        case Control():
            return replace(event, halted="poison")
    return event


def unfinished(event, after_ms: int, draw: random.Random):
    if not isinstance(event, Bars):
        return event
    return replace(event, bars=tuple(junk(one, draw) if one.at_ms + 1_000 > after_ms else one for one in event.bars))


def junk(one: Bar, draw: random.Random) -> Bar:
    close = draw.randint(1, 10**11)
    return Bar(one.symbol, one.at_ms, close, close, close, close, draw.randint(0, 10**6), draw.randint(0, 10**5))


def with_outcomes(events: list, seed: int) -> list:
    """Every description of a market tells, from the first second on, how it will end."""
    draw = random.Random(seed)

    def knowing(one):
        told = {"result": draw.choice(["yes", "no"]), "settlement_value_cc": draw.choice([0, 10_000])}
        return replace(one, **told, expiration_micros=draw.randint(1, 10**11))

    return [
        replace(event, markets=tuple(knowing(one) for one in event.markets)) if isinstance(event, Quotes) else event
        for event in events
    ]


# ---- a life ---------------------------------------------------------------------------------------------------------


def decisions(strategy, events: list, until_ms: int, seed: int) -> list:
    """Whatever the trader asked, noted or counted up to a time, each with its moment and the view it did so on.

    The gate allows everything, and everything is filled at its limit at once.
    """
    draws = random.Random(seed)
    trader, told, number = Coordinator(strategy, Tempo.of(30.0), 1.0, draws.random), [], 0
    waiting = list(reversed(events))
    while waiting:
        event = waiting.pop()
        if event.at_ms > until_ms:
            return told
        for command in trader.step(event):
            places = command.places if isinstance(command, Together) else (command,)
            told += [(event.at_ms, place) for place in places]
            for place in places:
                if isinstance(place, Place):
                    number += 1
                    waiting += reversed(carried_out(place, number, event.at_ms))
    return told


def carried_out(place: Place, number: int, at_ms: int) -> list:
    count_ch = place.count_ch or 500
    order, verdict = order_of(place, count_ch, at_ms), Verdict(Answer.ALLOWED, count_ch)
    done = replace(order, state=State.EXECUTED, order_id=f"x{number}", filled_ch=count_ch, booked_ch=count_ch)
    side, price_cc = place.intent.side, place.intent.limit_cc
    fill = Booked(f"t{number}", done.order_id, order.ticker, 2, side, price_cc, count_ch, 0, True, at_ms)
    return [OrderUpdate(at_ms, done, ticket=place.ticket, verdict=verdict), Fill(at_ms, fill)]


def asked(told: list, purpose: Purpose = Purpose.ENTRY) -> int:
    return sum(isinstance(one, Place) and one.purpose is purpose for _, one in told)


def without_outcome(told: list) -> list:
    """As `told`, with the outcome blotted out of the market beside each question: it is kept there, and not read."""
    blank = {"result": "", "settlement_value_cc": None, "expiration_micros": None}
    return [
        replace(one, market=replace(one.market, **blank), view=replace(one.view, market=None, siblings=()))
        if isinstance(one, Place)
        else one
        for _, one in told
    ]


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize("seed", range(3))
def test_what_comes_after_a_moment_changes_no_decision_before_it(name, seed):
    events, strategy = world(seed), catalogue.build(name, QUICK[name])
    true = decisions(strategy, events, LIFE_S * 1_000, seed)
    assert asked(true) >= 3, "it has to decide something"
    assert asked(true, Purpose.EXIT) >= 2 or name in EVEN
    moments = random.Random(seed)
    for _ in range(MOMENTS):
        after_ms = moments.randrange(60_000, LIFE_S * 1_000)
        before = [one for one in true if one[0] <= after_ms]
        assert decisions(strategy, poisoned(events, after_ms, seed), after_ms, seed) == before


@pytest.mark.parametrize("name", catalogue.names())
def test_no_decision_reads_how_a_market_will_end(name):
    events, strategy = world(5), catalogue.build(name, QUICK[name])
    told = decisions(strategy, events, LIFE_S * 1_000 - 1, 5)
    true = without_outcome(told)
    assert asked(told) >= 3
    for seed in range(2):
        known = decisions(strategy, with_outcomes(events, seed), LIFE_S * 1_000 - 1, 5)
        assert without_outcome(known) == true


def test_every_strategy_there_is_is_poisoned():
    assert set(QUICK) == set(catalogue.names())


# ---- who looks ahead is caught --------------------------------------------------------------------------------------


def test_a_second_that_is_not_over_would_be_noticed(monkeypatch):
    """The test itself, tried: let the history show the second that is going on, and the poison reaches a decision."""

    class Leaking(History):
        def complete(self, symbol: str, now_ms: int):
            return super().complete(symbol, now_ms + 1_000)

    monkeypatch.setattr(board, "History", Leaking)
    with pytest.raises(AssertionError):
        for seed in range(30):  # not every moment is one at which it decides
            test_what_comes_after_a_moment_changes_no_decision_before_it("momentum", seed)


def test_a_strategy_that_reads_an_outcome_would_be_noticed(monkeypatch):
    flip = catalogue.build("coin_flip", QUICK["coin_flip"])

    class Knowing(Strategy):
        warm_up_ms = 0

        def decide(self, view):
            return "it will be no" if view.market.result == "no" else flip.decide(view)

    monkeypatch.setattr(catalogue, "build", lambda *_: Knowing())
    with pytest.raises(AssertionError):
        test_no_decision_reads_how_a_market_will_end("coin_flip")


# ---- recordings -----------------------------------------------------------------------------------------------------

FIRST = "KXBTC15M-26MAY130945-45"
CLOSE_US = close_of(FIRST) * 1_000
SECOND_US = 1_000_000


def played(folder, result: str, tail: str) -> list:
    """A recording of a minute, beside a file that says how the market ended, as the replay tells it."""
    recorder, at_us = Recorder(), CLOSE_US - 60 * SECOND_US
    recorder.watch(at_us, FIRST, "2026-05-13T13:45:00Z", 80_128.27)
    recorder.snapshot(at_us + 10, FIRST, {"0.4000": "5.00"}, {"0.5800": "7.00"})
    for second in range(1, 60):
        size = tail if second > 30 else "1.00"
        recorder.delta(at_us + second * SECOND_US, FIRST, "yes", "0.3900", size)
    (folder / "markets").mkdir(parents=True)
    row = {"ticker": FIRST, "result": result}
    (folder / "markets" / "KXBTC15M_settlements.jsonl").write_text(json.dumps(row) + "\n")
    source = Replay([recorder.write(folder / "ws" / "a.jsonl.gz")], start_ms=0)
    told = []
    while (next_ms := source.next_at_ms()) is not None:
        told += source.advance(next_ms)
    return told


def test_a_recorded_outcome_is_told_only_after_the_close(tmp_path):
    """The result lies beside the recording from the start: nothing before the close is any different for it."""
    yes, no = played(tmp_path / "yes", "yes", "1.00"), played(tmp_path / "no", "no", "1.00")
    for told in (yes, no):
        kinds = [type(event) for event in told]
        assert kinds.index(Closed) < kinds.index(Determined) < kinds.index(Settled)
        listed = [event.market for event in told if isinstance(event, Listed)]
        assert {(one.result, one.settlement_value_cc, one.status) for one in listed} == {("", None, Status.ACTIVE)}
    assert (
        yes[: yes.index(next(event for event in yes if isinstance(event, Determined)))]
        == (no[: no.index(next(event for event in no if isinstance(event, Determined)))])
    )


def test_what_was_recorded_later_changes_nothing_that_is_played_before(tmp_path):
    calm, wild = played(tmp_path / "calm", "yes", "1.00"), played(tmp_path / "wild", "yes", "900.00")
    early = [event for event in calm if event.at_ms <= 30_000]
    assert len(early) >= 30 and early == [event for event in wild if event.at_ms <= 30_000]
    assert calm != wild
