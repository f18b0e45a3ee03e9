"""Strict settings: one TOML file, every key known, typed and inside its range, or one line and exit code 78."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct, field

from outcry.domain.errors import Misconfigured
from outcry.domain.limits import Limits

Share = Annotated[int, Meta(ge=0, le=1_000_000)]
Millis = Annotated[int, Meta(ge=0, le=86_400_000)]
Seconds = Annotated[int, Meta(ge=0, le=31_536_000)]


class Exchange(Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses; empty means the environment's own."""

    rest_url: str = ""
    stream_url: str = ""
    spot_url: str = ""


class LocalExchange(Struct, frozen=True, forbid_unknown_fields=True):
    """bin/exchange: the exchange on this machine."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    seed: int = 1
    window_s: Annotated[int, Meta(ge=10, le=86_400)] = 900
    average_s: Annotated[int, Meta(ge=1, le=600)] = 60
    volatility: Annotated[float, Meta(gt=0, le=50)] = 0.6
    jumps_per_hour: Annotated[float, Meta(ge=0, le=10_000)] = 2.0
    crowd_lag_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    deposit_dollars: Annotated[int, Meta(ge=0, le=10_000_000)] = 1_000
    manners: dict[str, bool | int | str | None] = field(default_factory=dict)
    keeps_hours: bool = False
    read_lag_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0
    tier: Literal["basic", "advanced", "expert", "premier", "paragon", "prime", "prestige"] = "basic"


class Mirror(Struct, frozen=True, forbid_unknown_fields=True):
    """bin/exchange in the environment `paper`: how it looks at the real exchange."""

    requests_per_s: Annotated[float, Meta(ge=0.1, le=20)] = 2.0
    stale_ms: Annotated[int, Meta(ge=1_000, le=60_000)] = 10_000
    gap_ms: Annotated[int, Meta(ge=0, le=15_000)] = 2_000


class Discovery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which markets the collector follows."""

    series: tuple[str, ...] = ("KXBTC15M", "KXETH15M")
    underlying: dict[str, str] = field(default_factory=lambda: {"KXBTC15M": "BTC-USD", "KXETH15M": "ETH-USD"})
    max_markets: Annotated[int, Meta(ge=1, le=1_000)] = 100
    ahead_s: Seconds = 1_800
    categories: tuple[str, ...] = ()
    min_liquidity_ch: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    max_spread_cc: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    exhaustive: tuple[str, ...] = ()


class Collector(Struct, frozen=True, forbid_unknown_fields=True):
    publish_ms: Annotated[int, Meta(ge=5, le=1_000)] = 20
    bars_keep_s: Annotated[int, Meta(ge=900, le=604_800)] = 7_200
    tape: bool = True


class Index(Struct, frozen=True, forbid_unknown_fields=True):
    source: Literal["exchange", "coinbase"] = "exchange"


class Agents(Struct, frozen=True, forbid_unknown_fields=True):
    """Capital by stage, as shares of the floor's capital, and who is there from the first day."""

    birth_share_millionths: Share = 10_000
    trial_share_millionths: Share = 30_000
    production_share_millionths: Share = 100_000
    first: tuple[str, ...] = ("momentum", "mean_reversion", "volume_spike", "coin_flip")


