-- 0005 audit: the order in which things were written, the chain that holds them, what the gate was asked, and findings.
--
-- Several programs stamp their rows with their own clock before they wait for the database, so times do not say which row
-- came first. `happenings` does: one number a row, given in the very transaction that writes it.

CREATE TABLE circumstances (                -- all that a verdict depended on beside the decision's own view and intent
    decision_id    TEXT PRIMARY KEY REFERENCES decisions (decision_id),
    question       TEXT NOT NULL,           -- JSON: facts, limits, size asked; and which source of the rules answered
    exposure       TEXT NOT NULL            -- JSON: what was at risk in the transaction that decided
) STRICT, WITHOUT ROWID;

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
CREATE INDEX findings_by_subject ON findings (check_name, subject, id);

CREATE TABLE finding_ends (
    finding_id     INTEGER PRIMARY KEY REFERENCES findings (id),
    at_ms          INTEGER NOT NULL,
    how            TEXT NOT NULL CHECK (how IN ('gone', 'person')),     -- not seen any more, or a person has judged it
    note           TEXT NOT NULL
) STRICT;

CREATE VIEW findings_open AS
SELECT f.* FROM findings f WHERE NOT EXISTS (SELECT 1 FROM finding_ends e WHERE e.finding_id = f.id);

CREATE TABLE happenings (                   -- every first record in the order of its commit; numbers have no gaps
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT NOT NULL,
    row_key        TEXT NOT NULL,           -- the row's primary key
    UNIQUE (kind, row_key)
) STRICT;

CREATE TABLE audit_chain (                  -- written by the auditor alone; each link holds the one before it
    seq            INTEGER PRIMARY KEY,     -- the happening's number
    digest         TEXT NOT NULL,           -- sha256 of the row as it was
    link           TEXT NOT NULL,           -- sha256 of the link before, this number, kind, key, digest and time
    chained_at_ms  INTEGER NOT NULL
) STRICT;

INSERT INTO happenings (kind, row_key)      -- what was written before there was an order: as well as its times can say
SELECT kind, row_key FROM (
    SELECT at_ms, 0 AS rank, rowid AS id, 'capital' AS kind, day AS row_key FROM capital
    UNION ALL SELECT at_ms, 1, id, 'evolution', CAST(id AS TEXT) FROM evolution_events
    UNION ALL SELECT at_ms, 2, id, 'cash', CAST(id AS TEXT) FROM cash_events
    UNION ALL SELECT at_ms, 3, id, 'control', CAST(id AS TEXT) FROM controls
    UNION ALL SELECT at_ms, 4, rowid, 'decision', decision_id FROM decisions
    UNION ALL SELECT created_at_ms, 5, rowid, 'order', client_order_id FROM orders
    UNION ALL SELECT at_ms, 6, id, 'order_event', CAST(id AS TEXT) FROM order_events
    UNION ALL SELECT recorded_at_ms, 7, id, 'fill', CAST(id AS TEXT) FROM fills
    UNION ALL SELECT at_ms, 8, id, 'attribution', CAST(id AS TEXT) FROM attributions
    UNION ALL SELECT recorded_at_ms, 9, id, 'settlement', CAST(id AS TEXT) FROM settlements
) ORDER BY at_ms, rank, id;

CREATE TRIGGER capital_happened AFTER INSERT ON capital BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('capital', new.day);
END;
CREATE TRIGGER evolution_events_happened AFTER INSERT ON evolution_events BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('evolution', new.id);
END;
CREATE TRIGGER cash_events_happened AFTER INSERT ON cash_events BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('cash', new.id);
END;
CREATE TRIGGER controls_happened AFTER INSERT ON controls BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('control', new.id);
END;
CREATE TRIGGER decisions_happened AFTER INSERT ON decisions BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('decision', new.decision_id);
END;
CREATE TRIGGER circumstances_happened AFTER INSERT ON circumstances BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('circumstance', new.decision_id);
END;
CREATE TRIGGER orders_happened AFTER INSERT ON orders BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('order', new.client_order_id);
END;
CREATE TRIGGER order_events_happened AFTER INSERT ON order_events BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('order_event', new.id);
END;
CREATE TRIGGER fills_happened AFTER INSERT ON fills BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('fill', new.id);
END;
CREATE TRIGGER attributions_happened AFTER INSERT ON attributions BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('attribution', new.id);
END;
CREATE TRIGGER settlements_happened AFTER INSERT ON settlements BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('settlement', new.id);
END;
CREATE TRIGGER findings_happened AFTER INSERT ON findings BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('finding', new.id);
END;
CREATE TRIGGER finding_ends_happened AFTER INSERT ON finding_ends BEGIN
    INSERT INTO happenings (kind, row_key) VALUES ('finding_end', new.finding_id);
END;

CREATE TRIGGER circumstances_no_update BEFORE UPDATE ON circumstances BEGIN SELECT raise(ABORT, 'circumstances is append-only'); END;
CREATE TRIGGER circumstances_no_delete BEFORE DELETE ON circumstances BEGIN SELECT raise(ABORT, 'circumstances is append-only'); END;
CREATE TRIGGER findings_no_update BEFORE UPDATE ON findings BEGIN SELECT raise(ABORT, 'findings is append-only'); END;
CREATE TRIGGER findings_no_delete BEFORE DELETE ON findings BEGIN SELECT raise(ABORT, 'findings is append-only'); END;
CREATE TRIGGER finding_ends_no_update BEFORE UPDATE ON finding_ends BEGIN SELECT raise(ABORT, 'finding_ends is append-only'); END;
CREATE TRIGGER finding_ends_no_delete BEFORE DELETE ON finding_ends BEGIN SELECT raise(ABORT, 'finding_ends is append-only'); END;
CREATE TRIGGER happenings_no_update BEFORE UPDATE ON happenings BEGIN SELECT raise(ABORT, 'happenings is append-only'); END;
CREATE TRIGGER happenings_no_delete BEFORE DELETE ON happenings BEGIN SELECT raise(ABORT, 'happenings is append-only'); END;
CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain BEGIN SELECT raise(ABORT, 'audit_chain is append-only'); END;
CREATE TRIGGER audit_chain_no_delete BEFORE DELETE ON audit_chain BEGIN SELECT raise(ABORT, 'audit_chain is append-only'); END;
