-- 0001 tape: one file a UTC day, everything the collector heard, in compressed columns.
--
-- Within a session (one run of the collector) `arrival` orders all rows of all kinds: a publish made after a delta has
-- the higher number. Times are local receive times. How a body unpacks: its codec (outcry.store.columns).

CREATE TABLE sessions (                     -- one run of the collector
    session        INTEGER PRIMARY KEY,
    started_at_ns  INTEGER NOT NULL,
    ended_at_ns    INTEGER                  -- NULL while it runs, or when it was killed
) STRICT;

CREATE TABLE symbols (                      -- market tickers and index symbols, as the small numbers in the columns
    symbol         INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE chunks (
    chunk          INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('delta', 'snapshot', 'ticker', 'print', 'index', 'publish')),
    session        INTEGER NOT NULL REFERENCES sessions (session),
    epoch          INTEGER NOT NULL,        -- connection within the session; 0 for what no connection brought
    sid            INTEGER NOT NULL,        -- subscription within the connection; 0 for none
    symbol         INTEGER,                 -- of a snapshot, which is one market's; else in the columns
    arrival0       INTEGER NOT NULL,        -- of its first row
    n              INTEGER NOT NULL,        -- rows (levels, for a snapshot)
    seq0           INTEGER, seq1 INTEGER,   -- first and last sequence number; NULL where the channel has none
    t0_ms          INTEGER NOT NULL, t1_ms INTEGER NOT NULL,
    codec          TEXT NOT NULL,
    crc            INTEGER NOT NULL,
    body           BLOB NOT NULL,
    ids            BLOB                     -- trade ids of prints, zlib of lines
) STRICT;

CREATE TABLE notes (                        -- everything rare: connected, disconnected, gap, dropped, lifecycle, raw, …
    note           INTEGER PRIMARY KEY,
    session        INTEGER NOT NULL REFERENCES sessions (session),
    arrival        INTEGER NOT NULL,
    at_ns          INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    epoch          INTEGER NOT NULL,
    sid            INTEGER, seq INTEGER,
    name           TEXT NOT NULL DEFAULT '',            -- of the market or index it is about
    body           BLOB NOT NULL            -- JSON; of `raw`, the frame that was not understood
) STRICT;

CREATE VIEW coverage AS                     -- what is here, by connection and subscription
SELECT session, epoch, sid, kind, count(*) AS chunks, sum(n) AS n, min(seq0) AS seq0, max(seq1) AS seq1,
       datetime(min(t0_ms) / 1000, 'unixepoch') AS first, datetime(max(t1_ms) / 1000, 'unixepoch') AS last,
       sum(length(body)) AS bytes
  FROM chunks GROUP BY session, epoch, sid, kind;

CREATE VIEW gaps AS                         -- what is known to be missing
SELECT session, arrival, datetime(at_ns / 1000000000, 'unixepoch') AS timestamp, kind, epoch, sid, seq, name,
       CAST(body AS TEXT) AS detail
  FROM notes WHERE kind IN ('gap', 'dropped', 'disconnected', 'garbled');
