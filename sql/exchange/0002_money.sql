-- 0002 money: subaccounts, order groups, money that moves without a trade, and outcomes that may still change.
--
-- Truth (append-only, guarded by triggers): moves, subaccount_transfers, and as before fills and settlements.
-- What an account had put in before is one deposit a shard, at time 0.

ALTER TABLE accounts ADD COLUMN target TEXT;        -- where its idle cash is to lie: JSON, NULL for no matter

CREATE TABLE purses (                               -- one for each subaccount; 0 is the primary one
    account        TEXT NOT NULL REFERENCES accounts (name),
    subaccount     INTEGER NOT NULL CHECK (subaccount BETWEEN 0 AND 63),
    exchange_index INTEGER NOT NULL,                -- the shard it was opened on
    netting        INTEGER NOT NULL CHECK (netting IN (0, 1)),
    swept_until_ms INTEGER NOT NULL,                -- until when what newly rests is canceled, after a cancel-all
    PRIMARY KEY (account, subaccount)
) STRICT, WITHOUT ROWID;
INSERT INTO purses SELECT name, 0, 0, 1, 0 FROM accounts;

CREATE TABLE moves (                                -- money that entered or left the exchange
    move_id        TEXT PRIMARY KEY,
    account        TEXT NOT NULL REFERENCES accounts (name),
    kind           TEXT NOT NULL CHECK (kind IN ('deposit', 'withdrawal')),
    exchange_index INTEGER NOT NULL,
    amount_micros  INTEGER NOT NULL CHECK (amount_micros > 0),
    at_ms          INTEGER NOT NULL
) STRICT;
INSERT INTO moves
    SELECT 'opening-' || account || '-' || exchange_index, account, 'deposit', exchange_index, deposited_micros, 0
    FROM cash WHERE deposited_micros > 0;

CREATE TABLE transfers (                            -- money between shards: it left at once, and arrives when due
    transfer_id    TEXT PRIMARY KEY,
    account        TEXT NOT NULL REFERENCES accounts (name),
    source_index   INTEGER NOT NULL,
    destination_index INTEGER NOT NULL,
    source_subaccount INTEGER NOT NULL,
    destination_subaccount INTEGER NOT NULL,
    amount_micros  INTEGER NOT NULL CHECK (amount_micros > 0),
    created_at_ms  INTEGER NOT NULL,
    due_at_ms      INTEGER NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('pending', 'complete')),
    automatic      INTEGER NOT NULL CHECK (automatic IN (0, 1))   -- sent by the exchange, to reach target shares
) STRICT;

CREATE TABLE subaccount_transfers (                 -- money between purses on one shard, at once
    transfer_id    TEXT PRIMARY KEY,
    account        TEXT NOT NULL REFERENCES accounts (name),
    client_transfer_id TEXT NOT NULL,
    from_subaccount INTEGER NOT NULL,
    to_subaccount  INTEGER NOT NULL,
    exchange_index INTEGER NOT NULL,
    amount_micros  INTEGER NOT NULL CHECK (amount_micros > 0),
    at_ms          INTEGER NOT NULL,
    UNIQUE (account, client_transfer_id)
) STRICT;

CREATE TABLE order_groups (
    group_id       TEXT PRIMARY KEY,
    account        TEXT NOT NULL REFERENCES accounts (name),
    subaccount     INTEGER NOT NULL,
    exchange_index INTEGER NOT NULL,
    limit_ch       INTEGER NOT NULL CHECK (limit_ch > 0),
    created_at_ms  INTEGER NOT NULL,
    triggered      INTEGER NOT NULL CHECK (triggered IN (0, 1)),
    deleted        INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    matched        TEXT NOT NULL                    -- JSON [[at_ms, count_ch], …] of the last 15 seconds
) STRICT;

ALTER TABLE orders ADD COLUMN subaccount INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN order_group_id TEXT NOT NULL DEFAULT '';
ALTER TABLE fills ADD COLUMN subaccount INTEGER NOT NULL DEFAULT 0;
ALTER TABLE markets ADD COLUMN pays_at_ms INTEGER;  -- when the exchange itself pays the outcome

CREATE TABLE new_cash (                             -- per purse and shard, after netting: $1 is locked for each contract short
    account        TEXT NOT NULL REFERENCES accounts (name),
    subaccount     INTEGER NOT NULL,
    exchange_index INTEGER NOT NULL,
    cash_micros    INTEGER NOT NULL CHECK (cash_micros >= 0),
    moved_in_micros INTEGER NOT NULL,               -- what came in from elsewhere, less what went there
    PRIMARY KEY (account, subaccount, exchange_index)
) STRICT, WITHOUT ROWID;
INSERT INTO new_cash SELECT account, 0, exchange_index, cash_micros, deposited_micros FROM cash;
DROP TABLE cash;
ALTER TABLE new_cash RENAME TO cash;

CREATE TABLE new_positions (
    account        TEXT NOT NULL REFERENCES accounts (name),
    ticker         TEXT NOT NULL REFERENCES markets (ticker),
    exchange_index INTEGER NOT NULL,
    subaccount     INTEGER NOT NULL,
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
    PRIMARY KEY (account, subaccount, ticker)
) STRICT, WITHOUT ROWID;
INSERT INTO new_positions
    SELECT account, ticker, exchange_index, 0, position_ch, basis_micros, realized_micros, traded_micros, fees_micros,
           yes_count_ch, yes_cost_micros, no_count_ch, no_cost_micros, updated_at_ms, settled
    FROM positions;
DROP TABLE positions;
ALTER TABLE new_positions RENAME TO positions;

CREATE TABLE new_settlements (                      -- what each purse was paid, once a market
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
    subaccount     INTEGER NOT NULL,
    UNIQUE (account, subaccount, ticker)
) STRICT;
INSERT INTO new_settlements SELECT *, 0 FROM settlements ORDER BY id;
DROP TABLE settlements;
ALTER TABLE new_settlements RENAME TO settlements;

CREATE TRIGGER settlements_no_update BEFORE UPDATE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER settlements_no_delete BEFORE DELETE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER moves_no_update BEFORE UPDATE ON moves BEGIN SELECT raise(ABORT, 'moves is append-only'); END;
CREATE TRIGGER moves_no_delete BEFORE DELETE ON moves BEGIN SELECT raise(ABORT, 'moves is append-only'); END;
CREATE TRIGGER subaccount_transfers_no_update BEFORE UPDATE ON subaccount_transfers BEGIN SELECT raise(ABORT, 'subaccount_transfers is append-only'); END;
CREATE TRIGGER subaccount_transfers_no_delete BEFORE DELETE ON subaccount_transfers BEGIN SELECT raise(ABORT, 'subaccount_transfers is append-only'); END;
