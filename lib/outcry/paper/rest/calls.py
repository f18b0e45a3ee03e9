"""What the handlers of REST routes share: the call, its parameters checked, pages of long lists."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec

from outcry.paper.engine.records import Reject
from outcry.paper.rest.shapes import Json
from outcry.paper.server.http import Answer, Request
from outcry.paper.server.limits import DEFAULT_COST

if TYPE_CHECKING:
    from outcry.paper.server.exchange import Exchange

Row = TypeVar("Row")
Body = TypeVar("Body")
BASE = "/trade-api/v2"
UNSCOPED = 0


@dataclass(slots=True)
class Call:
    """One request on its way through a route. `account` is "" where none was proven and none is needed."""

    exchange: "Exchange"
    request: Request
    account: str
    now_ms: int
    path: dict[str, str] = field(default_factory=dict)
    _json: object = None

    # ---- query ------------------------------------------------------------------------------------------------------

    def text(self, name: str) -> str:
        return self.request.first(name)

    def listed(self, name: str, most: int = 1_000) -> list[str]:
        """A comma separated parameter."""
        values = [value for value in self.request.first(name).split(",") if value]
        if len(values) > most:
            raise bad_parameter(f"{name} takes at most {most} values")
        return values

    def number(self, name: str, least: int | None = None, most: int | None = None) -> int | None:
        """A whole number, or None where it is not given."""
        given = self.request.first(name)
        if not given:
            return None
        try:
            value = int(given)
        except ValueError:
            raise bad_parameter(f"{name} must be a whole number") from None
        if (least is not None and value < least) or (most is not None and value > most):
            raise bad_parameter(f"{name} must be between {least} and {most}")
        return value

    def seconds_ms(self, name: str, *, whole_second: bool = False) -> int | None:
        """A Unix time in seconds, as ms. `whole_second`: its last millisecond, for an upper bound that includes it."""
        value = self.number(name)
        return None if value is None else value * 1000 + (999 if whole_second else 0)

    def flag(self, name: str) -> bool:
        given = self.request.first(name, "false").lower()
        if given not in ("true", "false", "1", "0", ""):
            raise bad_parameter(f"{name} must be true or false")
        return given in ("true", "1")

    def choice(self, name: str, known: tuple[str, ...]) -> str:
        given = self.request.first(name)
        if given and given not in known:
            raise bad_parameter(f"{name} must be one of {', '.join(known)}")
        return given

    def subaccount(self) -> int | None:
        """The subaccount that the query names, None where it names none."""
        return self.number("subaccount", 0)

    # ---- body -------------------------------------------------------------------------------------------------------

    def json(self) -> Json:
        """The body as a JSON object, decoded once.

        raises  Reject 400 when it is none
        """
        if self._json is None:
            try:
                self._json = msgspec.json.decode(self.request.body or b"{}")
            except msgspec.DecodeError as error:
                raise Reject(400, "invalid_json", "request body is not JSON", str(error)) from None
        if not isinstance(self._json, dict):
            raise Reject(400, "invalid_json", "request body is not a JSON object")
        return self._json

    def body(self, shape: type[Body]) -> Body:
        return shaped(self.json(), shape)


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `template` below the base path, parameters in braces.

    private  whether the request must be signed
    tokens   what it costs; None for the price list's entry or the default
    shard    which write bucket pays; None for every shard's (routed by the exchange)
    """

    method: str
    template: str
    handler: Callable[[Call], Answer | Json]
    private: bool = True
    tokens: Callable[[Call], int] | None = None
    shard: Callable[[Call], int | None] = lambda _call: UNSCOPED


def shaped(value: object, shape: type[Body]) -> Body:
    """A decoded JSON value as a typed body. Raises Reject 400 naming what does not fit."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Reject(400, "invalid_parameters", "request body does not fit", str(error)) from None


def bad_parameter(why: str) -> Reject:
    return Reject(400, "invalid_parameters", why)


def answer(status: int, body: object) -> Answer:
    return Answer(status, msgspec.json.encode(body))


def batch_items(call: Call) -> int:
    """How many items a batch holds: they are billed one by one. A body that holds none is billed as one."""
    items = call.json().get("orders")
    return max(1, len(items)) if isinstance(items, list) else 1


def batch_cost(each: int) -> Callable[[Call], int]:
    return lambda call: each * batch_items(call)


def default_cost(_call: Call) -> int:
    return DEFAULT_COST


# ---- pages ----------------------------------------------------------------------------------------------------------


def page(
    call: Call, rows: list[Row], key: Callable[[Row], tuple[int, str]], *, default: int = 100, most: int = 1_000
) -> tuple[list[Row], str]:
    """A page of rows that come in descending order of their key's number, and the cursor of the next ("" at the end).

    key  (number, id): the cursor remembers the last number and which ids of it were given, so rows that appear or
         vanish meanwhile neither repeat nor hide others
    """
    limit = call.number("limit", 0, most) or default
    number, seen = _read_cursor(call.request.first("cursor"))
    if number is not None:
        rows = [row for row in rows if key(row)[0] < number or (key(row)[0] == number and key(row)[1] not in seen)]
    given = rows[:limit]
    if len(rows) <= limit:
        return given, ""
    last = key(given[-1])[0]
    same = [key(row)[1] for row in given if key(row)[0] == last]
    return given, _write_cursor(last, same + (seen if number == last else []))


def _write_cursor(number: int, seen: list[str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((number, seen))).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int | None, list[str]]:
    if not cursor:
        return None, []
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=tuple[int, list[str]])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise bad_parameter("cursor is not one of ours") from None
