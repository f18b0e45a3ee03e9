"""Figures as people read them. Pure."""

from datetime import UTC, datetime

from outcry.domain.units import format_decimal


def cents(price_cc: float | None) -> str:
    """
    >>> cents(4300), cents(4350), cents(None)
    ('43 ¢', '43.5 ¢', '–')
    """
    return "–" if price_cc is None else f"{round(price_cc / 100, 2):g} ¢"


def money(micros: float, signed: bool = False) -> str:
    """
    >>> money(1_003_997_400), money(369_300, True), money(-1_976_000, True), money(0, True)
    ('$1,004.00', '+$0.37', '−$1.98', '$0.00')
    """
    shown = f"${abs(micros) / 1e6:,.2f}"
    if shown == "$0.00":
        return shown
    return f"−{shown}" if micros < 0 else f"+{shown}" if signed else shown


def count(count_ch: int) -> str:
    """
    >>> count(1500), count(150)
    ('15', '1.5')
    """
    return format_decimal(count_ch, 2).removesuffix(".00").removesuffix("0") if count_ch % 100 else str(count_ch // 100)


def percent(rate: float | None) -> str:
    """
    >>> percent(0.4), percent(None)
    ('40.0 %', '–')
    """
    return "–" if rate is None else f"{rate * 100:.1f} %"


def span(ms: float | None) -> str:
    """A length of time in its two largest units.

    >>> span(850), span(65_000), span(7_260_000), span(None)
    ('0.8 s', '1 m 5 s', '2 h 1 m', '–')
    """
    if ms is None:
        return "–"
    whole = int(max(0, ms)) // 1000
    if whole < 10:
        return f"{int(max(0, ms)) // 100 / 10} s"
    for size, name, smaller_size, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // smaller_size} {smaller}"
    return f"{whole} s"


def clock(at_ms: int) -> str:
    """
    >>> clock(1_795_000_000_000)
    '2026-11-18 11:06:40'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def size(size_bytes: int) -> str:
    """
    >>> size(52_428_800), size(0)
    ('50 MiB', '–')
    """
    return f"{size_bytes / 2**20:.0f} MiB" if size_bytes else "–"


def evidence(facts: dict[str, object]) -> str:
    """What an evolution decision stands on, in a line; digests and tables are left out, money is written as money.

    >>> evidence({"stage": "birth", "allocation_micros": 10_000_000, "code_sha256": "5f0c"})
    'stage birth, allocation $10.00'
    """
    parts = []
    for name, value in facts.items():
        if name.endswith("sha256") or value is None or isinstance(value, dict | list):
            continue
        if name.endswith("_micros") and isinstance(value, int | float):
            parts.append(f"{name.removesuffix('_micros').replace('_', ' ')} {money(value)}")
        else:
            parts.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(parts)