class Evolution(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the rules of bin/evolve look, and what they may spend."""

    false_discoveries_millionths: Annotated[int, Meta(ge=1, le=500_000)] = 100_000
    trial_settled: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    production_days: Annotated[float, Meta(ge=0, le=3_650)] = 7.0
    production_settled: Annotated[int, Meta(ge=1, le=1_000_000)] = 30
    look_settled: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    clone_win_millionths: Share = 600_000
    flag_win_millionths: Share = 450_000
    flag_days: Annotated[float, Meta(gt=0, le=3_650)] = 30.0
    shrink_sharpe: Annotated[float, Meta(ge=-10, le=10)] = 0.5
    shrink_days: Annotated[float, Meta(gt=0, le=3_650)] = 7.0
    pause_drawdown_millionths: Share = 200_000
    pause_days: Annotated[float, Meta(gt=0, le=3_650)] = 30.0
    children: Annotated[int, Meta(ge=0, le=100)] = 3
    agents: Annotated[int, Meta(ge=1, le=1_000)] = 12
    respect_days: Annotated[float, Meta(ge=0, le=3_650)] = 7.0
    baseline: str = "coin_flip"


class Orders(Struct, frozen=True, forbid_unknown_fields=True):
    """The dead-man: how long an order rests whose trader does not renew it."""

    expire_s: Annotated[int, Meta(ge=10, le=600)] = 600


class Logs(Struct, frozen=True, forbid_unknown_fields=True):
    file: bool = False


class Alerts(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told, and how. Passwords and secret addresses are files: smtp.password, webhook.url, webhook.token,
    apprise.urls."""

    mail_to: tuple[str, ...] = ()
    mail_from: str = "kalshi@localhost"
    escalate_to: tuple[str, ...] = ()
    smtp_host: str = ""
    smtp_port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    webhook: Literal["", "ntfy", "json"] = ""
    apprise: bool = False


class Backup(Struct, frozen=True, forbid_unknown_fields=True):
    """Where copies go and how many stay."""

    folder: str = ""
    keep_days: Annotated[int, Meta(ge=1, le=3_650)] = 14
    keep_weeks: Annotated[int, Meta(ge=0, le=520)] = 8


class Upkeep(Struct, frozen=True, forbid_unknown_fields=True):
    """How long what can be had again, or is not needed for the books, stays."""

    quotes_days: Annotated[int, Meta(ge=1, le=3_650)] = 7
    tape_days: Annotated[int, Meta(ge=1, le=3_650)] = 90
    tape_megabytes: Annotated[int, Meta(ge=10, le=100_000_000)] = 50_000


class Tune(Struct, frozen=True, forbid_unknown_fields=True):
    """What `tune nightly` searches, and how much of the machine it may have."""

    strategies: tuple[str, ...] = ()
    days: Annotated[int, Meta(ge=1, le=365)] = 7
    trials: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    sampler: Literal["grid", "random", "tpe", "genetic"] = "tpe"
    processes: Annotated[int, Meta(ge=1, le=1_024)] = 1
    minutes: Annotated[int, Meta(ge=1, le=300)] = 120


class Dashboard(Struct, frozen=True, forbid_unknown_fields=True):
    """Where bin/dashboard listens, and the names it answers to beside that address and loopback."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8_080
    names: tuple[str, ...] = ()


class Golive(Struct, frozen=True, forbid_unknown_fields=True):
    """What bin/golive asks of the paper floor."""

    paper_days: Annotated[int, Meta(ge=7, le=365)] = 14
    settled_trades: Annotated[int, Meta(ge=30, le=100_000)] = 100


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    environment: Literal["embedded", "paper", "demo", "production"] = "embedded"
    live: bool = False
    time_zone: str = "UTC"
    time_factor: Annotated[float, Meta(ge=1, le=1_000)] = 1.0
    exchange: Exchange = Exchange()
    local: LocalExchange = LocalExchange()
    mirror: Mirror = Mirror()
    discovery: Discovery = Discovery()
    collector: Collector = Collector()
    index: Index = Index()
    agents: Agents = Agents()
    evolution: Evolution = Evolution()
    orders: Orders = Orders()
    risk: Limits = Limits()
    logs: Logs = Logs()
    alerts: Alerts = Alerts()
    backup: Backup = Backup()
    upkeep: Upkeep = Upkeep()
    tune: Tune = Tune()
    golive: Golive = Golive()
    dashboard: Dashboard = Dashboard()

    def zone(self) -> ZoneInfo:
        """The zone in which the trading day rolls."""
        return ZoneInfo(self.time_zone)


def load(file: Path) -> Settings:
    """Read and check a settings file.

    raises  Misconfigured, in one line: what is wrong, where, and the nearest valid name or the range
    """
    try:
        raw = tomllib.loads(file.read_text())
    except FileNotFoundError:
        mend = "name one with --settings; etc/floor.toml is one to begin with"
        raise Misconfigured(f"no settings at {file}", mend) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file}: {error}") from None
    try:
        return parse(raw)
    except Misconfigured as error:
        raise Misconfigured(f"{file}: {error.args[0]}", error.mend) from None


def parse(raw: dict[str, Any]) -> Settings:
    """Settings from parsed TOML; see `load`."""
    _refuse_unknown(raw, Settings, "")
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        where = where.rstrip("`")
        raise Misconfigured(f"{where or 'settings'}: {what}", _choices(where)) from None
    try:
        settings.zone()
    except (ZoneInfoNotFoundError, ValueError):
        raise Misconfigured(f"time_zone: {settings.time_zone!r} is no time zone", 'like "America/New_York"') from None
    if missing := [series for series in settings.discovery.series if series not in settings.discovery.underlying]:
        raise Misconfigured(f"discovery.underlying: {missing[0]} has no index symbol", 'like "BTC-USD"; "" for none')
    return settings


def _choices(path: str) -> str:
    """The values a setting of a fixed few may have; "" for any other."""
    shape: Any = Settings
    for name in path.split("."):
        shape = get_type_hints(shape).get(name) if isinstance(shape, type) else None
    return f"one of {', '.join(get_args(shape))}" if get_origin(shape) is Literal else ""


def _refuse_unknown(raw: dict[str, Any], shape: type, path: str) -> None:
    hints = get_type_hints(shape)
    for key, value in raw.items():
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1, cutoff=0.5)
            mend = f"did you mean {path}{near[0]}?" if near else f"known here: {', '.join(sorted(hints))}"
            raise Misconfigured(f"unknown setting {path}{key}", mend)
        inner = hints[key]
        if isinstance(value, dict) and isinstance(inner, type) and (issubclass(inner, Struct) or inner is Limits):
            _refuse_unknown(value, inner, f"{path}{key}.")
