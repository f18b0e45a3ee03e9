-- 0013 scores: what each agent's settled work amounts to, kept as running sums, and what it proves, kept as bets.

CREATE TABLE questions (                    -- what is asked of an agent's edge; each begins with nothing seen
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    agent          TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('birth', 'stage', 'flag', 'challenge')),
    place          INTEGER NOT NULL,        -- among the questions of its kind, from 1: the later, the more proof it takes
    stage          TEXT NOT NULL,
    began_at_ms    INTEGER NOT NULL,
    ended_at_ms    INTEGER
) STRICT;
CREATE INDEX questions_by_agent ON questions (agent, began_at_ms);

CREATE TABLE discoveries (                  -- questions that were answered yes, by what was answered
    number         INTEGER NOT NULL REFERENCES questions (number),
    answer         TEXT NOT NULL CHECK (answer IN ('gain', 'loss', 'poor', 'ahead')),
    at_ms          INTEGER NOT NULL,
    PRIMARY KEY (number, answer)
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
CREATE INDEX settled_work_by_event ON settled_work (event_ticker, agent);
CREATE INDEX settled_work_excluded ON settled_work (excluded) WHERE excluded <> '';

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

CREATE TABLE observations (                 -- what each question has seen: one event, one observation
    number         INTEGER NOT NULL REFERENCES questions (number),
    event_ticker   TEXT NOT NULL,
    settled        INTEGER NOT NULL,        -- trades in it
    net_micros     INTEGER NOT NULL,
    contracts_ch   INTEGER NOT NULL,
    dollars        REAL NOT NULL,           -- net a contract; of a challenge half the difference, child less parent
    PRIMARY KEY (event_ticker, number)
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

CREATE TABLE score_marks (                  -- one row: how far the first records have been scored
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    settlement     INTEGER NOT NULL,
    attribution    INTEGER NOT NULL,
    finding        INTEGER NOT NULL,
    finding_end    INTEGER NOT NULL,        -- how many findings had ended
    order_row      INTEGER NOT NULL
) STRICT;
INSERT INTO score_marks VALUES (1, 0, 0, 0, 0, 0);

INSERT INTO questions (agent, kind, place, stage, began_at_ms)
SELECT name, CASE stage WHEN 'birth' THEN 'birth' ELSE 'stage' END,
       row_number() OVER (PARTITION BY stage = 'birth' ORDER BY created_at_ms, name), stage, created_at_ms
  FROM agents WHERE stage <> 'retired' ORDER BY created_at_ms, name;

DROP TABLE performance_metrics;
CREATE TABLE performance_metrics (          -- rewritten by score
    agent          TEXT NOT NULL,
    stage          TEXT NOT NULL,           -- '' for all stages together
    window         TEXT NOT NULL CHECK (window IN ('hour', '24h', '7d', '30d', 'all')),
    at_ms          INTEGER NOT NULL,
    metric         TEXT NOT NULL,
    value          REAL,
    PRIMARY KEY (agent, stage, window, metric)
) STRICT, WITHOUT ROWID;
