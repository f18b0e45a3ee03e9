-- 0001 floor: who trades, what is traded, what was decided, sent, filled and paid.
--
-- Truth (append-only, guarded by triggers): decisions, order_events, fills, attributions, settlements, cash_events,
-- controls, system_events, evolution_events. Everything else can be rebuilt from it or from the exchange.
-- Units: _cc is $0.0001, _ch 0.01 contract, _micros $0.000001, _ms Unix milliseconds UTC, _millionths a share of 1 000 000.

CREATE TABLE floor (                        -- one row: facts chosen once, at the first migration
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    floor_id       TEXT NOT NULL,           -- six letters in every client_order_id of this floor
    environment    TEXT NOT NULL,
    created_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE strategy_versions (            -- the source of every strategy that ever traded here
    sha256         TEXT PRIMARY KEY,
    strategy       TEXT NOT NULL,
    source         TEXT NOT NULL,
    first_seen_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE agents (
    name           TEXT PRIMARY KEY CHECK (name GLOB '[a-z]*' AND length(name) <= 32),
    strategy       TEXT NOT NULL,
    parameters     TEXT NOT NULL DEFAULT '{}',          -- JSON; only what differs from the strategy's defaults
    stage          TEXT NOT NULL CHECK (stage IN ('birth', 'trial', 'production', 'retired')),
    paused         INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    pause_reason   TEXT NOT NULL DEFAULT '',
    flagged        INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1)),
    allocation_micros INTEGER NOT NULL CHECK (allocation_micros >= 0),
    parent         TEXT REFERENCES agents (name),
    generation     INTEGER NOT NULL DEFAULT 0,
    code_sha256    TEXT NOT NULL REFERENCES strategy_versions (sha256),
    created_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE evolution_events (             -- every change of an agent's stage, allocation or pause, with its evidence
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    agent          TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    rule           TEXT NOT NULL,           -- 'person' when somebody overrode
    act            TEXT NOT NULL,
    evidence       TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE markets (                      -- as the exchange last described them
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
    title          TEXT NOT NULL DEFAULT '',
    underlying     TEXT NOT NULL DEFAULT '',            -- index symbol, e.g. BTC-USD
    strike_type    TEXT NOT NULL DEFAULT '',
    strike_micros  INTEGER,                 -- NULL while to be determined
    result         TEXT NOT NULL DEFAULT '',
    settlement_value_cc INTEGER,
    volume_ch      INTEGER NOT NULL DEFAULT 0,
    open_interest_ch INTEGER NOT NULL DEFAULT 0,
    subscribed     INTEGER NOT NULL DEFAULT 0 CHECK (subscribed IN (0, 1)),
    updated_at_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX markets_by_series ON markets (series_ticker, close_at_ms);

CREATE TABLE publishes (                    -- one row: the collector's last publish
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    number         INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL
) STRICT;

CREATE TABLE quotes (                       -- one row a market, replaced in place at each publish
    ticker         TEXT PRIMARY KEY,
    publish        INTEGER NOT NULL,
    published_at_ms INTEGER NOT NULL,
    bid_cc         INTEGER, bid_ch INTEGER, ask_cc INTEGER, ask_ch INTEGER,     -- the touch; NULL when that side is empty
    bids           TEXT NOT NULL,           -- JSON, ten levels, best first: [[price_cc, count_ch], …]
    asks           TEXT NOT NULL,
    last_price_cc  INTEGER,
    volume_ch      INTEGER NOT NULL,
    open_interest_ch INTEGER NOT NULL,
    heard_at_ms    INTEGER NOT NULL,
    changed_at_ms  INTEGER NOT NULL,
    ticker_moved_at_ms INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    trusted        INTEGER NOT NULL CHECK (trusted IN (0, 1)),
    distrust       TEXT NOT NULL,
    source         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX quotes_by_publish ON quotes (publish);

CREATE TABLE bars (                         -- one second of an index (micro-dollars) or of a market's prints (centicents)
    symbol         TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,        -- start of the second
    source         TEXT NOT NULL,
    open           INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL, close INTEGER NOT NULL,
    volume_ch      INTEGER NOT NULL DEFAULT 0,
    buy_ch         INTEGER NOT NULL DEFAULT 0,
    sell_ch        INTEGER NOT NULL DEFAULT 0,
    trades         INTEGER NOT NULL DEFAULT 0,
    publish        INTEGER NOT NULL,
    PRIMARY KEY (symbol, at_ms, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX bars_by_publish ON bars (publish);

CREATE TABLE decisions (                    -- one row for each intent and each exit, with all it was made on
    decision_id    TEXT PRIMARY KEY,
    agent          TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    purpose        TEXT NOT NULL CHECK (purpose IN ('entry', 'exit')),
    at_ms          INTEGER NOT NULL,
    side           TEXT NOT NULL CHECK (side IN ('bid', 'ask')),
    limit_cc       INTEGER NOT NULL,
    probability    REAL,
    why            TEXT NOT NULL,
    answer         TEXT NOT NULL CHECK (answer IN ('allowed', 'reduced', 'refused')),
    rule           TEXT NOT NULL,
    reason         TEXT NOT NULL,
    count_ch       INTEGER NOT NULL,
    numbers        TEXT NOT NULL,           -- JSON: the figures compared
    intent         TEXT NOT NULL,           -- JSON: the whole intent
    view           TEXT NOT NULL,           -- JSON: the whole view
    parameters     TEXT NOT NULL,           -- JSON: the agent's parameters as used
    code_sha256    TEXT NOT NULL,
    publish        INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_by_agent ON decisions (agent, at_ms);

CREATE TABLE orders (                       -- state and counts are updated in place, beside order_events
    client_order_id TEXT PRIMARY KEY,
    order_id       TEXT NOT NULL DEFAULT '',
    decision_id    TEXT NOT NULL REFERENCES decisions (decision_id),
    environment    TEXT NOT NULL,
    agent          TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    side           TEXT NOT NULL CHECK (side IN ('bid', 'ask')),
    price_cc       INTEGER NOT NULL CHECK (price_cc BETWEEN 1 AND 9999),
    count_ch       INTEGER NOT NULL CHECK (count_ch > 0),
    time_in_force  TEXT NOT NULL,
    purpose        TEXT NOT NULL CHECK (purpose IN ('entry', 'exit')),
    post_only      INTEGER NOT NULL CHECK (post_only IN (0, 1)),
    reduce_only    INTEGER NOT NULL CHECK (reduce_only IN (0, 1)),
    state          TEXT NOT NULL CHECK (state IN ('planned', 'abandoned', 'sent', 'unknown', 'presumed_absent',
                                                  'resting', 'executed', 'canceled', 'rejected', 'absent')),
    filled_ch      INTEGER NOT NULL DEFAULT 0 CHECK (filled_ch BETWEEN 0 AND count_ch),    -- as the exchange reports
    booked_ch      INTEGER NOT NULL DEFAULT 0 CHECK (booked_ch BETWEEN 0 AND count_ch),    -- fills in our ledger
    reserved_micros INTEGER NOT NULL,       -- worst case; counts until terminal and booked_ch = filled_ch
    expires_at_ms  INTEGER,
    created_at_ms  INTEGER NOT NULL,
    signed_at_ms   INTEGER,                 -- timestamp of the signed request: absent is final 90 s after it
    updated_at_ms  INTEGER NOT NULL,
    reason         TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX orders_by_order_id ON orders (order_id) WHERE order_id <> '';
CREATE INDEX orders_open ON orders (agent, ticker)
    WHERE state NOT IN ('abandoned', 'executed', 'canceled', 'rejected', 'absent') OR booked_ch < filled_ch;
CREATE INDEX orders_by_agent ON orders (agent, created_at_ms);

CREATE TABLE order_events (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    client_order_id TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    state          TEXT NOT NULL,           -- the state after the event
    filled_ch      INTEGER NOT NULL,
    source         TEXT NOT NULL,           -- 'trader', 'answer', 'stream', 'rest', 'clerk', 'halt'
    detail         TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX order_events_by_order ON order_events (client_order_id);

CREATE TABLE fills (                        -- what actually traded, one row per match the exchange reports
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    trade_id       TEXT NOT NULL,           -- the exchange's ids: writing a fill twice is harmless
    order_id       TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    side           TEXT NOT NULL CHECK (side IN ('bid', 'ask')),
    price_cc       INTEGER NOT NULL CHECK (price_cc BETWEEN 0 AND 10000),
    count_ch       INTEGER NOT NULL CHECK (count_ch > 0),
    fee_micros     INTEGER NOT NULL,        -- as the exchange charged it; negative for a rebate
    is_taker       INTEGER NOT NULL CHECK (is_taker IN (0, 1)),
    filled_at_ms   INTEGER NOT NULL,
    recorded_at_ms INTEGER NOT NULL,
    source         TEXT NOT NULL,           -- 'stream' or 'rest'
    UNIQUE (trade_id, order_id)
) STRICT;
CREATE INDEX fills_by_ticker ON fills (ticker, id);
CREATE INDEX fills_by_order ON fills (order_id);
CREATE INDEX fills_by_time ON fills (filled_at_ms);

CREATE TABLE attributions (                 -- whose fill it is; a later row supersedes an earlier one
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    fill_id        INTEGER NOT NULL REFERENCES fills (id),
    agent          TEXT NOT NULL,           -- an agent, 'manual', or 'parked' while we ask the exchange
    at_ms          INTEGER NOT NULL,
    why            TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX attributions_by_fill ON attributions (fill_id, id);

CREATE TABLE settlements (                  -- a later row of the same market supersedes an earlier one (re-determination)
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    ticker         TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    result         TEXT NOT NULL,
    value_cc       INTEGER NOT NULL CHECK (value_cc BETWEEN 0 AND 10000),
    settled_at_ms  INTEGER NOT NULL,
    recorded_at_ms INTEGER NOT NULL,
    source         TEXT NOT NULL,
    UNIQUE (ticker, value_cc, settled_at_ms)
) STRICT;

CREATE TABLE cash_events (                  -- money that neither a fill nor a settlement moved
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    exchange_index INTEGER NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('deposit', 'withdrawal', 'adjustment', 'transfer')),
    amount_micros  INTEGER NOT NULL,        -- signed: what it added to the shard's balance
    at_ms          INTEGER NOT NULL,
    note           TEXT NOT NULL DEFAULT '',
    reference      TEXT NOT NULL UNIQUE     -- the exchange's id, or one of ours: writing it twice is harmless
) STRICT;

CREATE TABLE reconciliations (              -- the exchange identity, looked at; the newest row per shard is the state
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms          INTEGER NOT NULL,
    exchange_index INTEGER NOT NULL,
    balance_micros INTEGER NOT NULL,        -- as the exchange said
    resting_micros INTEGER NOT NULL,        -- collateral of resting orders, added where the balance excludes it
    expected_micros INTEGER NOT NULL,       -- from our ledger
    difference_micros INTEGER NOT NULL,
    positions_agree INTEGER NOT NULL CHECK (positions_agree IN (0, 1)),
    agreed         INTEGER NOT NULL CHECK (agreed IN (0, 1)),
    detail         TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE capital (                      -- floor equity at the roll of each trading day: limits are fractions of it
    day            TEXT PRIMARY KEY,        -- YYYY-MM-DD in the floor's zone
    equity_micros  INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL
) STRICT;

CREATE TABLE agent_days (                   -- each agent's equity (less allocation) at the roll of the trading day
    day            TEXT NOT NULL,
    agent          TEXT NOT NULL,
    equity_micros  INTEGER NOT NULL,        -- cash + positions at mark, without the allocation
    PRIMARY KEY (day, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE looks (                        -- looks without an intent: per-minute counters; bin/why reads them
    agent          TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    minute_ms      INTEGER NOT NULL,
    condition      TEXT NOT NULL,           -- the first condition that failed
    looks          INTEGER NOT NULL,
    PRIMARY KEY (minute_ms, agent, ticker, condition)
) STRICT, WITHOUT ROWID;

CREATE TABLE controls (                     -- the newest row for a scope, name and kind is in force
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms          INTEGER NOT NULL,
    scope          TEXT NOT NULL CHECK (scope IN ('floor', 'agent', 'market', 'program')),
    name           TEXT NOT NULL,           -- '' for the floor
    kind           TEXT NOT NULL CHECK (kind IN ('halt', 'stop_entries')),
    active         INTEGER NOT NULL CHECK (active IN (0, 1)),
    cause          TEXT NOT NULL,           -- which breaker or who: each cause latches and clears for itself
    reason         TEXT NOT NULL
) STRICT;
CREATE INDEX controls_in_force ON controls (scope, name, kind, cause, id);

CREATE TABLE heartbeats (
    program        TEXT PRIMARY KEY,        -- 'collector', 'trader@momentum', …
    pid            INTEGER NOT NULL,
    started_at_ms  INTEGER NOT NULL,
    state          TEXT NOT NULL,           -- the program's state machine
    state_since_ms INTEGER NOT NULL,
    beat_at_ms     INTEGER NOT NULL,
    checkpoint_at_ms INTEGER,
    version        TEXT NOT NULL,
    detail         TEXT NOT NULL DEFAULT '{}'           -- JSON figures for bin/status
) STRICT;

CREATE TABLE system_events (                -- warnings and state changes, not every line
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms          INTEGER NOT NULL,
    level          TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error', 'critical')),
    program        TEXT NOT NULL,
    event          TEXT NOT NULL,           -- past-tense verb first
    detail         TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX system_events_by_time ON system_events (at_ms);

CREATE TABLE performance_metrics (          -- rewritten by score
    agent          TEXT NOT NULL,
    window         TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    metric         TEXT NOT NULL,
    value          REAL,
    PRIMARY KEY (agent, window, metric)
) STRICT, WITHOUT ROWID;
