-- 0017 funnel: at which step between market and trade each look ended, as bin/why counts them.
-- What was counted before is judged by its words, once; those rows are gone in a week.

ALTER TABLE looks ADD COLUMN step TEXT NOT NULL DEFAULT 'signal' CHECK (step IN ('free', 'trusted', 'signal', 'risk'));

UPDATE looks SET step = CASE
    WHEN condition LIKE 'state %' OR condition IN ('floor halted', 'entries stopped', 'agent paused', 'agent retired',
        'cooling down after an intent') THEN 'free'
    WHEN condition LIKE '%history%too short%' OR condition IN ('no index price for this market',
        'the book has one side or none') THEN 'trusted'
    WHEN condition IN ('an order of ours is open here', 'no tradable price on that side',
        'too close to the close to rest') THEN 'risk'
    ELSE 'signal' END;
