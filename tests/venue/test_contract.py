"""What we send and what we rely on, against the exchange's own OpenAPI description with its later changes merged in."""

import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

import described_calls
from outcry.domain.order import Side, TimeInForce
from outcry.venue import account_rows, market_rows, order_rows
from outcry.venue.rest import NewOrder

BASE = "https://exchange.test/trade-api/v2"
TICKER = "KXBTC15M-26NOV201215-15"
ORDER_ID = "5d0c8a52-0d0b-4a0e-9a57-5e7b1a5f0001"
CLIENT_ID = "oc-abcdef-coin_flip-01KAGE7XJ6W3Q0S8Z5T4N2M1R0"
GTC = NewOrder(CLIENT_ID, TICKER, Side.BID, 4300, 1200, TimeInForce.GTC, 2, True, False, 1_795_194_840, True)
IOC = NewOrder(CLIENT_ID, TICKER, Side.ASK, 999, 1, TimeInForce.IOC, 2, reduce_only=True, stp="maker")

# (method, route, payload of the answer, its status, the call that asks for it)
CALLS = [
    ("GET", "/exchange/status", "exchange_status", 200, lambda r: r.exchange_status()),
    ("GET", "/series", "series_list", 200, lambda r: r.series_list(category="Crypto")),
    ("GET", "/series/{series_ticker}", "series", 200, lambda r: r.series("KXBTC15M")),
    ("GET", "/events", "events", 200, lambda r: r.events("KXBTC15M", "open", ["E1", "E2"])),
    ("GET", "/markets", "markets", 200, lambda r: r.markets("KXBTC15M", "open", ["A", "B"], 1, 2)),
    ("GET", "/markets/{ticker}", "market_settled", 200, lambda r: r.market(TICKER)),
    ("GET", "/markets/{ticker}", "market_scalar", 200, lambda r: r.market(TICKER)),
    ("GET", "/markets/{ticker}/orderbook", "orderbook", 200, lambda r: r.orderbook(TICKER)),
    ("GET", "/markets/orderbooks", "orderbooks", 200, lambda r: r.orderbooks(["A", "B"])),
    ("GET", "/markets/trades", "trades", 200, lambda r: r.trades(TICKER, 1, 2)),
    ("GET", "/portfolio/orders", "orders", 200, lambda r: r.orders(TICKER, "resting", 1, 2, 2)),
    ("GET", "/portfolio/orders/{order_id}", "order", 200, lambda r: r.order(ORDER_ID)),
    ("GET", "/portfolio/balance", "balance", 200, lambda r: r.balance(2)),
    ("GET", "/portfolio/positions", "positions", 200, lambda r: r.positions(2, "all")),
    ("GET", "/portfolio/fills", "fills", 200, lambda r: r.fills(1, TICKER, ORDER_ID, 2)),
    ("GET", "/portfolio/settlements", "settlements", 200, lambda r: r.settlements(1, TICKER)),
    ("GET", "/account/limits", "limits", 200, lambda r: r.limits()),
    ("GET", "/account/endpoint_costs", "endpoint_costs", 200, lambda r: r.endpoint_costs()),
    ("POST", "/portfolio/events/orders", "order_placed", 201, lambda r: r.create_order(GTC)),
    ("POST", "/portfolio/events/orders", "order_placed", 201, lambda r: r.create_order(IOC)),
    ("DELETE", "/portfolio/events/orders", None, 204, lambda r: r.cancel_all()),
    (
        "DELETE",
        "/portfolio/events/orders/{order_id}",
        "order_canceled",
        200,
        lambda r: r.cancel_order(ORDER_ID, "A", 2),
    ),
    (
        "POST",
        "/portfolio/events/orders/{order_id}/amend",
        "order_renewed",
        200,
        lambda r: r.renew(ORDER_ID, TICKER, Side.BID, 4300, 1200, 1_795_195_440, 2),
    ),
]
CALLS += described_calls.CALLS
NAMES = [f"{method} {route} {name}" for method, route, name, _status, _ask in CALLS]

