"""What was at risk at every instant, from the exchange's own record alone: its orders, fills and settlements.

Whose an order is says its client id; what it may cost, its price and what of it may still fill. Of our own records
nothing is read: not the stored exposure, not the verdicts, not the ledger. Fees come on top and are left out.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from outcry.domain.limits import Limits

DOLLAR_CC, ALL = 10_000, 1_000_000


class Capital(NamedTuple):
    """What the limits are shares of: the capital of each trading day (from when on, micro-dollars), and allocations."""

    by_day: tuple[tuple[int, int], ...]
    allocations: dict[str, int]

    def at(self, at_ms: int) -> int:
        """In force when an order was asked about that reached the exchange now."""
        began = [micros for since_ms, micros in self.by_day if since_ms <= at_ms]
        just_now = [micros for since_ms, micros in self.by_day if since_ms <= at_ms - 5_000]
        return max([*began[-1:], *just_now[-1:]], default=0)


@dataclass
class Line:
    """One agent in one market."""

    position_ch: int = 0
    cost: Fraction = Fraction(0)
    orders: dict[str, list[int]] = field(default_factory=dict)  # order -> sign, price, count that may still fill

    def filled(self, order_id: str, price_cc: int, count_ch: int) -> None:
        order = self.orders[order_id]
        order[2] -= count_ch
        closed_ch = min(count_ch, max(0, -order[0] * self.position_ch))
        if closed_ch:
            self.cost *= Fraction(abs(self.position_ch) - closed_ch, abs(self.position_ch))
        self.cost += (count_ch - closed_ch) * (price_cc if order[0] > 0 else DOLLAR_CC - price_cc)
        self.position_ch += order[0] * count_ch

    def at_worst(self) -> tuple[int, int]:
        """(micro-dollars, contracts) if all that is open fills. What closes the agent's own position costs nothing."""
        covered_ch, micros, count_ch = abs(self.position_ch), int(self.cost), abs(self.position_ch)
        for sign, price_cc, open_ch in self.orders.values():
            closing_ch = min(open_ch, covered_ch) if sign * self.position_ch < 0 else 0
            covered_ch -= closing_ch
            micros += (open_ch - closing_ch) * (price_cc if sign > 0 else DOLLAR_CC - price_cc)
            count_ch += open_ch - closing_ch
        return micros, count_ch


def breaches(exchange: sqlite3.Connection, prefix: str, limits: Limits, capital: Capital) -> list[str]:
    """Every instant at which orders whose client id begins with `prefix` put more at risk than a limit allows."""
    lines: dict[tuple[str, str], Line] = defaultdict(Line)
    found = []
    for at_ms, what, row in _history(exchange, prefix):
        if what == "paid":
            for key in [key for key in lines if key[1] == row["ticker"]]:
                del lines[key]
            continue
        agent = row["client_order_id"].removeprefix(prefix).rpartition("-")[0]
        line = lines[agent, row["ticker"]]
        if what == "placed":
            line.orders[row["order_id"]] = [1 if row["side"] == "bid" else -1, row["price_cc"], row["initial_ch"]]
        elif what == "filled":
            line.filled(row["order_id"], row["price_cc"], row["count_ch"])
        else:
            line.orders.pop(row["order_id"], None)
        found += [f"{at_ms} {row['client_order_id']}: {why}" for why in _over(lines, agent, at_ms, limits, capital)]
    return found


def _history(exchange: sqlite3.Connection, prefix: str) -> Iterator[tuple[int, str, sqlite3.Row]]:
    """What happened, in order. In one millisecond: what ended or paid, what was placed, how that filled and ended."""
    ours = [row for row in exchange.execute("SELECT * FROM orders") if row["client_order_id"].startswith(prefix)]
    mine = {row["order_id"]: row for row in ours}
    history = []
    for row in ours:
        history.append((row["created_at_ms"], 1, row["number"], "placed", row))
        if row["status"] != "resting":
            later = row["updated_at_ms"] > row["created_at_ms"]
            history.append(
                (row["updated_at_ms"], 0 if later and not row["filled_ch"] else 3, row["number"], "ended", row)
            )
    for row in exchange.execute("SELECT * FROM fills"):
        if row["order_id"] in mine:
            history.append((row["at_ms"], 2, row["id"], "filled", row))
    history += [(row["at_ms"], 0, row["id"], "paid", row) for row in exchange.execute("SELECT * FROM settlements")]
    for at_ms, _, _, what, row in sorted(history, key=lambda event: event[:3]):
        yield at_ms, what, row


def _over(
    lines: dict[tuple[str, str], Line], agent: str, at_ms: int, limits: Limits, capital: Capital
) -> Iterator[str]:
    whole_micros = capital.at(at_ms)
    allocated_micros = capital.allocations.get(agent, 0)
    worst = {key: line.at_worst() for key, line in lines.items()}
    own = {ticker: risk for (name, ticker), risk in worst.items() if name == agent and risk != (0, 0)}
    share = {
        name: whole_micros * getattr(limits, f"{name}_millionths") // ALL
        for name in ("per_trade", "per_market", "per_agent", "per_floor")
    }
    trades = [
        (open_ch, open_ch * (price_cc if sign > 0 else DOLLAR_CC - price_cc))
        for ticker in own
        for sign, price_cc, open_ch in lines[agent, ticker].orders.values()
        if sign * lines[agent, ticker].position_ch >= 0
    ]
    checks = [
        ("per trade", max((micros for _, micros in trades), default=0), share["per_trade"]),
        (
            "per trade of its own",
            max((micros for open_ch, micros in trades if open_ch > 100), default=0),
            allocated_micros * limits.per_trade_own_millionths // ALL,
        ),
        ("per agent", sum(micros for micros, _ in own.values()), min(share["per_agent"], allocated_micros)),
        ("markets", len(own), limits.max_positions),
        ("floor", sum(micros for micros, _ in worst.values()), share["per_floor"]),
    ]
    for ticker, (_, own_ch) in own.items():
        here = [risk for (_, market), risk in worst.items() if market == ticker]
        checks += [
            (f"per market {ticker}", sum(micros for micros, _ in here), share["per_market"]),
            (f"contracts in {ticker}", sum(count for _, count in here), limits.per_market_ch),
            (f"contracts of {agent} in {ticker}", own_ch, limits.per_agent_market_ch),
        ]
    return (f"{name}: {risk} at risk, limit {bound}" for name, risk, bound in checks if risk > bound)
