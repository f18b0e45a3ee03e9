-- 0008 audit index: the auditor asks for each order which others name its decision, and what was planned lately.

CREATE INDEX orders_by_decision ON orders (decision_id);
CREATE INDEX orders_by_time ON orders (created_at_ms);
