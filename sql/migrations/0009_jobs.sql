-- 0009 jobs: what cron started, when it was due, and how it went.
--
-- A job asks here whether it is done already, so cron may fire as often as it likes. Old rows are pruned; the first one
-- stays: since then this floor has a cron that jobs can be expected from.

CREATE TABLE jobs (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT NOT NULL,
    due_at_ms      INTEGER,                 -- which turn it was; NULL when a person started it
    started_at_ms  INTEGER NOT NULL,
    ended_at_ms    INTEGER,                 -- NULL while it runs, or when it was killed
    result         TEXT NOT NULL DEFAULT '' CHECK (result IN ('', 'done', 'failed')),
    detail         TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX jobs_by_name ON jobs (name, id);
CREATE UNIQUE INDEX jobs_once ON jobs (name, due_at_ms) WHERE result = 'done';
