"""How recorded markets ended: results as the exchange published them, and what follows where one is missing."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from outcry.domain.errors import Misconfigured, SchemaDrift
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.generate.windows import QUARTER_HOUR_MS, close_of, names

SUFFIXES = ("_settlements.jsonl", "_settlements.jsonl.gz")
_VALUES = {"yes": ONE_DOLLAR_CC, "no": 0}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a market paid.

    result   yes, no or scalar; `value_cc` what one YES contract pays
    expiration_micros  the settlement statistic: the strike of the next window, where that was recorded
    source   recorded: as published · derived: by the strike of the next window · unknown: nobody wrote it down, so it
             is paid at its last price, as an exchange does when a market has no outcome
    """

    result: str
    value_cc: int
    expiration_micros: int | None
    source: Literal["recorded", "derived", "unknown"]


class _Row(Struct):
    ticker: str
    result: Literal["yes", "no", ""]
    floor_strike: float | None = None


class Outcomes:
    """The settlements of a file of JSON lines; empty without one."""

    def __init__(self, files: list[Path]) -> None:
        self._results: dict[str, str] = {}
        self._strikes: dict[str, int] = {}
        for file in files:
            for row in _rows(file):
                self._results[row.ticker] = row.result
                if row.floor_strike is not None:
                    self._strikes[row.ticker] = round(row.floor_strike * 1_000_000)

    def strike_micros(self, ticker: str) -> int | None:
        """The index level that YES needs, None where it was not recorded."""
        return self._strikes.get(ticker)

    def learn_strike(self, ticker: str, strike_micros: int) -> None:
        """A strike seen in a recording itself."""
        self._strikes.setdefault(ticker, strike_micros)

    def of(self, ticker: str, last_price_cc: int | None) -> Outcome:
        """How a market ended; `last_price_cc` is paid where nobody knows (nothing when it never traded)."""
        next_close_ms = close_of(ticker) + QUARTER_HOUR_MS
        reached = self._strikes.get(names(ticker.split("-", maxsplit=1)[0], next_close_ms)[1])
        strike = self._strikes.get(ticker)
        result = self._results.get(ticker, "")
        if result:
            return Outcome(result, _VALUES[result], reached, "recorded")
        if reached is not None and strike is not None:
            result = "yes" if reached >= strike else "no"
            return Outcome(result, _VALUES[result], reached, "derived")
        return Outcome("scalar", last_price_cc or 0, None, "unknown")


def find(folder: Path) -> list[Path]:
    """The settlement files of a folder; none when there is no such folder."""
    return sorted(file for file in folder.iterdir() if file.name.endswith(SUFFIXES)) if folder.is_dir() else []


def _rows(file: Path) -> list[_Row]:
    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "rb") as lines:
            return [msgspec.json.decode(line, type=_Row) for line in lines]
    except OSError as error:
        raise Misconfigured(f"cannot read {file}: {error}") from error
    except msgspec.MsgspecError as error:
        raise SchemaDrift(f"{file}: {error}") from error
