"""The floor as Prometheus text. Names are stable: docs/grafana/outcry.json draws them."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from outcry.web import health
from outcry.web.source import Look

MICROS = 1e6
PREFIX = "outcry_"


def text(look: Look) -> bytes:
    """All figures of one look."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(look))
    return generate_latest(registry)


class _Figures:
    """What the registry collects: nothing outlives the look it was made of."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterable[Metric]:
        yield from self._programs()
        yield from self._trading()
        yield from self._exchange()
        yield from self._feeds()

    def _programs(self) -> Iterable[Metric]:
        look = self._look
        living = [beat for beat in look.beats if beat.program in look.living]
        up = [([beat.program], float(beat.program in look.living)) for beat in look.beats]
        ages = [([beat.program], (look.at_ms - beat.started_at_ms) / 1000) for beat in living]
        memory = [([name], float(size)) for name, size in look.memory_bytes.items()]
        yield _gauge("healthy", "1 when /health says so", [([], float(not health.faults(look)))])
        yield _gauge("up", "1 while the program runs and beats", up, "program")
        yield _gauge("uptime_seconds", "since the program started; agents are trader@NAME", ages, "program")
        yield _gauge("memory_bytes", "resident memory", memory, "program")
        yield _gauge("queue_length", "what waits to be written, by queue", _queues(look), "queue")
        yield _gauge("query_seconds", "how long reading all this took", [([], look.query_ms / 1000)])
        yield _gauge("findings_open", "findings of the auditor that are open", [([], float(len(look.findings)))])

    def _trading(self) -> Iterable[Metric]:
        look, told = self._look, self._look.report
        fills = [(["maker"], float(look.executed.maker_fills)), (["taker"], float(look.executed.taker_fills))]
        worth = [([line.facts.name], line.facts.equity_micros / MICROS) for line in told.agents]
        moved = [([line.facts.name], line.facts.day_change_micros / MICROS) for line in told.agents]
        agreed = float(told.floor.reconciled.agreed)
        yield _gauge("trades_per_minute", "fills in the last minute", [([], float(look.fills_last_minute))])
        yield _gauge("fills_today", "fills of the trading day, by who rested", fills, "liquidity")
        yield _gauge("equity_dollars", "cash and positions at mark", [([], told.floor.equity_micros / MICROS)])
        yield _gauge("agent_equity_dollars", "allocation, cash and positions at mark", worth, "agent")
        yield _gauge("agent_pnl_dollars", "change of equity since the day rolled", moved, "agent")
        yield _gauge("reconciled", "1 while ledger and exchange agree", [([], agreed)])

    def _exchange(self) -> Iterable[Metric]:
        look, calls = self._look, _calls(self._look)
        every, failed = (sum(pair[place] for pair in calls.values()) for place in (0, 1))
        orders: list[tuple[list[str], float]] = [([], look.answer_ms / 1000)] if look.answer_ms is not None else []
        made = [([name], float(count)) for name, (count, _) in calls.items()]
        left = [
            ([bucket.name], bucket.left_millis / bucket.capacity_millis)
            for bucket in look.buckets
            if bucket.capacity_millis
        ]
        latency = "from a request to its answer, mean of the calls in the window that programs tell of"
        yield _gauge("api_latency_seconds", latency, _answered(look), "program")
        yield _gauge("order_latency_seconds", "from an order's signing to its answer, mean of five minutes", orders)
        yield _gauge("api_calls", "calls to the exchange in the window that programs tell of", made, "program")
        yield _gauge("error_rate", "share of those calls that failed", [([], failed / every)] if every else [])
        yield _gauge("budget_left", "share of a request budget that is left", left, "bucket")

    def _feeds(self) -> Iterable[Metric]:
        look = self._look
        yield _gauge("feed_age_seconds", "age of the newest publish and of each index", _feed_ages(look), "feed")
        yield _gauge("books", "books followed", [([], float(look.feeds.books))])
        yield _gauge("books_trusted", "books fit to trade on", [([], float(look.feeds.trusted))])


def _gauge(name: str, what: str, values: Iterable[tuple[list[str], float]], *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, what, labels=labels)
    for named, value in values:
        family.add_metric(named, value)
    return family


def _calls(look: Look) -> dict[str, tuple[int, int]]:
    """Each program's (calls, failed), as its heartbeat tells them in slices."""
    found = {}
    for beat in look.beats:
        slices = beat.detail.get("calls")
        if beat.program in look.living and isinstance(slices, list) and slices:
            found[beat.program] = (sum(part[1] for part in slices), sum(part[2] for part in slices))
    return found


def _answered(look: Look) -> list[tuple[list[str], float]]:
    """How long each program's calls took, as its heartbeat tells."""
    return [
        ([beat.program], took_ms / 1000)
        for beat in look.beats
        if beat.program in look.living and isinstance(took_ms := beat.detail.get("answer_ms"), int | float)
    ]


def _feed_ages(look: Look) -> list[tuple[list[str], float]]:
    feeds = look.feeds
    ages = [(["publish"], feeds.published_at_ms)] if feeds.published_at_ms is not None else []
    ages += [([symbol], at_ms) for symbol, at_ms in feeds.index.items()]
    return [(named, max(0, look.at_ms - at_ms) / 1000) for named, at_ms in ages]


def _queues(look: Look) -> list[tuple[list[str], float]]:
    waiting = {"tape_waiting": "tape", "waiting_to_book": "fills to book", "owed_writes": "owed writes"}
    return [
        ([f"{beat.program}: {name}"], float(beat.detail[key]))  # type: ignore[arg-type]
        for beat in look.beats
        for key, name in waiting.items()
        if beat.program in look.living and isinstance(beat.detail.get(key), int)
    ]
