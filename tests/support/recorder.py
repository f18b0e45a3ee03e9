"""Writes recordings of the stream the way the recorder did, for tests of the replay."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path


def iso(at_us: int) -> str:
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_us % 1_000_000:06d}Z"


class Recorder:
    """Collects lines; `lag_us` is how far the recorder's clock is ahead of the exchange's."""

    def __init__(self, lag_us: int = 100_000) -> None:
        self.lines: list[str] = []
        self._lag_us, self._seq = lag_us, 0

    def note(self, at_us: int, event: str, **data: object) -> None:
        self._line(at_us, {"event": event, "data": data})

    def watch(self, at_us: int, ticker: str, close_time: str, strike: float | None) -> None:
        self.note(at_us, "watch_market", market_ticker=ticker, close_time=close_time, strike=strike, status="active")
        self.note(at_us, "ws_connected", market_ticker=ticker)
        self._seq = 0

    def snapshot(self, at_us: int, ticker: str, yes: dict[str, str], no: dict[str, str]) -> None:
        sides = {"yes_dollars_fp": list(yes.items()), "no_dollars_fp": list(no.items())}
        msg = {"market_ticker": ticker} | {name: levels for name, levels in sides.items() if levels}
        self._frame(at_us, "orderbook_snapshot", msg)

    def delta(self, at_us: int, ticker: str, side: str, price: str, change: str, *, skip: int = 0) -> None:
        self._seq += skip
        msg = {"market_ticker": ticker, "side": side, "price_dollars": price, "delta_fp": change}
        self._frame(at_us, "orderbook_delta", msg | {"ts": iso(at_us), "ts_ms": at_us // 1_000})

    def ticker(
        self,
        at_us: int,
        ticker: str,
        touch: tuple[str, str, str, str],
        last: tuple[str, str],
        volume: str,
        *,
        late_us: int = 0,
    ) -> None:
        """touch: bid, its size, ask, its size; last: price and size of the last match."""
        bid, bid_size, ask, ask_size = touch
        msg = {
            "market_ticker": ticker,
            "yes_bid_dollars": bid,
            "yes_bid_size_fp": bid_size,
            "yes_ask_dollars": ask,
            "yes_ask_size_fp": ask_size,
            "price_dollars": last[0],
            "last_trade_size_fp": last[1],
            "volume_fp": volume,
            "open_interest_fp": "10.00",
            "time": iso(at_us),
            "ts_ms": at_us // 1_000,
        }
        self._line(at_us + late_us, {"frame": {"type": "ticker", "sid": 1, "msg": msg}})

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt") as file:
            file.write("".join(line + "\n" for line in self.lines))
        return path

    def _frame(self, at_us: int, kind: str, msg: dict[str, object]) -> None:
        self._seq += 1
        self._line(at_us, {"frame": {"type": kind, "sid": 2, "seq": self._seq, "msg": msg}})

    def _line(self, at_us: int, content: dict[str, object]) -> None:
        self.lines.append(json.dumps({"recv_ns": (at_us + self._lag_us) * 1_000} | content))
