-- 0016 beginnings: what an agent had won or lost when it was brought back. That is history: its allocation answers for
-- what comes after, or one that had lost more than a birth's share could never trade again.

ALTER TABLE agents ADD COLUMN began_micros INTEGER NOT NULL DEFAULT 0;
