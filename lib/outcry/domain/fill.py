"""A fill: one match of part or all of an order, as the exchange reports it."""

from dataclasses import dataclass

from outcry.domain.order import Side


@dataclass(frozen=True, slots=True)
class Fill:
    """The exchange's own ids make writing it twice harmless. `fee_micros` is what the exchange charged for this fill.

    client_order_id  only on the stream; REST fills do not carry it ("" then)
    post_position_ch the account's signed net position after it, where the source says so
    """

    trade_id: str
    order_id: str
    ticker: str
    exchange_index: int
    side: Side
    price_cc: int
    count_ch: int
    fee_micros: int
    is_taker: bool
    filled_at_ms: int
    client_order_id: str = ""
    post_position_ch: int | None = None

    @property
    def position_change_ch(self) -> int:
        return self.side.sign * self.count_ch

    @property
    def cash_change_micros(self) -> int:
        """What the trade moves, without its fee: a bid pays, an ask receives."""
        return -self.side.sign * self.price_cc * self.count_ch


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one YES contract of a determined market paid. `value_cc` is 10 000 for yes, 0 for no, between for scalar."""

    ticker: str
    exchange_index: int
    result: str
    value_cc: int
    settled_at_ms: int
