"""REST endpoints of order groups. A group is found by its subaccount and shard, both 0 where the request names none."""

from msgspec import Struct

from outcry.paper.engine.groups import OrderGroup
from outcry.paper.rest import text
from outcry.paper.rest.calls import Call, Route, answer, bad_parameter
from outcry.paper.rest.order_bodies import read_count_ch
from outcry.paper.rest.shapes import Json
from outcry.paper.server.http import Answer

GROUPS = "/portfolio/order_groups"
MOST_SHARD = 100


class Limit(Struct):
    """Contracts in 15 seconds: whole, or as a decimal."""

    contracts_limit: int | None = None
    contracts_limit_fp: str | None = None

    def limit_ch(self) -> int:
        if self.contracts_limit_fp is not None:
            limit_ch = read_count_ch(self.contracts_limit_fp)
            if self.contracts_limit not in (None, 0) and self.contracts_limit * 100 != limit_ch:
                raise bad_parameter("contracts_limit and contracts_limit_fp differ")
            return limit_ch
        if self.contracts_limit is None:
            raise bad_parameter("contracts_limit or contracts_limit_fp is required")
        return self.contracts_limit * 100


class NewGroup(Limit):
    subaccount: int = 0
    exchange_index: int = 0


def groups(call: Call) -> Json:
    found = call.exchange.engine.groups(call.account, call.subaccount())
    return {"order_groups": [{"id": group.group_id} | _facts(group) for group in found]}


def one_group(call: Call) -> Json:
    group = call.exchange.engine.group(call.account, call.path["order_group_id"], call.subaccount())
    return _facts(group) | {"orders": list(group.resting)}


def _facts(group: OrderGroup) -> Json:
    return {
        "contracts_limit_fp": text.count(group.limit_ch),
        "is_auto_cancel_enabled": True,
        "exchange_index": group.exchange_index,
    }


def create(call: Call) -> Answer:
    wanted = call.body(NewGroup)
    if not 0 <= wanted.exchange_index <= MOST_SHARD:
        raise bad_parameter("no such exchange shard")
    group, events = call.exchange.engine.create_group(
        call.account,
        wanted.limit_ch(),
        call.now_ms,
        subaccount=wanted.subaccount,
        exchange_index=wanted.exchange_index,
    )
    call.exchange.step(events)
    where = {"subaccount": group.subaccount, "exchange_index": group.exchange_index}
    return answer(201, {"order_group_id": group.group_id} | where)


def limit(call: Call) -> Json:
    group_id, where = _named(call)
    limit_ch = call.body(Limit).limit_ch()
    call.exchange.step(call.exchange.engine.limit_group(call.account, group_id, limit_ch, call.now_ms, **where))
    return {}


def reset(call: Call) -> Json:
    group_id, where = _named(call)
    call.exchange.step(call.exchange.engine.reset_group(call.account, group_id, call.now_ms, **where))
    return {}


def trigger(call: Call) -> Json:
    group_id, where = _named(call)
    call.exchange.step(call.exchange.engine.trigger_group(call.account, group_id, call.now_ms, **where))
    return {}


def delete(call: Call) -> Json:
    group_id, where = _named(call)
    call.exchange.step(call.exchange.engine.delete_group(call.account, group_id, call.now_ms, **where))
    return {}


def _named(call: Call) -> tuple[str, dict[str, int]]:
    """The group that a request is about, and where it looks for it."""
    where = {"subaccount": call.subaccount() or 0, "exchange_index": call.number("exchange_index", 0) or 0}
    return call.path["order_group_id"], where


def _shard(call: Call) -> int | None:
    return call.number("exchange_index", 0) or 0


ROUTES = [
    Route("GET", GROUPS, groups),
    Route("POST", GROUPS + "/create", create),
    Route("GET", GROUPS + "/{order_group_id}", one_group),
    Route("DELETE", GROUPS + "/{order_group_id}", delete, shard=_shard),
    Route("PUT", GROUPS + "/{order_group_id}/limit", limit, shard=_shard),
    Route("PUT", GROUPS + "/{order_group_id}/reset", reset, shard=_shard),
    Route("PUT", GROUPS + "/{order_group_id}/trigger", trigger, shard=_shard),
]
