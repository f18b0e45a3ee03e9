-- 0007 replays: what became of each decision when the auditor made it again from what was stored beside it.

CREATE TABLE replays (
    decision_id    TEXT PRIMARY KEY REFERENCES decisions (decision_id),
    at_ms          INTEGER NOT NULL,
    outcome        TEXT NOT NULL CHECK (outcome IN ('same', 'differs', 'not replayed')),
    why            TEXT NOT NULL            -- what differs, or why it could not be made again
) STRICT, WITHOUT ROWID;
