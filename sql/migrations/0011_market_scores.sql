-- 0011 market scores: how good each market is to trade, part by part; and how an event's markets hang together.

ALTER TABLE markets ADD COLUMN exclusive INTEGER NOT NULL DEFAULT 0 CHECK (exclusive IN (0, 1));  -- at most one of its event pays
ALTER TABLE markets ADD COLUMN exhaustive_of INTEGER NOT NULL DEFAULT 0;  -- markets of an event that the settings list as exhaustive

CREATE TABLE market_sightings (             -- what the collector last saw of each market: in lists, and of the book it follows
    ticker         TEXT PRIMARY KEY,
    category       TEXT NOT NULL DEFAULT '',
    bid_cc         INTEGER,
    ask_cc         INTEGER,
    maker_millionths INTEGER,               -- presence of a market maker; NULL while its book was not followed for long enough
    seen_at_ms     INTEGER NOT NULL
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
