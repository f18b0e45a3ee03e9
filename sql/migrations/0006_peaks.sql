-- 0006 peaks: the highest result of the floor's day, and of each agent, that drawdowns are measured from.
--
-- Marks are not kept, so a peak cannot be found again from first records: it is written as it is reached.

CREATE TABLE peaks (
    scope          TEXT NOT NULL CHECK (scope IN ('floor', 'agent')),
    name           TEXT NOT NULL,           -- '' for the floor
    since_ms       INTEGER NOT NULL,        -- it counts from here: the roll of the day, a birth, or when a person resumed
    result_micros  INTEGER NOT NULL,        -- gain or loss; an agent's without its allocation, the floor's of the day
    reached_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
