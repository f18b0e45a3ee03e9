-- 0002 format: rows carry their connection and subscription, the exchange's own time, and whether they were inferred.
--
-- A chunk now holds rows of one kind, whatever connection brought them; its epoch and sid are those of its first row.
-- Sessions of format 1 stay as they are; readers fill in what they lack.

ALTER TABLE sessions ADD COLUMN format INTEGER NOT NULL DEFAULT 1;

CREATE TABLE manifest (                     -- of a compiled day: one row, JSON (schema, digest, sources, coverage, …)
    body           TEXT NOT NULL
) STRICT;

DROP VIEW coverage;

CREATE VIEW coverage AS                     -- what is here
SELECT session, kind, count(*) AS chunks, sum(n) AS n, min(seq0) AS seq0, max(seq1) AS seq1,
       datetime(min(t0_ms) / 1000, 'unixepoch') AS first, datetime(max(t1_ms) / 1000, 'unixepoch') AS last,
       sum(length(body)) AS bytes
  FROM chunks GROUP BY session, kind;
