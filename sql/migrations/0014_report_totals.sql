-- 0014 report totals: what each agent traded in each quarter of an hour, kept in the fill's own transaction, and the
-- ways by which a report finds a day among a year of trades.
--
-- Quarters, because every zone's midnight is at one: sums of them are right on days of 23 and 25 hours.

CREATE TABLE fill_totals (                  -- rebuilt from fills and attributions at any time
    quarter_ms     INTEGER NOT NULL,        -- its beginning
    agent          TEXT NOT NULL,
    fills          INTEGER NOT NULL,
    taker_fills    INTEGER NOT NULL,
    count_ch       INTEGER NOT NULL,
    taker_ch       INTEGER NOT NULL,
    traded_micros  INTEGER NOT NULL,        -- price times count, on the YES scale
    fees_micros    INTEGER NOT NULL,
    PRIMARY KEY (quarter_ms, agent)
) STRICT, WITHOUT ROWID;

INSERT INTO fill_totals
SELECT filled_at_ms - filled_at_ms % 900000, agent, count(*), sum(is_taker), sum(count_ch), sum(is_taker * count_ch),
       sum(price_cc * count_ch), sum(fee_micros)
  FROM booked_fills GROUP BY 1, 2;

CREATE TRIGGER attributions_traded AFTER INSERT ON attributions BEGIN
    -- take the fill back from whoever had it, then give it to the new owner
    UPDATE fill_totals SET
        fills = fills - 1, taker_fills = taker_fills - f.is_taker, count_ch = fill_totals.count_ch - f.count_ch,
        taker_ch = taker_ch - f.is_taker * f.count_ch, traded_micros = traded_micros - f.price_cc * f.count_ch,
        fees_micros = fees_micros - f.fee_micros
      FROM fills f
     WHERE f.id = new.fill_id AND quarter_ms = f.filled_at_ms - f.filled_at_ms % 900000
       AND fill_totals.agent = (SELECT agent FROM attributions WHERE fill_id = new.fill_id AND id < new.id
                                ORDER BY id DESC LIMIT 1);
    INSERT INTO fill_totals
    SELECT filled_at_ms - filled_at_ms % 900000, new.agent, 1, is_taker, count_ch, is_taker * count_ch,
           price_cc * count_ch, fee_micros
      FROM fills WHERE id = new.fill_id
    ON CONFLICT (quarter_ms, agent) DO UPDATE SET
        fills = fills + 1, taker_fills = taker_fills + excluded.taker_fills, count_ch = count_ch + excluded.count_ch,
        taker_ch = taker_ch + excluded.taker_ch, traded_micros = traded_micros + excluded.traded_micros,
        fees_micros = fees_micros + excluded.fees_micros;
END;

CREATE INDEX holdings_by_ticker ON holdings (ticker);
CREATE INDEX settlements_by_time ON settlements (settled_at_ms);
CREATE INDEX settled_work_by_time ON settled_work (settled_at_ms);
