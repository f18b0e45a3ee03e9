"""Every described operation that the exchange serves, asked with whatever its description allows, and some of what it
does not: never a 500, and every answer one that the description has. schemathesis makes the requests, from one seed.
"""

import contextlib
import json
from copy import deepcopy
from urllib.parse import urlsplit

import hypothesis
import pytest
import requests

from local_exchange import OTHER, TICKER, Client, LocalExchange, market, now_ms
from outcry.paper.engine.manners import Manners
from outcry.paper.events import BookSet, Determined, Settled
from outcry.paper.rest.routes import ROUTES

pytestmark = pytest.mark.recorded
EXAMPLES = 20
FRESH = "fresh"  # stands for an order that rests
SETTLED, EVENT = "KXBTC15M-26NOV201200-00", TICKER.rpartition("-")[0]
# Operations of the described API that no floor can use, or that would need people: nobody serves them here.
LEFT_OUT = (
    "/communications/", "/fcm/", "/live_data/", "/milestones", "/multivariate_event_collections", "/search/",
    "/structured_targets", "/api_keys/",
)  # fmt: skip
LEFT_OUT_ONE = {
    ("POST", "/api_keys"),
    ("GET", "/events/{event_ticker}/metadata"),
    ("GET", "/series/{series_ticker}/events/{ticker}/forecast_percentile_history"),
}


@pytest.fixture(scope="module")
def exchange():
    running = LocalExchange("floor", "rival", manners=Manners(market_history_ms=0, cancel_all_tail_ms=0))
    running.list(market(), market(OTHER), market(SETTLED))
    running.feed(BookSet(TICKER, {3900: 10_000, 4000: 5_000}, {4200: 3_000, 4300: 10_000}, now_ms()))
    running.feed(Determined(SETTLED, "no", 0, now_ms(), 97_130_110_000), Settled(SETTLED, now_ms()))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def known(exchange, specification):
    """What parameters and fields of a name may be, so that requests reach something."""
    floor = Client(exchange, "floor", specification)
    group = floor.ask("POST", "/portfolio/order_groups/create", {"contracts_limit": 100, "exchange_index": 2})[1]
    move = {"source": "event_contract", "destination": "event_contract", "amount": 100, "source_exchange_shard": 2}
    transfer = floor.ask("POST", "/portfolio/intra_exchange_instance_transfer", move)[1]
    floor.ask("POST", "/portfolio/subaccounts", {})
    floor.close()
    at_s = now_ms() // 1000
    return {
        "market_ticker": [TICKER, "KXNONE"],
        "market_tickers": [TICKER, f"{TICKER},{OTHER},KXNONE"],
        "start_ts": [at_s - 3_600, at_s],
        "end_ts": [at_s, at_s + 60],
        "period_interval": [1, 60, 1440],
        "exchange_index": [2, 0, -1, 99],
        "subaccount": [0, 1, 9],
        "side": ["bid", "ask"],
        "expiration_time": [at_s + 600, at_s - 600],
        "price": ["0.4000", "0.42", "0.4150"],
        "count": ["1.00", "0.5", "20"],
        "reduce_by": ["1.00", "0"],
        "contracts_limit": [1, 10],
        "ticker": [TICKER, SETTLED, EVENT, "KXNONE"],
        "event_ticker": [EVENT, "KXNONE"],
        "series_ticker": ["KXBTC15M", "KXNONE"],
        "order_id": [FRESH, "none"],
        "order_group_id": [group["order_group_id"], "none"],
        "transfer_id": [transfer["transfer_id"], "none"],
    }


def served(description: dict, known: dict[str, list]) -> dict:
    """The description of what is served, its parameters and fields narrowed to what is known."""
    routes = {(route.method.lower(), route.template) for route in ROUTES}
    parts = {name: deepcopy(description[name]) for name in ("openapi", "info", "components")}
    parts["components"].pop("securitySchemes", None)
    for name, shape in parts["components"]["schemas"].items():
        if name.endswith("Request"):
            fields = shape.get("properties", {})
            fields.update({field: {"enum": known[field]} for field in fields if field in known})
    paths: dict[str, dict] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if (method, path) not in routes:
                continue
            made = deepcopy(operation)
            made.pop("security", None)
            shared = [*operations.get("parameters", []), *made.get("parameters", [])]
            resolved = {one["name"]: one for one in (_resolved(description, one) for one in shared)}
            made["parameters"] = [
                one | {"schema": {"enum": known[name]}} if name in known else one for name, one in resolved.items()
            ]
            paths.setdefault(path, {})[method] = made
    return parts | {"paths": paths}


def _resolved(description: dict, parameter: dict) -> dict:
    while "$ref" in parameter:
        parameter = description["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    return parameter


def test_what_is_described_and_not_served_is_known(specification):
    routes = {(route.method, route.template) for route in ROUTES}
    missing = {
        (method.upper(), path)
        for path, operations in specification._rest["paths"].items()
        for method in operations
        if method in ("get", "post", "put", "delete") and (method.upper(), path) not in routes
    }
    assert {one for one in missing if not one[1].startswith(LEFT_OUT)} == LEFT_OUT_ONE


def test_nothing_that_can_be_asked_brings_a_500_or_an_answer_of_another_shape(exchange, specification, known):
    import schemathesis

    walked = schemathesis.openapi.from_dict(served(specification._rest, known))
    signer, session, floor = exchange.signers["floor"], requests.Session(), Client(exchange, "floor", None)
    seen: dict[str, set[int]] = {}

    def ask(case) -> None:
        if case.path_parameters and case.path_parameters.get("order_id") == FRESH:
            case.path_parameters["order_id"] = floor.place()["order_id"]
        base = f"http://{exchange.host}:{exchange.port}/trade-api/v2"
        sent = case.as_transport_kwargs(base_url=base)
        prepared = session.prepare_request(requests.Request(**{key: sent[key] for key in sent if key in FIELDS}))
        prepared.headers.update(signer.headers(case.method.upper(), urlsplit(prepared.url).path, now_ms()))
        answer = session.send(prepared, timeout=5)
        what = f"{case.method} {prepared.url} {prepared.body!r} -> {answer.status_code} {answer.text}"
        assert answer.status_code < 500, what
        seen.setdefault(f"{case.method.upper()} {case.path}", set()).add(answer.status_code)
        if answer.status_code not in (301, 405):
            body = json.loads(answer.content) if answer.content else None
            specification.check_answer(case.method, urlsplit(prepared.url).path[13:], answer.status_code, body)

    for result in walked.get_all_operations():
        operation = result.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            walk = hypothesis.given(case=operation.as_strategy(generation_mode=mode))(ask)
            settings = hypothesis.settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(hypothesis.HealthCheck),
                phases=[hypothesis.Phase.generate],
            )
            with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # nothing about it could be wrong
                settings(walk)()
    session.close()
    floor.close()
    assert len(seen) >= 60
    reached = [name for name, codes in seen.items() if codes & {200, 201, 204}]
    assert len(reached) >= 50, sorted(set(seen) - set(reached))  # the walk is no row of refusals


FIELDS = {"method", "url", "params", "json", "data", "headers", "cookies"}
