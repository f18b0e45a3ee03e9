-- Written by `make schema`; do not edit.

CREATE TABLE agent_cash (
    agent          TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    cash_micros    INTEGER NOT NULL,        -- trades and settlements, before fees
    fees_micros    INTEGER NOT NULL,
    PRIMARY KEY (agent, exchange_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_days (                   -- each agent's equity (less allocation) at the roll of the trading day
    day            TEXT NOT NULL,
    agent          TEXT NOT NULL,
    equity_micros  INTEGER NOT NULL,        -- cash + positions at mark, without the allocation
    PRIMARY KEY (day, agent)
) STRICT, WITHOUT ROWID;

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
, began_micros INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE attributions (                 -- whose fill it is; a later row supersedes an earlier one
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    fill_id        INTEGER NOT NULL REFERENCES fills (id),
    agent          TEXT NOT NULL,           -- an agent, 'manual', or 'parked' while we ask the exchange
    at_ms          INTEGER NOT NULL,
    why            TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE audit_chain (                  -- written by the auditor alone; each link holds the one before it
    seq            INTEGER PRIMARY KEY,     -- the happening's number
    digest         TEXT NOT NULL,           -- sha256 of the row as it was
    link           TEXT NOT NULL,           -- sha256 of the link before, this number, kind, key, digest and time
    chained_at_ms  INTEGER NOT NULL
) STRICT;

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

CREATE TABLE capital (                      -- floor equity at the roll of each trading day: limits are fractions of it
    day            TEXT PRIMARY KEY,        -- YYYY-MM-DD in the floor's zone
    equity_micros  INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL
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

CREATE TABLE circumstances (                -- all that a verdict depended on beside the decision's own view and intent
    decision_id    TEXT PRIMARY KEY REFERENCES decisions (decision_id),
    question       TEXT NOT NULL,           -- JSON: facts, limits, size asked; and which source of the rules answered
    exposure       TEXT NOT NULL            -- JSON: what was at risk in the transaction that decided
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

CREATE TABLE discoveries (                  -- questions that were answered yes, by what was answered
    number         INTEGER NOT NULL REFERENCES questions (number),
    answer         TEXT NOT NULL CHECK (answer IN ('gain', 'loss', 'poor', 'ahead')),
    at_ms          INTEGER NOT NULL,
    PRIMARY KEY (number, answer)
) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (                     -- a question's observations taken together; `bets` as review/bets.py keeps them
    number         INTEGER PRIMARY KEY REFERENCES questions (number),
    events         INTEGER NOT NULL,
    settled        INTEGER NOT NULL,
    net_micros     INTEGER NOT NULL,
    contracts_ch   INTEGER NOT NULL,
    last_at_ms     INTEGER NOT NULL,
    bets           BLOB NOT NULL
) STRICT;

CREATE TABLE evolution_events (             -- every change of an agent's stage, allocation or pause, with its evidence
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    agent          TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    rule           TEXT NOT NULL,           -- 'person' when somebody overrode
    act            TEXT NOT NULL,
    evidence       TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE fill_totals (                  -- rebuilt from fills and attributions at any time
    quarter_ms     INTEGER NOT NULL,        -- its beginning
    agent          TEXT NOT NULL,
    fills          INTEGER NOT NULL,
    taker_fills    INTEGER NOT NULL,
    count_ch       INTEGER NOT NULL,
    taker_ch       INTEGER NOT NULL,
    traded_micros  INTEGER NOT NULL,        -- price times count, on the YES scale
    fees_micros    INTEGER NOT NULL,
    PRIMARY KEY (quarter_ms, agent)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE finding_ends (
    finding_id     INTEGER PRIMARY KEY REFERENCES findings (id),
    at_ms          INTEGER NOT NULL,
    how            TEXT NOT NULL CHECK (how IN ('gone', 'person')),     -- not seen any more, or a person has judged it
    note           TEXT NOT NULL
) STRICT;

CREATE TABLE findings (                     -- what the auditor found; over when it has a row in finding_ends
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    found_at_ms    INTEGER NOT NULL,
    check_name     TEXT NOT NULL,
    subject        TEXT NOT NULL,           -- what it is about: the same check and subject is the same finding
    severity       TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    what           TEXT NOT NULL,
    evidence       TEXT NOT NULL,           -- JSON: the figures
    mend           TEXT NOT NULL
) STRICT;

CREATE TABLE floor (                        -- one row: facts chosen once, at the first migration
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    floor_id       TEXT NOT NULL,           -- six letters in every client_order_id of this floor
    environment    TEXT NOT NULL,
    created_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE happenings (                   -- every first record in the order of its commit; numbers have no gaps
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT NOT NULL,
    row_key        TEXT NOT NULL,           -- the row's primary key
    UNIQUE (kind, row_key)
) STRICT;

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

CREATE TABLE holdings (                     -- rebuilt from fills and attributions at any time; see holdings_check
    agent          TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    position_ch    INTEGER NOT NULL,        -- signed, as traded (settlement does not change it here)
    cash_micros    INTEGER NOT NULL,        -- what trades moved, before fees
    fees_micros    INTEGER NOT NULL,
    bought_ch      INTEGER NOT NULL,
    sold_ch        INTEGER NOT NULL,
    fills          INTEGER NOT NULL,
    last_fill_at_ms INTEGER NOT NULL,
    settled        INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)),
    PRIMARY KEY (agent, ticker)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT NOT NULL,
    due_at_ms      INTEGER,                 -- which turn it was; NULL when a person started it
    started_at_ms  INTEGER NOT NULL,
    ended_at_ms    INTEGER,                 -- NULL while it runs, or when it was killed
    result         TEXT NOT NULL DEFAULT '' CHECK (result IN ('', 'done', 'failed')),
    detail         TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE looks (                        -- looks without an intent: per-minute counters; bin/why reads them
    agent          TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    minute_ms      INTEGER NOT NULL,
    condition      TEXT NOT NULL,           -- the first condition that failed
    looks          INTEGER NOT NULL, step TEXT NOT NULL DEFAULT 'signal' CHECK (step IN ('free', 'trusted', 'signal', 'risk')),
    PRIMARY KEY (minute_ms, agent, ticker, condition)
) STRICT, WITHOUT ROWID;

CREATE TABLE market_scores (                -- replaced whole at each scoring; each part from 0 to 1 000 000
    ticker         TEXT PRIMARY KEY,
    series_ticker  TEXT NOT NULL,
    category       TEXT NOT NULL,
    score          INTEGER NOT NULL CHECK (score BETWEEN 0 AND 1000000),
    liquidity      INTEGER NOT NULL,        -- contracts traded, and shown near the touch
    spread         INTEGER NOT NULL,        -- what going in and out costs, spread and fees
    activity       INTEGER NOT NULL,        -- prints in the last hour
    time           INTEGER NOT NULL,        -- to the close
    maker          INTEGER NOT NULL,        -- somebody makes the market
    tick           INTEGER NOT NULL,        -- how fine prices are
    past           INTEGER NOT NULL,        -- what we earned in its series, net
    figures        TEXT NOT NULL,           -- JSON: the numbers behind the parts
    at_ms          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE market_sightings (             -- what the collector last saw of each market: in lists, and of the book it follows
    ticker         TEXT PRIMARY KEY,
    category       TEXT NOT NULL DEFAULT '',
    bid_cc         INTEGER,
    ask_cc         INTEGER,
    maker_millionths INTEGER,               -- presence of a market maker; NULL while its book was not followed for long enough
    seen_at_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
, exclusive INTEGER NOT NULL DEFAULT 0 CHECK (exclusive IN (0, 1)), exhaustive_of INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT;

CREATE TABLE observations (                 -- what each question has seen: one event, one observation
    number         INTEGER NOT NULL REFERENCES questions (number),
    event_ticker   TEXT NOT NULL,
    settled        INTEGER NOT NULL,        -- trades in it
    net_micros     INTEGER NOT NULL,
    contracts_ch   INTEGER NOT NULL,
    dollars        REAL NOT NULL,           -- net a contract; of a challenge half the difference, child less parent
    PRIMARY KEY (event_ticker, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_events (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    client_order_id TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    state          TEXT NOT NULL,           -- the state after the event
    filled_ch      INTEGER NOT NULL,
    source         TEXT NOT NULL,           -- 'trader', 'answer', 'stream', 'rest', 'clerk', 'halt'
    detail         TEXT NOT NULL DEFAULT ''
) STRICT;

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

CREATE TABLE peaks (
    scope          TEXT NOT NULL CHECK (scope IN ('floor', 'agent')),
    name           TEXT NOT NULL,           -- '' for the floor
    since_ms       INTEGER NOT NULL,        -- it counts from here: the roll of the day, a birth, or when a person resumed
    result_micros  INTEGER NOT NULL,        -- gain or loss; an agent's without its allocation, the floor's of the day
    reached_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE performance_metrics (          -- rewritten by score
    agent          TEXT NOT NULL,
    stage          TEXT NOT NULL,           -- '' for all stages together
    window         TEXT NOT NULL CHECK (window IN ('hour', '24h', '7d', '30d', 'all')),
    at_ms          INTEGER NOT NULL,
    metric         TEXT NOT NULL,
    value          REAL,
    PRIMARY KEY (agent, stage, window, metric)
) STRICT, WITHOUT ROWID;

CREATE TABLE proposals (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    strategy       TEXT NOT NULL,
    code_sha256    TEXT NOT NULL REFERENCES strategy_versions (sha256),   -- of the strategy that was searched
    parameters     TEXT NOT NULL,           -- JSON: all that was searched or given; what says how much is traded is not in it
    study          TEXT NOT NULL,
    sampler        TEXT NOT NULL,
    trials         INTEGER NOT NULL CHECK (trials > 0),     -- of this study, when it was judged
    tape           TEXT NOT NULL,           -- JSON: the digest of each day
    evidence       TEXT NOT NULL,           -- JSON: split, train, validation, test, verdict, what was assumed
    recommended    INTEGER NOT NULL CHECK (recommended IN (0, 1)),        -- `evolve` takes no other
    created_at_ms  INTEGER NOT NULL,
    taken_as       TEXT REFERENCES agents (name),           -- the clone that was made of it
    taken_by       TEXT,                    -- the rule of `evolve`, or 'person'
    taken_at_ms    INTEGER,
    UNIQUE (study, trials, tape, parameters),
    CHECK ((taken_as IS NULL) = (taken_at_ms IS NULL) AND (taken_by IS NULL) = (taken_at_ms IS NULL))
) STRICT;

CREATE TABLE publishes (                    -- one row: the collector's last publish
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    number         INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL
) STRICT;

CREATE TABLE questions (                    -- what is asked of an agent's edge; each begins with nothing seen
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    agent          TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('birth', 'stage', 'flag', 'challenge')),
    place          INTEGER NOT NULL,        -- among the questions of its kind, from 1: the later, the more proof it takes
    stage          TEXT NOT NULL,
    began_at_ms    INTEGER NOT NULL,
    ended_at_ms    INTEGER
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

CREATE TABLE replays (
    decision_id    TEXT PRIMARY KEY REFERENCES decisions (decision_id),
    at_ms          INTEGER NOT NULL,
    outcome        TEXT NOT NULL CHECK (outcome IN ('same', 'differs', 'not replayed')),
    why            TEXT NOT NULL            -- what differs, or why it could not be made again
) STRICT, WITHOUT ROWID;

CREATE TABLE score_marks (                  -- one row: how far the first records have been scored
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    settlement     INTEGER NOT NULL,
    attribution    INTEGER NOT NULL,
    finding        INTEGER NOT NULL,
    finding_end    INTEGER NOT NULL,        -- how many findings had ended
    order_row      INTEGER NOT NULL
) STRICT;

CREATE TABLE score_sums (                   -- what was settled within one span, all of it: sums of whole events
    agent          TEXT NOT NULL,
    stage          TEXT NOT NULL,
    width_ms       INTEGER NOT NULL,
    start_ms       INTEGER NOT NULL,
    clusters       INTEGER NOT NULL DEFAULT 0,
    settled        INTEGER NOT NULL DEFAULT 0,
    won            INTEGER NOT NULL DEFAULT 0,
    excluded       INTEGER NOT NULL DEFAULT 0,
    contracts_ch   INTEGER NOT NULL DEFAULT 0,
    paid_micros    INTEGER NOT NULL DEFAULT 0,
    gross_micros   INTEGER NOT NULL DEFAULT 0,
    fees_micros    INTEGER NOT NULL DEFAULT 0,
    won_micros     INTEGER NOT NULL DEFAULT 0,      -- net of the trades that won
    lost_micros    INTEGER NOT NULL DEFAULT 0,      -- ... and of the others, positive
    cluster_squares REAL NOT NULL DEFAULT 0,        -- sum of squares of the events' nets, in dollars
    maker_ch       INTEGER NOT NULL DEFAULT 0,
    traded_ch      INTEGER NOT NULL DEFAULT 0,
    held_ms        INTEGER NOT NULL DEFAULT 0,
    briers         INTEGER NOT NULL DEFAULT 0,
    own_brier      REAL NOT NULL DEFAULT 0,
    market_brier   REAL NOT NULL DEFAULT 0,
    slippage_micros INTEGER NOT NULL DEFAULT 0,
    slippage_ch    INTEGER NOT NULL DEFAULT 0,
    markout_micros INTEGER NOT NULL DEFAULT 0,
    markout_ch     INTEGER NOT NULL DEFAULT 0,
    orders         INTEGER NOT NULL DEFAULT 0,      -- entries that are over
    asked_ch       INTEGER NOT NULL DEFAULT 0,
    filled_ch      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (width_ms, agent, stage, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE settled_work (                 -- one agent in one market that has paid; made anew when anything about it changes
    ticker         TEXT NOT NULL,
    agent          TEXT NOT NULL,
    event_ticker   TEXT NOT NULL,
    stage          TEXT NOT NULL,           -- the agent's, when it entered
    entered_at_ms  INTEGER NOT NULL,
    settled_at_ms  INTEGER NOT NULL,
    contracts_ch   INTEGER NOT NULL,        -- bought on either side, over all entries
    paid_micros    INTEGER NOT NULL,        -- what they cost, without fees
    gross_micros   INTEGER NOT NULL,
    fees_micros    INTEGER NOT NULL,
    maker_ch       INTEGER NOT NULL,        -- traded by orders that rested
    traded_ch      INTEGER NOT NULL,
    held_ms        INTEGER NOT NULL,        -- time in the market
    own_brier      REAL,                    -- squared error of the probability it stated; NULL when it stated none
    market_brier   REAL,                    -- the same of the price it paid
    slippage_micros INTEGER NOT NULL,       -- what takers paid beyond the touch they decided on
    slippage_ch    INTEGER NOT NULL,
    markout_micros INTEGER NOT NULL,        -- what the fills had gained a minute later
    markout_ch     INTEGER NOT NULL,
    excluded       TEXT NOT NULL,           -- why it is no evidence; '' when it is
    PRIMARY KEY (ticker, agent)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE shards (
    exchange_index INTEGER PRIMARY KEY,
    trading        INTEGER NOT NULL CHECK (trading IN (0, 1)),
    said_at_ms     INTEGER NOT NULL
) STRICT;

CREATE TABLE strategy_versions (            -- the source of every strategy that ever traded here
    sha256         TEXT PRIMARY KEY,
    strategy       TEXT NOT NULL,
    source         TEXT NOT NULL,
    first_seen_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE system_events (                -- warnings and state changes, not every line
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms          INTEGER NOT NULL,
    level          TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error', 'critical')),
    program        TEXT NOT NULL,
    event          TEXT NOT NULL,           -- past-tense verb first
    detail         TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX attributions_by_fill ON attributions (fill_id, id);

CREATE INDEX bars_by_publish ON bars (publish);

CREATE INDEX controls_in_force ON controls (scope, name, kind, cause, id);

CREATE INDEX decisions_by_agent ON decisions (agent, at_ms);

CREATE INDEX fills_by_order ON fills (order_id);

CREATE INDEX fills_by_ticker ON fills (ticker, id);

CREATE INDEX fills_by_time ON fills (filled_at_ms);

CREATE INDEX findings_by_subject ON findings (check_name, subject, id);

CREATE INDEX holdings_by_ticker ON holdings (ticker);

CREATE INDEX holdings_open ON holdings (ticker) WHERE settled = 0;

CREATE INDEX jobs_by_name ON jobs (name, id);

CREATE UNIQUE INDEX jobs_once ON jobs (name, due_at_ms) WHERE result = 'done';

CREATE INDEX markets_by_series ON markets (series_ticker, close_at_ms);

CREATE INDEX order_events_by_order ON order_events (client_order_id);

CREATE INDEX orders_by_agent ON orders (agent, created_at_ms);

CREATE INDEX orders_by_decision ON orders (decision_id);

CREATE UNIQUE INDEX orders_by_order_id ON orders (order_id) WHERE order_id <> '';

CREATE INDEX orders_by_time ON orders (created_at_ms);

CREATE INDEX orders_open ON orders (agent, ticker)
    WHERE state NOT IN ('abandoned', 'executed', 'canceled', 'rejected', 'absent') OR booked_ch < filled_ch;

CREATE INDEX questions_by_agent ON questions (agent, began_at_ms);

CREATE INDEX quotes_by_publish ON quotes (publish);

CREATE INDEX settled_work_by_event ON settled_work (event_ticker, agent);

CREATE INDEX settled_work_by_time ON settled_work (settled_at_ms);

CREATE INDEX settled_work_excluded ON settled_work (excluded) WHERE excluded <> '';

CREATE INDEX settlements_by_time ON settlements (settled_at_ms);

CREATE INDEX system_events_by_time ON system_events (at_ms);

CREATE VIEW account_positions AS            -- the account's net position in each market that has not settled
SELECT ticker, exchange_index, sum(position_ch) AS position_ch
  FROM holdings WHERE settled = 0 GROUP BY ticker;

CREATE VIEW agent_checkpoints AS
SELECT substr(program, 8) AS agent, datetime(checkpoint_at_ms / 1000, 'unixepoch') AS timestamp, state, detail
  FROM heartbeats WHERE program LIKE 'trader@%';

CREATE VIEW agent_markets AS                -- one agent in one market: what it made there, settlement included
SELECT h.agent, h.ticker, h.exchange_index,
       CASE WHEN v.ticker IS NULL THEN h.position_ch ELSE 0 END AS position_ch,
       h.position_ch AS traded_position_ch,
       h.cash_micros + coalesce(h.position_ch * v.value_cc, 0) AS cash_micros,
       h.fees_micros,
       h.bought_ch, h.sold_ch, h.fills, h.last_fill_at_ms,
       v.result, v.value_cc, v.settled_at_ms
  FROM holdings h LEFT JOIN market_values v ON v.ticker = h.ticker;

CREATE VIEW booked_fills AS                 -- every fill with its present owner
SELECT f.*, a.agent
  FROM fills f
  JOIN attributions a ON a.id = (SELECT max(id) FROM attributions WHERE fill_id = f.id);

CREATE VIEW controls_now AS
SELECT scope, name, kind, cause, reason, at_ms FROM controls c
 WHERE active = 1 AND id = (SELECT max(id) FROM controls
                             WHERE scope = c.scope AND name = c.name AND kind = c.kind AND cause = c.cause);

CREATE VIEW findings_open AS
SELECT f.* FROM findings f WHERE NOT EXISTS (SELECT 1 FROM finding_ends e WHERE e.finding_id = f.id);

CREATE VIEW holdings_check AS               -- holdings recomputed from first records: must equal the table
SELECT agent, ticker, exchange_index,
       sum(CASE side WHEN 'bid' THEN count_ch ELSE -count_ch END) AS position_ch,
       sum(CASE side WHEN 'bid' THEN -1 ELSE 1 END * price_cc * count_ch) AS cash_micros,
       sum(fee_micros) AS fees_micros,
       count(*) AS fills
  FROM booked_fills GROUP BY agent, ticker;

CREATE VIEW logs AS
SELECT datetime(at_ms / 1000, 'unixepoch') AS timestamp, level, program, event, detail FROM system_events;

CREATE VIEW market_data AS
SELECT q.ticker, datetime(q.published_at_ms / 1000, 'unixepoch') AS timestamp,
       q.bid_cc / 10000.0 AS yes_bid, q.ask_cc / 10000.0 AS yes_ask, q.bid_ch / 100.0 AS bid_contracts,
       q.ask_ch / 100.0 AS ask_contracts, q.last_price_cc / 10000.0 AS last_price, q.volume_ch / 100.0 AS volume,
       q.trusted, q.distrust, m.status, datetime(m.close_at_ms / 1000, 'unixepoch') AS closes
  FROM quotes q LEFT JOIN markets m USING (ticker);

CREATE VIEW market_values AS                -- the settlement in force for each market
SELECT ticker, exchange_index, result, value_cc, settled_at_ms
  FROM settlements s WHERE id = (SELECT max(id) FROM settlements WHERE ticker = s.ticker);

CREATE VIEW open_orders AS                  -- what still counts at worst case
SELECT * FROM orders
 WHERE state NOT IN ('abandoned', 'executed', 'canceled', 'rejected', 'absent') OR booked_ch < filled_ch;

CREATE VIEW positions AS                    -- open positions, at cost and at the price they could be closed now
SELECT agent, ticker, exchange_index, position_ch, cash_micros, fees_micros, bid_cc, ask_cc, mark_cc,
       position_ch * mark_cc AS mark_micros
  FROM (SELECT h.*, q.bid_cc, q.ask_cc,     -- a market whose outcome is known is marked at its value
               coalesce(m.settlement_value_cc,
                        CASE WHEN h.position_ch >= 0 THEN coalesce(q.bid_cc, 0) ELSE coalesce(q.ask_cc, 10000) END)
                   AS mark_cc
          FROM holdings h LEFT JOIN quotes q ON q.ticker = h.ticker LEFT JOIN markets m ON m.ticker = h.ticker
         WHERE h.settled = 0 AND h.position_ch <> 0);

CREATE VIEW totals_check AS                 -- totals that differ from their first records: must be empty
SELECT t.agent, t.exchange_index, t.cash_micros, t.fees_micros,
       coalesce(sum(m.cash_micros), 0) AS first_cash_micros, coalesce(sum(m.fees_micros), 0) AS first_fees_micros
  FROM agent_cash t LEFT JOIN agent_markets m ON m.agent = t.agent AND m.exchange_index = t.exchange_index
 GROUP BY t.agent, t.exchange_index
HAVING (t.cash_micros, t.fees_micros) <> (coalesce(sum(m.cash_micros), 0), coalesce(sum(m.fees_micros), 0));

CREATE VIEW trades AS
SELECT f.id, datetime(f.filled_at_ms / 1000, 'unixepoch') AS timestamp, f.agent, f.ticker, f.side,
       f.price_cc / 10000.0 AS price_dollars, f.count_ch / 100.0 AS contracts, f.fee_micros / 1e6 AS fee_dollars,
       f.is_taker, f.trade_id, f.order_id, o.client_order_id, d.why AS reason
  FROM booked_fills f
  LEFT JOIN orders o ON o.order_id = f.order_id
  LEFT JOIN decisions d ON d.decision_id = o.decision_id;

CREATE TRIGGER attributions_book AFTER INSERT ON attributions BEGIN
    -- take the fill back from whoever had it, then give it to the new owner
    UPDATE holdings SET
        position_ch = position_ch - CASE f.side WHEN 'bid' THEN f.count_ch ELSE -f.count_ch END,
        cash_micros = cash_micros + CASE f.side WHEN 'bid' THEN 1 ELSE -1 END * f.price_cc * f.count_ch,
        fees_micros = fees_micros - f.fee_micros,
        bought_ch = bought_ch - CASE f.side WHEN 'bid' THEN f.count_ch ELSE 0 END,
        sold_ch = sold_ch - CASE f.side WHEN 'ask' THEN f.count_ch ELSE 0 END,
        fills = fills - 1
      FROM fills f
     WHERE f.id = new.fill_id AND holdings.ticker = f.ticker
       AND holdings.agent = (SELECT agent FROM attributions WHERE fill_id = new.fill_id AND id < new.id
                             ORDER BY id DESC LIMIT 1);
    INSERT INTO holdings (agent, ticker, exchange_index, position_ch, cash_micros, fees_micros, bought_ch, sold_ch,
                          fills, last_fill_at_ms, settled)
    SELECT new.agent, f.ticker, f.exchange_index,
           CASE f.side WHEN 'bid' THEN f.count_ch ELSE -f.count_ch END,
           CASE f.side WHEN 'bid' THEN -1 ELSE 1 END * f.price_cc * f.count_ch,
           f.fee_micros,
           CASE f.side WHEN 'bid' THEN f.count_ch ELSE 0 END,
           CASE f.side WHEN 'ask' THEN f.count_ch ELSE 0 END,
           1, f.filled_at_ms,
           EXISTS (SELECT 1 FROM settlements s WHERE s.ticker = f.ticker)
      FROM fills f WHERE f.id = new.fill_id
    ON CONFLICT (agent, ticker) DO UPDATE SET
        position_ch = position_ch + excluded.position_ch,
        cash_micros = cash_micros + excluded.cash_micros,
        fees_micros = fees_micros + excluded.fees_micros,
        bought_ch = bought_ch + excluded.bought_ch,
        sold_ch = sold_ch + excluded.sold_ch,
        fills = fills + 1,
        last_fill_at_ms = max(last_fill_at_ms, excluded.last_fill_at_ms);
END;

CREATE TRIGGER attributions_happened AFTER INSERT ON attributions BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('attribution', new.id);
END;

CREATE TRIGGER attributions_no_delete BEFORE DELETE ON attributions BEGIN SELECT raise(ABORT, 'attributions is append-only'); END;

CREATE TRIGGER attributions_no_update BEFORE UPDATE ON attributions BEGIN SELECT raise(ABORT, 'attributions is append-only'); END;

CREATE TRIGGER attributions_total AFTER INSERT ON attributions BEGIN
    -- a fill moves its price, and its share of the payout where the market has paid already; from the former owner to the new
    UPDATE agent_cash SET
        cash_micros = cash_micros
            - CASE f.side WHEN 'bid' THEN 1 ELSE -1 END * f.count_ch
            * (coalesce((SELECT value_cc FROM market_values WHERE ticker = f.ticker), 0) - f.price_cc),
        fees_micros = fees_micros - f.fee_micros
      FROM fills f
     WHERE f.id = new.fill_id AND agent_cash.exchange_index = f.exchange_index
       AND agent_cash.agent = (SELECT agent FROM attributions WHERE fill_id = new.fill_id AND id < new.id
                               ORDER BY id DESC LIMIT 1);
    INSERT INTO agent_cash (agent, exchange_index, cash_micros, fees_micros)
    SELECT new.agent, f.exchange_index,
           CASE f.side WHEN 'bid' THEN 1 ELSE -1 END * f.count_ch
               * (coalesce((SELECT value_cc FROM market_values WHERE ticker = f.ticker), 0) - f.price_cc),
           f.fee_micros
      FROM fills f WHERE f.id = new.fill_id
    ON CONFLICT (agent, exchange_index) DO UPDATE SET
        cash_micros = cash_micros + excluded.cash_micros,
        fees_micros = fees_micros + excluded.fees_micros;
END;

CREATE TRIGGER attributions_traded AFTER INSERT ON attributions BEGIN
    -- take the fill back from whoever had it, then give it to the new owner
    UPDATE fill_totals SET
        fills = fills - 1, taker_fills = taker_fills - f.is_taker, count_ch = fill_totals.count_ch - f.count_ch,
        taker_ch = taker_ch - f.is_taker * f.count_ch, traded_micros = traded_micros - f.price_cc * f.count_ch,
        fees_micros = fees_micros - f.fee_micros
      FROM fills f
     WHERE f.id = new.fill_id AND quarter_ms = f.filled_at_ms - f.filled_at_ms % 900000
       AND fill_totals.agent = (SELECT agent FROM attributions WHERE fill_id = new.fill_id AND id < new.id
                                ORDER BY id DESC LIMIT 1);
    INSERT INTO fill_totals
    SELECT filled_at_ms - filled_at_ms % 900000, new.agent, 1, is_taker, count_ch, is_taker * count_ch,
           price_cc * count_ch, fee_micros
      FROM fills WHERE id = new.fill_id
    ON CONFLICT (quarter_ms, agent) DO UPDATE SET
        fills = fills + 1, taker_fills = taker_fills + excluded.taker_fills, count_ch = count_ch + excluded.count_ch,
        taker_ch = taker_ch + excluded.taker_ch, traded_micros = traded_micros + excluded.traded_micros,
        fees_micros = fees_micros + excluded.fees_micros;
END;

CREATE TRIGGER audit_chain_no_delete BEFORE DELETE ON audit_chain BEGIN SELECT raise(ABORT, 'audit_chain is append-only'); END;

CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain BEGIN SELECT raise(ABORT, 'audit_chain is append-only'); END;

CREATE TRIGGER capital_happened AFTER INSERT ON capital BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('capital', new.day);
END;

CREATE TRIGGER cash_events_happened AFTER INSERT ON cash_events BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('cash', new.id);
END;

CREATE TRIGGER cash_events_no_delete BEFORE DELETE ON cash_events BEGIN SELECT raise(ABORT, 'cash_events is append-only'); END;

CREATE TRIGGER cash_events_no_update BEFORE UPDATE ON cash_events BEGIN SELECT raise(ABORT, 'cash_events is append-only'); END;

CREATE TRIGGER circumstances_happened AFTER INSERT ON circumstances BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('circumstance', new.decision_id);
END;

CREATE TRIGGER circumstances_no_delete BEFORE DELETE ON circumstances BEGIN SELECT raise(ABORT, 'circumstances is append-only'); END;

CREATE TRIGGER circumstances_no_update BEFORE UPDATE ON circumstances BEGIN SELECT raise(ABORT, 'circumstances is append-only'); END;

CREATE TRIGGER controls_happened AFTER INSERT ON controls BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('control', new.id);
END;

CREATE TRIGGER controls_no_delete BEFORE DELETE ON controls BEGIN SELECT raise(ABORT, 'controls is append-only'); END;

CREATE TRIGGER controls_no_update BEFORE UPDATE ON controls BEGIN SELECT raise(ABORT, 'controls is append-only'); END;

CREATE TRIGGER decisions_happened AFTER INSERT ON decisions BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('decision', new.decision_id);
END;

CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT raise(ABORT, 'decisions is append-only'); END;

CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT raise(ABORT, 'decisions is append-only'); END;

CREATE TRIGGER evolution_events_happened AFTER INSERT ON evolution_events BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('evolution', new.id);
END;

CREATE TRIGGER evolution_events_no_delete BEFORE DELETE ON evolution_events BEGIN SELECT raise(ABORT, 'evolution_events is append-only'); END;

CREATE TRIGGER evolution_events_no_update BEFORE UPDATE ON evolution_events BEGIN SELECT raise(ABORT, 'evolution_events is append-only'); END;

CREATE TRIGGER fills_happened AFTER INSERT ON fills BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('fill', new.id);
END;

CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills BEGIN SELECT raise(ABORT, 'fills is append-only'); END;

CREATE TRIGGER fills_no_update BEFORE UPDATE ON fills BEGIN SELECT raise(ABORT, 'fills is append-only'); END;

CREATE TRIGGER finding_ends_happened AFTER INSERT ON finding_ends BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('finding_end', new.finding_id);
END;

CREATE TRIGGER finding_ends_no_delete BEFORE DELETE ON finding_ends BEGIN SELECT raise(ABORT, 'finding_ends is append-only'); END;

CREATE TRIGGER finding_ends_no_update BEFORE UPDATE ON finding_ends BEGIN SELECT raise(ABORT, 'finding_ends is append-only'); END;

CREATE TRIGGER findings_happened AFTER INSERT ON findings BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('finding', new.id);
END;

CREATE TRIGGER findings_no_delete BEFORE DELETE ON findings BEGIN SELECT raise(ABORT, 'findings is append-only'); END;

CREATE TRIGGER findings_no_update BEFORE UPDATE ON findings BEGIN SELECT raise(ABORT, 'findings is append-only'); END;

CREATE TRIGGER happenings_no_delete BEFORE DELETE ON happenings BEGIN SELECT raise(ABORT, 'happenings is append-only'); END;

CREATE TRIGGER happenings_no_update BEFORE UPDATE ON happenings BEGIN SELECT raise(ABORT, 'happenings is append-only'); END;

CREATE TRIGGER order_events_happened AFTER INSERT ON order_events BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('order_event', new.id);
END;

CREATE TRIGGER order_events_no_delete BEFORE DELETE ON order_events BEGIN SELECT raise(ABORT, 'order_events is append-only'); END;

CREATE TRIGGER order_events_no_update BEFORE UPDATE ON order_events BEGIN SELECT raise(ABORT, 'order_events is append-only'); END;

CREATE TRIGGER orders_happened AFTER INSERT ON orders BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('order', new.client_order_id);
END;

CREATE TRIGGER proposals_are_taken_once BEFORE UPDATE ON proposals
WHEN OLD.taken_at_ms IS NOT NULL OR (OLD.strategy, OLD.code_sha256, OLD.parameters, OLD.study, OLD.sampler, OLD.trials,
     OLD.tape, OLD.evidence, OLD.recommended, OLD.created_at_ms) IS NOT (NEW.strategy, NEW.code_sha256, NEW.parameters,
     NEW.study, NEW.sampler, NEW.trials, NEW.tape, NEW.evidence, NEW.recommended, NEW.created_at_ms)
BEGIN SELECT RAISE(ABORT, 'a proposal is only ever taken, and once'); END;

CREATE TRIGGER proposals_stay BEFORE DELETE ON proposals
BEGIN SELECT RAISE(ABORT, 'proposals are kept: how often a tape was looked at counts'); END;

CREATE TRIGGER settlements_book AFTER INSERT ON settlements BEGIN
    UPDATE holdings SET settled = 1 WHERE ticker = new.ticker;
END;

CREATE TRIGGER settlements_happened AFTER INSERT ON settlements BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('settlement', new.id);
END;

CREATE TRIGGER settlements_no_delete BEFORE DELETE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;

CREATE TRIGGER settlements_no_update BEFORE UPDATE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;

CREATE TRIGGER settlements_total AFTER INSERT ON settlements BEGIN
    -- pay every position of the market; a re-determination pays the difference to what was paid before
    UPDATE agent_cash SET
        cash_micros = agent_cash.cash_micros + h.position_ch * (new.value_cc - coalesce(
            (SELECT value_cc FROM settlements WHERE ticker = new.ticker AND id < new.id ORDER BY id DESC LIMIT 1), 0))
      FROM holdings h
     WHERE h.ticker = new.ticker AND agent_cash.agent = h.agent AND agent_cash.exchange_index = h.exchange_index;
END;

CREATE TRIGGER system_events_no_delete BEFORE DELETE ON system_events BEGIN SELECT raise(ABORT, 'system_events is append-only'); END;

CREATE TRIGGER system_events_no_update BEFORE UPDATE ON system_events BEGIN SELECT raise(ABORT, 'system_events is append-only'); END;
