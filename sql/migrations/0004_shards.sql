-- 0004 shards: whether each shard of the exchange trades, as the exchange last said. The collector asks.

CREATE TABLE shards (
    exchange_index INTEGER PRIMARY KEY,
    trading        INTEGER NOT NULL CHECK (trading IN (0, 1)),
    said_at_ms     INTEGER NOT NULL
) STRICT;
