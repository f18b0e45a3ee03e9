-- 0002 ledger: running totals kept inside each booking's own transaction, the views on them, and the guards of truth.

CREATE TABLE holdings (                     -- rebuilt from fills and attributions at any time; see holdings_check
    agent          TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    position_ch    INTEGER NOT NULL,        -- signed, as traded (settlement does not change it here)
    cash_micros    INTEGER NOT NULL,        -- what trades moved, before fees
    fees_micros    INTEGER NOT NULL,
    bought_ch      INTEGER NOT NULL,
    sold_ch        INTEGER NOT NULL,
    fills          INTEGER NOT NULL,
    last_fill_at_ms INTEGER NOT NULL,
    settled        INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)),
    PRIMARY KEY (agent, ticker)
) STRICT, WITHOUT ROWID;
CREATE INDEX holdings_open ON holdings (ticker) WHERE settled = 0;

CREATE TRIGGER attributions_book AFTER INSERT ON attributions BEGIN
    -- take the fill back from whoever had it, then give it to the new owner
    UPDATE holdings SET
        position_ch = position_ch - CASE f.side WHEN 'bid' THEN f.count_ch ELSE -f.count_ch END,
        cash_micros = cash_micros + CASE f.side WHEN 'bid' THEN 1 ELSE -1 END * f.price_cc * f.count_ch,
        fees_micros = fees_micros - f.fee_micros,
        bought_ch = bought_ch - CASE f.side WHEN 'bid' THEN f.count_ch ELSE 0 END,
        sold_ch = sold_ch - CASE f.side WHEN 'ask' THEN f.count_ch ELSE 0 END,
        fills = fills - 1
      FROM fills f
     WHERE f.id = new.fill_id AND holdings.ticker = f.ticker
       AND holdings.agent = (SELECT agent FROM attributions WHERE fill_id = new.fill_id AND id < new.id
                             ORDER BY id DESC LIMIT 1);
    INSERT INTO holdings (agent, ticker, exchange_index, position_ch, cash_micros, fees_micros, bought_ch, sold_ch,
                          fills, last_fill_at_ms, settled)
    SELECT new.agent, f.ticker, f.exchange_index,
           CASE f.side WHEN 'bid' THEN f.count_ch ELSE -f.count_ch END,
           CASE f.side WHEN 'bid' THEN -1 ELSE 1 END * f.price_cc * f.count_ch,
           f.fee_micros,
           CASE f.side WHEN 'bid' THEN f.count_ch ELSE 0 END,
           CASE f.side WHEN 'ask' THEN f.count_ch ELSE 0 END,
           1, f.filled_at_ms,
           EXISTS (SELECT 1 FROM settlements s WHERE s.ticker = f.ticker)
      FROM fills f WHERE f.id = new.fill_id
    ON CONFLICT (agent, ticker) DO UPDATE SET
        position_ch = position_ch + excluded.position_ch,
        cash_micros = cash_micros + excluded.cash_micros,
        fees_micros = fees_micros + excluded.fees_micros,
        bought_ch = bought_ch + excluded.bought_ch,
        sold_ch = sold_ch + excluded.sold_ch,
        fills = fills + 1,
        last_fill_at_ms = max(last_fill_at_ms, excluded.last_fill_at_ms);
END;

CREATE TRIGGER settlements_book AFTER INSERT ON settlements BEGIN
    UPDATE holdings SET settled = 1 WHERE ticker = new.ticker;
END;

CREATE VIEW booked_fills AS                 -- every fill with its present owner
SELECT f.*, a.agent
  FROM fills f
  JOIN attributions a ON a.id = (SELECT max(id) FROM attributions WHERE fill_id = f.id);

CREATE VIEW holdings_check AS               -- holdings recomputed from first records: must equal the table
SELECT agent, ticker, exchange_index,
       sum(CASE side WHEN 'bid' THEN count_ch ELSE -count_ch END) AS position_ch,
       sum(CASE side WHEN 'bid' THEN -1 ELSE 1 END * price_cc * count_ch) AS cash_micros,
       sum(fee_micros) AS fees_micros,
       count(*) AS fills
  FROM booked_fills GROUP BY agent, ticker;

CREATE VIEW market_values AS                -- the settlement in force for each market
SELECT ticker, exchange_index, result, value_cc, settled_at_ms
  FROM settlements s WHERE id = (SELECT max(id) FROM settlements WHERE ticker = s.ticker);

CREATE VIEW agent_markets AS                -- one agent in one market: what it made there, settlement included
SELECT h.agent, h.ticker, h.exchange_index,
       CASE WHEN v.ticker IS NULL THEN h.position_ch ELSE 0 END AS position_ch,
       h.position_ch AS traded_position_ch,
       h.cash_micros + coalesce(h.position_ch * v.value_cc, 0) AS cash_micros,
       h.fees_micros,
       h.bought_ch, h.sold_ch, h.fills, h.last_fill_at_ms,
       v.result, v.value_cc, v.settled_at_ms
  FROM holdings h LEFT JOIN market_values v ON v.ticker = h.ticker;

