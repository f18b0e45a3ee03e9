"""Incentive programmes: what the exchange pays for quoting or trading certain markets."""

from typing import NamedTuple

from msgspec import Struct

from outcry.venue import fields
from outcry.venue.fields import Amount
from outcry.venue.http import Http
from outcry.venue.paging import Page, every, given

_CENTICENT_MICROS = 100


class IncentiveRow(Struct, frozen=True):
    """Rewards in centicents."""

    id: str
    market_ticker: str
    incentive_type: str
    start_date: str
    end_date: str
    period_reward: int
    paid_out: bool
    discount_factor_bps: int | None = None
    target_size_fp: Amount | None = None
    max_reward_per_account: int | None = None


class IncentivePage(Page, frozen=True):
    incentive_programs: list[IncentiveRow]


class Incentive(NamedTuple):
    """One programme on one market. Money in micro-dollars; None where the exchange does not say.

    kind          liquidity, volume, or a word we do not know
    target_ch     size to be quoted, in hundredths of a contract
    discount_bps  the programme's discount factor, in basis points
    """

    programme_id: str
    ticker: str
    kind: str
    starts_at_ms: int
    ends_at_ms: int
    reward_micros: int
    most_per_account_micros: int | None
    target_ch: int | None
    discount_bps: int | None
    paid_out: bool


class IncentiveCalls:
    """Works without a key."""

    _http: Http

    def incentives(self, status: str = "active", kind: str = "all") -> list[Incentive]:
        """Programmes, whole.

        status  active, upcoming, closed, paid_out or all
        kind    liquidity, volume or all
        """
        parameters = given(status=status, type=kind)
        rows = every(self._http, "/incentive_programs", IncentivePage, lambda page: page.incentive_programs, parameters)
        return [_incentive(row) for row in rows]


def _incentive(row: IncentiveRow) -> Incentive:
    most = row.max_reward_per_account
    return Incentive(
        row.id,
        row.market_ticker,
        row.incentive_type,
        fields.time_ms(row.start_date),
        fields.time_ms(row.end_date),
        row.period_reward * _CENTICENT_MICROS,
        None if most is None else most * _CENTICENT_MICROS,
        None if row.target_size_fp is None else fields.count_ch(row.target_size_fp),
        row.discount_factor_bps,
        row.paid_out,
    )
