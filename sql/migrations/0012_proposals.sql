-- 0012 proposals: parameters that a search by backtest found, with what speaks for them. Nothing here trades: `evolve`
-- or a person may make a clone of one, once.

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

CREATE TRIGGER proposals_stay BEFORE DELETE ON proposals
BEGIN SELECT RAISE(ABORT, 'proposals are kept: how often a tape was looked at counts'); END;

CREATE TRIGGER proposals_are_taken_once BEFORE UPDATE ON proposals
WHEN OLD.taken_at_ms IS NOT NULL OR (OLD.strategy, OLD.code_sha256, OLD.parameters, OLD.study, OLD.sampler, OLD.trials,
     OLD.tape, OLD.evidence, OLD.recommended, OLD.created_at_ms) IS NOT (NEW.strategy, NEW.code_sha256, NEW.parameters,
     NEW.study, NEW.sampler, NEW.trials, NEW.tape, NEW.evidence, NEW.recommended, NEW.created_at_ms)
BEGIN SELECT RAISE(ABORT, 'a proposal is only ever taken, and once'); END;
