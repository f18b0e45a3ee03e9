-- 0003 totals: what each agent's fills and settlements have moved in all, kept inside each booking's own transaction.
--
-- The risk gate needs the day's result and the free cash inside the transaction that reserves an order, while every other
-- writer waits: a sum over a year of markets has no place there. Rebuilt at any time from agent_markets; see totals_check.

CREATE TABLE agent_cash (
    agent          TEXT NOT NULL,
    exchange_index INTEGER NOT NULL,
    cash_micros    INTEGER NOT NULL,        -- trades and settlements, before fees
    fees_micros    INTEGER NOT NULL,
    PRIMARY KEY (agent, exchange_index)
) STRICT, WITHOUT ROWID;

INSERT INTO agent_cash
SELECT agent, exchange_index, sum(cash_micros), sum(fees_micros) FROM agent_markets GROUP BY agent, exchange_index;

CREATE TRIGGER attributions_total AFTER INSERT ON attributions BEGIN
    -- a fill moves its price, and its share of the payout where the market has paid already; from the former owner to the new
    UPDATE agent_cash SET
        cash_micros = cash_micros
            - CASE f.side WHEN 'bid' THEN 1 ELSE -1 END * f.count_ch
            * (coalesce((SELECT value_cc FROM market_values WHERE ticker = f.ticker), 0) - f.price_cc),
        fees_micros = fees_micros - f.fee_micros
      FROM fills f
     WHERE f.id = new.fill_id AND agent_cash.exchange_index = f.exchange_index
       AND agent_cash.agent = (SELECT agent FROM attributions WHERE fill_id = new.fill_id AND id < new.id
                               ORDER BY id DESC LIMIT 1);
    INSERT INTO agent_cash (agent, exchange_index, cash_micros, fees_micros)
    SELECT new.agent, f.exchange_index,
           CASE f.side WHEN 'bid' THEN 1 ELSE -1 END * f.count_ch
               * (coalesce((SELECT value_cc FROM market_values WHERE ticker = f.ticker), 0) - f.price_cc),
           f.fee_micros
      FROM fills f WHERE f.id = new.fill_id
    ON CONFLICT (agent, exchange_index) DO UPDATE SET
        cash_micros = cash_micros + excluded.cash_micros,
        fees_micros = fees_micros + excluded.fees_micros;
END;

CREATE TRIGGER settlements_total AFTER INSERT ON settlements BEGIN
    -- pay every position of the market; a re-determination pays the difference to what was paid before
    UPDATE agent_cash SET
        cash_micros = agent_cash.cash_micros + h.position_ch * (new.value_cc - coalesce(
            (SELECT value_cc FROM settlements WHERE ticker = new.ticker AND id < new.id ORDER BY id DESC LIMIT 1), 0))
      FROM holdings h
     WHERE h.ticker = new.ticker AND agent_cash.agent = h.agent AND agent_cash.exchange_index = h.exchange_index;
END;

CREATE VIEW totals_check AS                 -- totals that differ from their first records: must be empty
SELECT t.agent, t.exchange_index, t.cash_micros, t.fees_micros,
       coalesce(sum(m.cash_micros), 0) AS first_cash_micros, coalesce(sum(m.fees_micros), 0) AS first_fees_micros
  FROM agent_cash t LEFT JOIN agent_markets m ON m.agent = t.agent AND m.exchange_index = t.exchange_index
 GROUP BY t.agent, t.exchange_index
HAVING (t.cash_micros, t.fees_micros) <> (coalesce(sum(m.cash_micros), 0), coalesce(sum(m.fees_micros), 0));
