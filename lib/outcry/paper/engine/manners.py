"""What the exchange's documentation leaves open, or says in two ways: one switch for each, in one place.

A client has to work under every setting. The defaults are what the documents, or else most observations, suggest.
Times in milliseconds.
"""

from dataclasses import dataclass
from typing import Literal

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Manners:
    """
    balance_excludes_resting  whether the balance told is what the collateral of resting orders leaves
    fee_reserved              whether what is reserved includes the fees that resting orders may still be charged
    fok_kill_is_refused       a fill-or-kill that cannot fill: refused, or an order canceled with nothing filled
    ioc_unfilled_is_refused   an immediate-or-cancel without a fill: refused, or an order canceled with nothing filled
    ended_is_not_found        a cancel of an order that has ended: 404, or a success that took nothing
    post_only_cross_is_kept   whether a refused post-only order stays visible, as canceled
    client_id_kept_ms         how long after its order's end a client_order_id stays taken; None for ever
    group_triggers_at_limit   an order group triggers when its limit is reached, or only when it is exceeded
    group_counts_takers       whether an order group counts what its orders took, or only what they made
    most_per_market_ch        how large an account's position in a market may become, in hundredths; None for no limit
    cancel_all_tail_ms        how long after a cancel-all what newly rests is canceled too; 0 not at all
    transfer_ms               how long money is under way between two shards
    rebalance_ms              how often the shards are brought to their target shares
    market_history_ms         age at which settled markets, fills and settled positions leave the live endpoints
    order_history_ms          the same for orders that have ended
    poor_code, closed_code, twice_code  error codes of: insufficient balance · a market not trading · an id used twice

    How it speaks:

    errors_nested             whether an error object stands under `error`, or is the body itself
    last_cursor               what ends a listing: an empty cursor, null, or none at all
    book_best_first           order of the levels in a REST book: best price first, or last
    seq_counts_control        whether answers to commands count in their subscription's sequence, or repeat its last
    seq_per_connection        whether messages are counted by subscription, or over all of a connection
    private_first             whether fills and orders are told before or after the book's changes and trades
    yes_price_default         whether a book's NO side is told on the YES scale to who does not say which
    index_streams             whether the account may hear the index: subscribing succeeds in any case
    skew_past_ms, skew_future_ms  how far behind and ahead the clock of a signature may be
    """

    balance_excludes_resting: bool = True
    fee_reserved: bool = False
    fok_kill_is_refused: bool = True
    ioc_unfilled_is_refused: bool = False
    ended_is_not_found: bool = True
    post_only_cross_is_kept: bool = False
    client_id_kept_ms: int | None = None
    group_triggers_at_limit: bool = True
    group_counts_takers: bool = True
    most_per_market_ch: int | None = None
    cancel_all_tail_ms: int = 60_000
    transfer_ms: int = 1_000
    rebalance_ms: int = 10_000
    market_history_ms: int = 90 * DAY_MS
    order_history_ms: int = 14 * DAY_MS
    poor_code: str = "available_balance_too_low"
    closed_code: str = "market_inactive"
    twice_code: str = "order_already_exists"
    errors_nested: bool = True
    last_cursor: Literal["empty", "null", "absent"] = "empty"
    book_best_first: bool = False
    seq_counts_control: bool = True
    seq_per_connection: bool = False
    private_first: bool = False
    yes_price_default: bool = False
    index_streams: bool = True
    skew_past_ms: int = 20_000
    skew_future_ms: int = 30_000