# Fields that we insist on although the description does not promise them, each with the reason.
INSISTED = {
    (market_rows.MarketRow, "exchange_index"),  # always sent ("omitempty: false"); without it orders go astray
    (order_rows.OrderRow, "exchange_index"),
} | described_calls.INSISTED
ROWS = [
    (market_rows.ExchangeStatus, "ExchangeStatus"),
    (market_rows.ShardStatus, "ExchangeIndexStatus"),
    (market_rows.SeriesRow, "Series"),
    (market_rows.EventRow, "EventData"),
    (market_rows.MarketRow, "Market"),
    (market_rows.RangeRow, "PriceRange"),
    (market_rows.SideLevels, "OrderbookCountFp"),
    (market_rows.TradeRow, "Trade"),
    (order_rows.OrderRow, "Order"),
    (order_rows.PlacedRow, "CreateOrderV2Response"),
    (order_rows.CanceledRow, "CancelOrderV2Response"),
    (order_rows.RenewedRow, "AmendOrderV2Response"),
    (account_rows.FillRow, "Fill"),
    (account_rows.SettlementRow, "Settlement"),
    (account_rows.BalanceRow, "GetBalanceResponse"),
    (account_rows.ShardBalanceRow, "IndexedBalance"),
    (account_rows.PositionRow, "MarketPosition"),
    (account_rows.Limits, "GetAccountApiLimitsResponse"),
    (account_rows.BucketRow, "BucketLimit"),
    (account_rows.CostRow, "EndpointTokenCost"),
    (account_rows.EndpointCosts, "GetAccountEndpointCostsResponse"),
    *described_calls.ROWS,
]


def merged(base, delta):
    """Deep-merge: objects by key, lists of names united, parameters appended; `x-remove` names keys that go."""
    if isinstance(base, dict) and isinstance(delta, dict):
        whole = dict(base)
        for key, value in delta.items():
            whole[key] = merged(base[key], value) if key in base and key != "enum" else value
        gone = delta.get("x-remove", [])
        if gone:
            whole["properties"] = {k: v for k, v in whole["properties"].items() if k not in gone}
            whole["required"] = [name for name in whole.get("required", []) if name not in gone]
        return whole
    if isinstance(base, list) and isinstance(delta, list):
        return base + [item for item in delta if item not in base]
    return delta


