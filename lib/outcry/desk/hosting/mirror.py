"""What `bin/exchange` needs to mirror the real exchange: where it is, with which key, which series, what is owed."""

from collections.abc import Callable

import msgspec

from outcry.domain.errors import Misconfigured, OutcryError, Unavailable
from outcry.domain.market import Market
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.paper.events import SeriesInfo
from outcry.paper.mirror.source import Mirror, Scope, Upstream, read_series
from outcry.store import checkpoints
from outcry.venue import sign

CHECKPOINT = "mirror"
RETRY_S = 5.0

_log = log.get(__name__)


def open_mirror(floor: Floor, owed: list[Market], wait: Callable[[float], bool]) -> Mirror:
    """A mirror, not started yet. Waits for the first answer where the series were never read before.

    owed    markets that the local exchange has not paid
    wait    sleeps so many seconds; True when it is time to give up
    raises  Misconfigured for a key that cannot be used; Unavailable when it was asked to stop first
    """
    upstream, scope = _upstream(floor), _scope(floor)
    series = _series(floor, upstream, scope, wait)
    _log.info("mirrored", rest_url=upstream.rest_url, stream=upstream.signer is not None, series=len(series))
    return Mirror(upstream, scope, series, owed, now_ms=now_ms)


def _upstream(floor: Floor) -> Upstream:
    where, key_file, signer = floor.upstream(), floor.upstream_key_file, None
    if key_file.exists() or key_file.parent != floor.folder:  # one that was named has to be there
        signer = sign.load_key(key_file, floor.upstream_key_id())
    return Upstream(where.rest_url, where.stream_url, where.spot_url, signer)


def _scope(floor: Floor) -> Scope:
    discovery, mirror = floor.settings.discovery, floor.settings.mirror
    return Scope(
        {series: discovery.underlying[series] for series in discovery.series},
        max_markets=discovery.max_markets,
        ahead_ms=discovery.ahead_s * 1000,
        stale_ms=mirror.stale_ms,
        gap_ms=mirror.gap_ms,
        per_s=mirror.requests_per_s,
    )


def _series(floor: Floor, upstream: Upstream, scope: Scope, wait: Callable[[float], bool]) -> list[SeriesInfo]:
    """The series as the exchange describes them now; as it described them last, when it does not answer."""
    while True:
        try:
            series = read_series(upstream, scope)
        except Misconfigured:
            raise
        except OutcryError as error:
            if kept := _kept(floor, scope):
                _log.warning("failed_to_read_series", using="those of an earlier start", cause=str(error))
                return kept
            if not isinstance(error, Unavailable):
                raise
            _log.warning("failed_to_read_series", retry_s=RETRY_S, cause=str(error))
            if wait(RETRY_S):
                raise Unavailable("stopped before the mirrored exchange ever answered") from error
        else:
            payload = {"series": msgspec.to_builtins(series)}
            checkpoints.save(floor.checkpoints, CHECKPOINT, payload, now_ms())
            return series


def _kept(floor: Floor, scope: Scope) -> list[SeriesInfo]:
    """The series of an earlier start, if they are those wanted now."""
    payload, why = checkpoints.load(floor.checkpoints, CHECKPOINT, now_ms())
    if payload is None:
        _log.info("began_without_checkpoint", name=CHECKPOINT, why=why)
        return []
    try:
        series = msgspec.convert(payload.get("series"), list[SeriesInfo])
    except msgspec.ValidationError as error:
        _log.warning("refused_checkpoint", name=CHECKPOINT, why=str(error))
        return []
    return series if {info.ticker for info in series} == set(scope.underlying) else []
