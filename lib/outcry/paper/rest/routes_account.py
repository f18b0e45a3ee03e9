"""REST endpoints about the account itself: its limits, what calls cost, its keys, its usage tier and the way up."""

from outcry.paper.rest import account_shapes, text
from outcry.paper.rest.calls import Call, Route
from outcry.paper.rest.shapes import Json
from outcry.paper.server import limits
from outcry.paper.server.http import Answer

MONTH_MS = 30 * 86_400_000
UPGRADED = "advanced"
# Own volume of 30 days that earns a tier, in hundred-thousandths of twice the exchange's.
EARNS = {"expert": 75, "premier": 125, "paragon": 250, "prime": 500, "prestige": 1_000}
KEEPS_PERCENT = 80  # of what earns it; the exchange says only that it is less


def account_limits(call: Call) -> Json:
    """A tier above the lowest is one that was granted: by hand, here."""
    meter = call.exchange.meter(call.account, call.now_ms)
    write, granted = meter.writes[0], meter.tier != limits.LOWEST
    return {
        "usage_tier": meter.tier,
        "read": {"refill_rate": meter.read.rate, "bucket_capacity": meter.read.capacity},
        "write": {"refill_rate": write.rate, "bucket_capacity": write.capacity},
        "grants": [{"exchange_instance": "event_contract", "level": meter.tier, "source": "manual"}] * granted,
    }


def endpoint_costs(_call: Call) -> Json:
    costs = [{"method": method, "path": path, "cost": cost} for (method, path), cost in limits.COSTS.items()]
    return {"default_cost": limits.DEFAULT_COST, "endpoint_costs": costs}


def api_keys(call: Call) -> Json:
    keys = call.exchange.keys.of(call.account)
    rows = [{"api_key_id": key.key_id, "name": key.account, "scopes": ["read", "write"]} for key in keys]
    return {"api_keys": rows, "api_key_region_expiration_ts": None}


def upgrade(call: Call) -> Answer:
    """The advanced tier for the asking; an account that has it, or a higher one, keeps what it has."""
    if call.exchange.engine.tier(call.account) == limits.LOWEST:
        call.exchange.set_tier(call.account, UPGRADED)
    return Answer(201)


def volume_progress(call: Call) -> Json:
    """Contracts the account traded within 30 days, and what would earn and keep each tier at the exchange's volume."""
    engine, since_ms = call.exchange.engine, call.now_ms - MONTH_MS
    own_ch = sum(fill.count_ch for fill in engine.fills(call.account, min_ms=since_ms))
    all_ch = sum(record.volume_ch for record in engine.markets() if record.market.close_at_ms >= since_ms)
    goals = {level: 2 * all_ch * share // 100_000 for level, share in EARNS.items()}
    progress = {
        "computed_ts": call.now_ms // 1000,
        "trailing_30d_volume_fp": text.count(own_ch),
        "goals": [account_shapes.goal(level, earns, earns * KEEPS_PERCENT // 100) for level, earns in goals.items()],
    }
    return {"volume_progress": [progress]}


ROUTES = [
    Route("GET", "/account/limits", account_limits),
    Route("GET", "/account/endpoint_costs", endpoint_costs, private=False),
    Route("GET", "/account/api_usage_level/volume_progress", volume_progress),
    Route("POST", "/account/api_usage_level/upgrade", upgrade),
    Route("GET", "/api_keys", api_keys),
]