def as_json_schema(node):
    """OpenAPI 3.0 says `nullable` where JSON Schema says null."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: as_json_schema(value) for key, value in node.items() if key not in ("nullable", "example")}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@pytest.fixture(scope="module")
def description(protocol):
    base = yaml.safe_load((protocol / "openapi.yaml").read_text())
    return merged(base, yaml.safe_load((protocol / "openapi-delta-3.31.yaml").read_text()))


@pytest.fixture(scope="module")
def schemas(description):
    return as_json_schema(description["components"])


def check(schemas, schema, instance):
    validator = Draft202012Validator({"components": schemas, **as_json_schema(schema)})
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)] == []


def of_operation(description, method, route):
    """(operation, {query parameter: its schema}) with references followed."""
    path = description["paths"][route]
    operation = path[method.lower()]
    parameters = {}
    for listed in [*path.get("parameters", []), *operation.get("parameters", [])]:
        known = description["components"]["parameters"]
        parameter = known[listed["$ref"].rsplit("/", 1)[1]] if "$ref" in listed else listed
        if parameter["in"] == "query":
            parameters[parameter["name"]] = parameter["schema"]
    return operation, parameters


@pytest.mark.parametrize(("method", "route", "name", "status", "ask"), CALLS, ids=NAMES)
def test_calls_send_what_is_described_and_read_what_is_described(
    description, schemas, rest, exchange, payload, method, route, name, status, ask
):
    operation, parameters = of_operation(description, method, route)
    text = payload(name) if name else ""
    if name:
        described = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        check(schemas, described, json.loads(text))
    filled = route.format_map(described_calls.IN_PATHS)
    exchange.add(method, BASE + filled, body=text, status=status)
    supporting_events(exchange, payload)
    ask(rest)

    request = exchange.calls[0].request
    assert (request.method, urlsplit(request.url).path) == (method, "/trade-api/v2" + filled)
    for key, values in parse_qs(urlsplit(request.url).query).items():
        assert key in parameters, f"{method} {route} knows no parameter {key}"
        check(schemas, parameters[key], as_typed(schemas, as_json_schema(parameters[key]), values))
    if request.body:
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        check(schemas, body, json.loads(request.body))
        known = description["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]["properties"]
        assert set(json.loads(request.body)) <= set(known)


def as_typed(schemas, schema, values):
    """A query's texts as the type their schema asks for."""
    if "$ref" in schema:
        schema = schemas["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("type") == "array":
        return values
    (value,) = values
    reads = {"integer": int, "boolean": {"true": True, "false": False}.get}
    return reads.get(schema.get("type"), str)(value)


def supporting_events(exchange, payload):
    """What market calls ask besides: the events and series behind the markets."""
    listing = json.loads(payload("events"))
    for event in ("KXBTC15M-26NOV201200", "KXNFLGAME-26NOV22BUFLAR"):
        listing["events"].append(listing["events"][0] | {"event_ticker": event})
    exchange.get(f"{BASE}/events", json=listing)
    exchange.get(f"{BASE}/series/KXBTC15M", body=payload("series"))


@pytest.mark.parametrize(("row", "schema"), ROWS, ids=[schema for _row, schema in ROWS])
def test_we_insist_only_on_fields_that_are_promised_and_know_none_that_are_not_there(description, row, schema):
    name, _point, array = schema.partition(".")
    described = description["components"]["schemas"][name]
    if array:
        described = described["properties"][array]["items"]
    for field in msgspec.structs.fields(row):
        assert field.encode_name in described["properties"], f"{schema} has no {field.encode_name}"
        if field.required and (row, field.encode_name) not in INSISTED:
            assert field.encode_name in described.get("required", []), f"{schema}.{field.encode_name} may be missing"
            assert not described["properties"][field.encode_name].get("nullable")


def test_words_we_know_are_all_the_words_there_are(description):
    from outcry.domain.market import Status
    from outcry.venue import fees
    from outcry.venue.cash_rows import STATUSES
    from outcry.venue.fees import FeeTerms
    from outcry.venue.rest_shards import Reservation, TransferStatus

    schemas = description["components"]["schemas"]
    assert {status.value for status in Status} == set(schemas["Market"]["properties"]["status"]["enum"])
    assert {status.value for status in order_rows.OrderStatus} == set(schemas["OrderStatus"]["enum"])
    assert {side.value for side in Side} == set(schemas["BookSide"]["enum"])
    times = schemas["CreateOrderV2Request"]["properties"]["time_in_force"]["enum"]
    assert {time.value for time in TimeInForce} == set(times)
    unknown = [kind for kind in schemas["FeeType"]["enum"] if not fees.known(FeeTerms(kind))]
    assert unknown == ["flat"]
    assert {status.value for status in TransferStatus} == set(schemas["IntraExchangeInstanceTransferStatus"]["enum"])
    assert {kind.value for kind in Reservation} == set(schemas["RestingMarginReservation"]["enum"])
    for kind in ("Deposit", "Withdrawal"):
        assert set(STATUSES) == set(schemas[kind]["properties"]["status"]["enum"])


def test_costs_we_assume_are_those_described(description):
    from outcry.venue.http import COSTS

    assert description["paths"]["/portfolio/events/orders"]["delete"]["x-token-cost"] == 2
    for method, route in COSTS:
        assert method.lower() in description["paths"][route]
