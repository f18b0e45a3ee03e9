"""REST endpoints that move money without a trade: between shards and subaccounts, target shares, bank moves."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from outcry.paper.engine.money_records import MoveKind, Reservation
from outcry.paper.engine.money_requests import Place
from outcry.paper.engine.records import Reject
from outcry.paper.rest import money_shapes, text
from outcry.paper.rest.calls import Call, Route, answer, bad_parameter, page
from outcry.paper.rest.shapes import Json
from outcry.paper.server.http import Answer

TRANSFER = "/portfolio/intra_exchange_instance_transfer"
TARGET = "/portfolio/target_balance_allocation"
SUBACCOUNTS = "/portfolio/subaccounts"
CENT_MICROS, CENTICENT_MICROS = 10_000, 100
BANK_PAGE = 500

Percent = Annotated[int, Meta(ge=0, le=100)]
Instance = Literal["event_contract", "margined"]


class Transfer(Struct):
    """`amount` in centicents."""

    source: Instance
    destination: Instance
    amount: int
    source_exchange_shard: int = 0
    destination_exchange_shard: int = 0
    source_subaccount: int = 0
    destination_subaccount: int = 0


class Share(Struct):
    exchange_index: int
    percent: Percent


class Target(Struct):
    allocations: list[Share]
    resting_margin_reservation: Reservation = Reservation.SUM


class NewSubaccount(Struct):
    exchange_index: int = 0


class SubaccountMove(Struct):
    client_transfer_id: UUID
    from_subaccount: int
    to_subaccount: int
    amount_cents: int
    exchange_index: int = 0


class Netting(Struct):
    subaccount_number: int
    enabled: bool


# ---- between shards -------------------------------------------------------------------------------------------------


def transfer(call: Call) -> Json:
    wanted = call.body(Transfer)
    if "margined" in (wanted.source, wanted.destination):
        raise Reject(403, "forbidden", "this exchange has no margined instance")
    made, events = call.exchange.engine.transfer(
        call.account,
        Place(wanted.source_exchange_shard, wanted.source_subaccount),
        Place(wanted.destination_exchange_shard, wanted.destination_subaccount),
        wanted.amount * CENTICENT_MICROS,
        call.now_ms,
    )
    call.exchange.step(events)
    return {"transfer_id": made.transfer_id}


def transfers(call: Call) -> Json:
    found = call.exchange.engine.transfers(call.account)
    given, cursor = page(call, found, lambda made: (made.created_at_ms, made.transfer_id), most=BANK_PAGE)
    return {"transfers": [money_shapes.transfer(made) for made in given], "cursor": cursor}


def one_transfer(call: Call) -> Json:
    return {
        "transfer": money_shapes.transfer(call.exchange.engine.one_transfer(call.account, call.path["transfer_id"]))
    }


def target(call: Call) -> Json:
    return money_shapes.target(call.exchange.engine.target(call.account))


def set_target(call: Call) -> Json:
    wanted = call.body(Target)
    percents = {share.exchange_index: share.percent for share in wanted.allocations}
    if len(percents) < len(wanted.allocations):
        raise bad_parameter("an exchange_index is given twice")
    events = call.exchange.engine.set_target(call.account, percents, call.now_ms, wanted.resting_margin_reservation)
    call.exchange.step(events)
    return {}


# ---- subaccounts ----------------------------------------------------------------------------------------------------


def create_subaccount(call: Call) -> Answer:
    shard = call.body(NewSubaccount).exchange_index
    number, events = call.exchange.engine.create_subaccount(call.account, call.now_ms, shard)
    call.exchange.step(events)
    return answer(201, {"subaccount_number": number})


def move(call: Call) -> Json:
    wanted = call.body(SubaccountMove)
    _, events = call.exchange.engine.transfer_subaccount(
        call.account,
        str(wanted.client_transfer_id),
        wanted.from_subaccount,
        wanted.to_subaccount,
        wanted.amount_cents * CENT_MICROS,
        call.now_ms,
        exchange_index=wanted.exchange_index,
    )
    call.exchange.step(events)
    return {}


def moves(call: Call) -> Json:
    found = call.exchange.engine.subaccount_transfers(call.account)
    given, cursor = page(call, found, lambda made: (made.at_ms, made.transfer_id))
    return {"transfers": [money_shapes.subaccount_transfer(made) for made in given], "cursor": cursor}


def balances(call: Call) -> Json:
    """Cash of every subaccount, the primary one among them, on every shard where it has (or had) some."""
    engine = call.exchange.engine
    excludes = engine.state.manners.balance_excludes_resting
    rows: list[Json] = []
    for purse in engine.purses(call.account):
        for shard in engine.shards(call.account, purse.number):
            held = engine.balance(call.account, shard, purse.number)
            shown = held.free_micros if excludes else held.cash_micros
            where = {"subaccount_number": purse.number, "exchange_index": shard}
            rows.append(where | {"balance": text.money(shown), "updated_ts": call.now_ms // 1000})
    return {"subaccount_balances": rows}


def netting(call: Call) -> Json:
    return {"netting_configs": [money_shapes.netting(purse) for purse in call.exchange.engine.purses(call.account)]}


def set_netting(call: Call) -> Answer:
    wanted = call.body(Netting)
    call.exchange.engine.set_netting(call.account, wanted.subaccount_number, wanted.enabled)
    call.exchange.step([])
    return Answer(200)


# ---- in and out -----------------------------------------------------------------------------------------------------


def bank(kind: MoveKind) -> Route:
    """Deposits or withdrawals: all of them are applied at once."""

    def listing(call: Call) -> Json:
        found = call.exchange.engine.moves(call.account, kind)
        given, cursor = page(call, found, lambda made: (made.at_ms, made.move_id), most=BANK_PAGE)
        return {f"{kind}s": [money_shapes.cash_move(made) for made in given], "cursor": cursor}

    return Route("GET", f"/portfolio/{kind}s", listing)


ROUTES = [
    Route("POST", TRANSFER, transfer),
    Route("GET", TRANSFER + "s", transfers),
    Route("GET", TRANSFER + "s/{transfer_id}", one_transfer),
    Route("GET", TARGET, target),
    Route("POST", TARGET, set_target),
    Route("POST", SUBACCOUNTS, create_subaccount),
    Route("POST", SUBACCOUNTS + "/transfer", move),
    Route("GET", SUBACCOUNTS + "/transfers", moves),
    Route("GET", SUBACCOUNTS + "/balances", balances),
    Route("GET", SUBACCOUNTS + "/netting", netting),
    Route("PUT", SUBACCOUNTS + "/netting", set_netting),
    bank(MoveKind.DEPOSIT),
    bank(MoveKind.WITHDRAWAL),
]