CREATE VIEW positions AS                    -- open positions, at cost and at the price they could be closed now
SELECT agent, ticker, exchange_index, position_ch, cash_micros, fees_micros, bid_cc, ask_cc, mark_cc,
       position_ch * mark_cc AS mark_micros
  FROM (SELECT h.*, q.bid_cc, q.ask_cc,     -- a market whose outcome is known is marked at its value
               coalesce(m.settlement_value_cc,
                        CASE WHEN h.position_ch >= 0 THEN coalesce(q.bid_cc, 0) ELSE coalesce(q.ask_cc, 10000) END)
                   AS mark_cc
          FROM holdings h LEFT JOIN quotes q ON q.ticker = h.ticker LEFT JOIN markets m ON m.ticker = h.ticker
         WHERE h.settled = 0 AND h.position_ch <> 0);

CREATE VIEW account_positions AS            -- the account's net position in each market that has not settled
SELECT ticker, exchange_index, sum(position_ch) AS position_ch
  FROM holdings WHERE settled = 0 GROUP BY ticker;

CREATE VIEW open_orders AS                  -- what still counts at worst case
SELECT * FROM orders
 WHERE state NOT IN ('abandoned', 'executed', 'canceled', 'rejected', 'absent') OR booked_ch < filled_ch;

CREATE VIEW controls_now AS
SELECT scope, name, kind, cause, reason, at_ms FROM controls c
 WHERE active = 1 AND id = (SELECT max(id) FROM controls
                             WHERE scope = c.scope AND name = c.name AND kind = c.kind AND cause = c.cause);

-- Names people look for.
CREATE VIEW trades AS
SELECT f.id, datetime(f.filled_at_ms / 1000, 'unixepoch') AS timestamp, f.agent, f.ticker, f.side,
       f.price_cc / 10000.0 AS price_dollars, f.count_ch / 100.0 AS contracts, f.fee_micros / 1e6 AS fee_dollars,
       f.is_taker, f.trade_id, f.order_id, o.client_order_id, d.why AS reason
  FROM booked_fills f
  LEFT JOIN orders o ON o.order_id = f.order_id
  LEFT JOIN decisions d ON d.decision_id = o.decision_id;
CREATE VIEW logs AS
SELECT datetime(at_ms / 1000, 'unixepoch') AS timestamp, level, program, event, detail FROM system_events;
CREATE VIEW market_data AS
SELECT q.ticker, datetime(q.published_at_ms / 1000, 'unixepoch') AS timestamp,
       q.bid_cc / 10000.0 AS yes_bid, q.ask_cc / 10000.0 AS yes_ask, q.bid_ch / 100.0 AS bid_contracts,
       q.ask_ch / 100.0 AS ask_contracts, q.last_price_cc / 10000.0 AS last_price, q.volume_ch / 100.0 AS volume,
       q.trusted, q.distrust, m.status, datetime(m.close_at_ms / 1000, 'unixepoch') AS closes
  FROM quotes q LEFT JOIN markets m USING (ticker);
CREATE VIEW agent_checkpoints AS
SELECT substr(program, 8) AS agent, datetime(checkpoint_at_ms / 1000, 'unixepoch') AS timestamp, state, detail
  FROM heartbeats WHERE program LIKE 'trader@%';

-- Truth is only ever added to.
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT raise(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT raise(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER order_events_no_update BEFORE UPDATE ON order_events BEGIN SELECT raise(ABORT, 'order_events is append-only'); END;
CREATE TRIGGER order_events_no_delete BEFORE DELETE ON order_events BEGIN SELECT raise(ABORT, 'order_events is append-only'); END;
CREATE TRIGGER fills_no_update BEFORE UPDATE ON fills BEGIN SELECT raise(ABORT, 'fills is append-only'); END;
CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills BEGIN SELECT raise(ABORT, 'fills is append-only'); END;
CREATE TRIGGER attributions_no_update BEFORE UPDATE ON attributions BEGIN SELECT raise(ABORT, 'attributions is append-only'); END;
CREATE TRIGGER attributions_no_delete BEFORE DELETE ON attributions BEGIN SELECT raise(ABORT, 'attributions is append-only'); END;
CREATE TRIGGER settlements_no_update BEFORE UPDATE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER settlements_no_delete BEFORE DELETE ON settlements BEGIN SELECT raise(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER cash_events_no_update BEFORE UPDATE ON cash_events BEGIN SELECT raise(ABORT, 'cash_events is append-only'); END;
CREATE TRIGGER cash_events_no_delete BEFORE DELETE ON cash_events BEGIN SELECT raise(ABORT, 'cash_events is append-only'); END;
CREATE TRIGGER controls_no_update BEFORE UPDATE ON controls BEGIN SELECT raise(ABORT, 'controls is append-only'); END;
CREATE TRIGGER controls_no_delete BEFORE DELETE ON controls BEGIN SELECT raise(ABORT, 'controls is append-only'); END;
CREATE TRIGGER system_events_no_update BEFORE UPDATE ON system_events BEGIN SELECT raise(ABORT, 'system_events is append-only'); END;
CREATE TRIGGER system_events_no_delete BEFORE DELETE ON system_events BEGIN SELECT raise(ABORT, 'system_events is append-only'); END;
CREATE TRIGGER evolution_events_no_update BEFORE UPDATE ON evolution_events BEGIN SELECT raise(ABORT, 'evolution_events is append-only'); END;
CREATE TRIGGER evolution_events_no_delete BEFORE DELETE ON evolution_events BEGIN SELECT raise(ABORT, 'evolution_events is append-only'); END;
