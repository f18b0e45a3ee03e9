"""Bodies and messages as they never should be: fields renamed or taken out, wherever they stand; markets left out."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from outcry.paper.faults.faults import Fault


def edited(value: object, faults: Iterable[Fault]) -> object:
    """A decoded value after the `rename` and `missing` faults among these."""
    for fault in faults:
        if fault.kind in ("rename", "missing"):
            value = _renamed(value, fault.field, fault.to if fault.kind == "rename" else "")
    return value


def _renamed(value: object, name: str, to: str) -> object:
    if isinstance(value, list):
        return [_renamed(one, name, to) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _renamed(one, name, to) for key, one in value.items() if key != name}
    if to and name in value:
        made[to] = value[name]
    return made


def gone(ticker: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(ticker, pattern) for pattern in patterns)


def without(value: object, patterns: tuple[str, ...]) -> object:
    """A decoded answer without the markets whose tickers fit a pattern, in every list of markets or books."""
    if not isinstance(value, dict):
        return value
    made = dict(value)
    for name in ("markets", "orderbooks"):
        if isinstance(rows := made.get(name), list):
            made[name] = [row for row in rows if not gone(_ticker(row), patterns)]
    if isinstance(rows := made.get("events"), list):
        made["events"] = [without(row, patterns) for row in rows]
    return made


def _ticker(row: object) -> str:
    """What a row of a listing is about."""
    return str(row.get("ticker") or row.get("market_ticker") or "") if isinstance(row, dict) else ""
