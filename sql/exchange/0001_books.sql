-- 0001 books: what the local exchange must know again after a kill: accounts, markets, orders, fills, settlements.
--
-- One file of its own, one writer. Every step of the exchange is one transaction, committed before it is acknowledged.
-- Truth (append-only, guarded by triggers): fills, settlements. The rest is the present state, replaced in place.
-- Units: _cc is $0.0001, _ch 0.01 contract, _micros $0.000001, _ms Unix milliseconds UTC, _millionths a share of 1 000 000.

CREATE TABLE accounts (
    name           TEXT PRIMARY KEY,
    tier           TEXT NOT NULL            -- usage tier: how many requests it may make
) STRICT;

CREATE TABLE cash (                         -- per shard, after netting: $1 is locked for each contract net short
    account        TEXT NOT NULL REFERENCES accounts (name),
    exchange_index INTEGER NOT NULL,
    cash_micros    INTEGER NOT NULL CHECK (cash_micros >= 0),
    deposited_micros INTEGER NOT NULL,
    PRIMARY KEY (account, exchange_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE house (                        -- everybody else, and the till: with `cash` and what is locked, sums to deposits
    exchange_index INTEGER PRIMARY KEY,
    foreign_micros INTEGER NOT NULL,        -- cash of all others, from 0; may be negative
    fees_micros    INTEGER NOT NULL         -- what the exchange kept
) STRICT;

CREATE TABLE markets (
    ticker         TEXT PRIMARY KEY,
    event_ticker   TEXT NOT NULL,
    series_ticker  TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    status         TEXT NOT NULL,
    open_at_ms     INTEGER NOT NULL,
    close_at_ms    INTEGER NOT NULL,
    price_ranges   TEXT NOT NULL,           -- JSON [[start_cc, end_cc, step_cc], …]
    fee_type       TEXT NOT NULL,
    fee_multiplier_millionths INTEGER NOT NULL,
    title          TEXT NOT NULL,
    underlying     TEXT NOT NULL,
    strike_type    TEXT NOT NULL,
    strike_micros  INTEGER,
    result         TEXT NOT NULL,
    settlement_value_cc INTEGER,
    expiration_value_micros INTEGER,
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    determined_at_ms INTEGER,
    settled_at_ms  INTEGER,
    last_price_cc  INTEGER,
    last_count_ch  INTEGER NOT NULL,
    foreign_volume_ch INTEGER NOT NULL,     -- as it stood when an account last traded, or the market's life moved on
    foreign_interest_ch INTEGER NOT NULL,
    own_volume_ch  INTEGER NOT NULL,
    own_interest_ch INTEGER NOT NULL,
    foreign_position_ch INTEGER NOT NULL    -- everybody else's net position: the mirror of the accounts'
) STRICT;

CREATE TABLE orders (
    order_id       TEXT PRIMARY KEY,
    account        TEXT NOT NULL REFERENCES accounts (name),
    client_order_id TEXT NOT NULL,
    ticker         TEXT NOT NULL REFERENCES markets (ticker),
    exchange_index INTEGER NOT NULL,
    side           TEXT NOT NULL CHECK (side IN ('bid', 'ask')),
    price_cc       INTEGER NOT NULL CHECK (price_cc BETWEEN 1 AND 9999),
    initial_ch     INTEGER NOT NULL CHECK (initial_ch > 0),
    remaining_ch   INTEGER NOT NULL CHECK (remaining_ch BETWEEN 0 AND initial_ch),
    time_in_force  TEXT NOT NULL,
    self_trade     TEXT NOT NULL,
    number         INTEGER NOT NULL,        -- time priority
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('resting', 'executed', 'canceled')),
    reason         TEXT NOT NULL,
    filled_ch      INTEGER NOT NULL CHECK (filled_ch BETWEEN 0 AND initial_ch),
    taker_filled_ch INTEGER NOT NULL,
    taker_value_micros INTEGER NOT NULL,    -- price times count, YES scale
    maker_value_micros INTEGER NOT NULL,
    taker_fees_micros INTEGER NOT NULL,
    maker_fees_micros INTEGER NOT NULL,
    accumulator_micros INTEGER NOT NULL,    -- the fee rule's rounding account
    expires_at_ms  INTEGER,
    post_only      INTEGER NOT NULL CHECK (post_only IN (0, 1)),
    reduce_only    INTEGER NOT NULL CHECK (reduce_only IN (0, 1)),
    cancel_on_pause INTEGER NOT NULL CHECK (cancel_on_pause IN (0, 1)),
    CHECK (status = 'resting' OR remaining_ch = 0)
) STRICT;
CREATE INDEX orders_by_number ON orders (number);

CREATE TABLE positions (
    account        TEXT NOT NULL REFERENCES accounts (name),
    ticker         TEXT NOT NULL REFERENCES markets (ticker),
    exchange_index INTEGER NOT NULL,
    position_ch    INTEGER NOT NULL,
    basis_micros   INTEGER NOT NULL,
    realized_micros INTEGER NOT NULL,
    traded_micros  INTEGER NOT NULL,
    fees_micros    INTEGER NOT NULL,
    yes_count_ch   INTEGER NOT NULL,
    yes_cost_micros INTEGER NOT NULL,
    no_count_ch    INTEGER NOT NULL,
    no_cost_micros INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    settled        INTEGER NOT NULL CHECK (settled IN (0, 1)),
    PRIMARY KEY (account, ticker)
) STRICT, WITHOUT ROWID;

CREATE TABLE fills (                        -- one row for each account's side of a match, for ever
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account        TEXT NOT NULL REFERENCES accounts (name),
    trade_id       TEXT NOT NULL,
    order_id       TEXT NOT NULL REFERENCES orders (order_id),
    client_order_id TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    side           TEXT NOT NULL CHECK (side IN ('bid', 'ask')),
    price_cc       INTEGER NOT NULL CHECK (price_cc BETWEEN 1 AND 9999),
    count_ch       INTEGER NOT NULL CHECK (count_ch > 0),
    fee_micros     INTEGER NOT NULL CHECK (fee_micros >= 0),
    is_taker       INTEGER NOT NULL CHECK (is_taker IN (0, 1)),
    at_ms          INTEGER NOT NULL,
    post_position_ch INTEGER NOT NULL,
    UNIQUE (trade_id, order_id)
) STRICT;

CREATE TABLE settlements (                  -- what each account was paid, once a market
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account        TEXT NOT NULL REFERENCES accounts (name),
    ticker         TEXT NOT NULL,
    event_ticker   TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    result         TEXT NOT NULL,
    value_cc       INTEGER NOT NULL CHECK (value_cc BETWEEN 0 AND 10000),
    yes_count_ch   INTEGER NOT NULL,
    yes_cost_micros INTEGER NOT NULL,
    no_count_ch    INTEGER NOT NULL,
    no_cost_micros INTEGER NOT NULL,
    revenue_micros INTEGER NOT NULL CHECK (revenue_micros >= 0),
    fee_micros     INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    UNIQUE (account, ticker)
) STRICT;

CREATE TABLE notes (                        -- what the exchange has to remember about itself: its source's seed and start
    name           TEXT PRIMARY KEY,
    value          TEXT NOT NULL
) STRICT;

CREATE TRIGGER fills_no_update BEFORE UPDATE ON fills BEGIN SELECT raise(ABORT, 'fills is append-only'); END;
CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills BEGIN SELECT raise(ABORT, 'fills is append-only'); END;
CREATE TRIGGER settlements_no_update BEFORE UPDATE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER settlements_no_delete BEFORE DELETE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;
