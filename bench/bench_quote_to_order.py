"""From a published quote to a decision, a signed order and its answer, on loopback, under a recorded load at 1x.

Needs recordings (OUTCRY_RECORDINGS). A collector publishes a recorded session as it happened; eager coin-flippers
decide on it, and what the database recorded is read back. Milliseconds; the publish interval (20 ms) is not in it.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
SECONDS = 75
AGENTS = 6
FILE = "ws_KXBTC15M_20260513T161054Z.jsonl.gz"
SETTINGS = """
environment = "embedded"
time_factor = 30.0
[discovery]
series = ["KXBTC15M"]
[local]
deposit_dollars = 100000
[agents]
first = []
[risk]
max_spread_and_fee_millionths = 1000000
min_volume_ch = 0
"""
STAGES = """
SELECT d.at_ms - json_extract(d.view, '$.quote.published_at_ms') AS to_decision,
       o.signed_at_ms - json_extract(d.view, '$.quote.published_at_ms') AS to_order,
       (SELECT min(e.at_ms) FROM order_events e WHERE e.client_order_id = o.client_order_id AND e.source = 'answer')
           - o.signed_at_ms AS to_answer
  FROM decisions d LEFT JOIN orders o USING (decision_id) WHERE d.purpose = 'entry'
"""


def spread(values: list[int]) -> str:
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered):.0f} ms, p99 {late:.0f} ms (n = {len(ordered)})"


def main() -> list[str]:
    recordings = os.environ.get("OUTCRY_RECORDINGS", "")
    file = Path(recordings) / "kalshi_btc15m_ws" / FILE
    if not recordings or not file.exists():
        return ["skipped: OUTCRY_RECORDINGS does not name the recordings"]
    sys.path.insert(0, str(HOME / "tests" / "support"))
    from running import RunningFloor

    with tempfile.TemporaryDirectory() as folder:
        floor = RunningFloor(Path(folder), SETTINGS)
        try:
            for number in range(AGENTS):
                floor.run("agent", "add", f"flip-{number}", "--strategy", "coin_flip", "--set",
                          "chance_millionths=900000", "--set", "hold_ms=2000", "--allocation", "5000")  # fmt: skip
            floor.children.start("exchange", "exchange", "--replay", str(file))
            floor.wait_for((floor.state / "exchange.json").exists, 30, "the exchange listens")
            floor.start("clerk", "collector", *(f"trader@flip-{number}" for number in range(AGENTS)))
            time.sleep(SECONDS)
        finally:
            floor.stop()
        rows = floor.query(STAGES)
    found = {name: [row[name] for row in rows if row[name] is not None] for name in rows[0].keys()} if rows else {}  # noqa: SIM118
    words = {
        "to_decision": "publish to decision",
        "to_order": "publish to signed order",
        "to_answer": "signed order to its answer booked",
    }
    return [f"{words[name]}: {spread(values)}" for name, values in found.items() if values] + [
        "a quote may be older than the last publish when its book stood still: those waits are in the first two"
    ]
