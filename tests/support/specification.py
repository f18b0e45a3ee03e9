"""The exchange's own machine-readable descriptions, as validators: does a body or a message have the shape it should?

The OpenAPI base is deep-merged with the list of later changes beside it. Objects may carry only properties that the
description declares, besides a few that are known to be sent and not yet described.
"""

import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import yaml

EXTRA = {"inferred", "sending_ts_ms", "last_update_reason", "exchange_index", "sid", "seq", "id", "index_ids"}
KINDS = {  # type of a stream message: its schema
    "subscribed": "subscribedResponsePayload",
    "unsubscribed": "unsubscribedResponsePayload",
    "error": "errorResponsePayload",
    "orderbook_snapshot": "orderbookSnapshotPayload",
    "orderbook_delta": "orderbookDeltaPayload",
    "ticker": "tickerPayload",
    "trade": "tradePayload",
    "fill": "fillPayload",
    "user_order": "userOrderPayload",
    "market_position": "marketPositionPayload",
    "market_lifecycle_v2": "marketLifecycleV2Payload",
    "event_lifecycle": "eventLifecyclePayload",
    "event_fee_update": "eventFeeUpdatePayload",
    "order_group_updates": "orderGroupUpdatesPayload",
    "cfbenchmarks_value": "cfbenchmarksValuePayload",
    "cfbenchmarks_value_indexlist": "cfbenchmarksIndexListPayload",
}
_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or bool(uuid.UUID(value))


class Specification:
    """Both descriptions. `folder` holds openapi.yaml, openapi-delta-*.yaml and asyncapi.yaml."""

    def __init__(self, folder: Path) -> None:
        self._rest = _load(folder / "openapi.yaml")
        for delta in sorted(folder.glob("openapi-delta-*.yaml")):
            self._rest = _merge(self._rest, _load(delta))
        self._rest_shapes = _translate(self._rest["components"])
        self._stream_shapes = _translate(_load(folder / "asyncapi.yaml")["components"])
        self._templates = {
            path: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))) for path in self._rest["paths"]
        }

    def check_answer(self, method: str, path: str, status: int, body: Any) -> None:
        """Raise unless the body is one that the description has for this method, path (below the base) and status."""
        if status >= 400:
            if status == 429:
                assert body == {"error": "too many requests"}
            else:
                self._check(self._rest_shapes, "ErrorResponse", body["error"])
                assert body["error"]["code"]
            return
        answer = self._answer(self._operation(method, path), status)
        if "content" not in answer:
            assert body is None, f"{method} {path} {status} has no body"
            return
        (media,) = answer["content"].values()
        self._check(self._rest_shapes, _translate(media["schema"]), body)

    def check_message(self, message: dict[str, Any]) -> None:
        """Raise unless a message of the stream has the shape of its type."""
        kind = message["type"]
        if kind == "ok":
            name = "listSubscriptionsResponsePayload" if isinstance(message.get("msg"), list) else "okResponsePayload"
        else:
            name = KINDS[kind]
        assert isinstance(message["sending_ts_ms"], int)
        self._check(self._stream_shapes, name, message)

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        fitting = [name for name, pattern in self._templates.items() if pattern.fullmatch(path)]
        assert fitting, f"{path} is not described"
        best = min(fitting, key=lambda name: name.count("{"))
        return self._rest["paths"][best][method.lower()]

    def _answer(self, operation: dict[str, Any], status: int) -> dict[str, Any]:
        answer = operation["responses"][str(status)]
        while "$ref" in answer:
            answer = self._rest["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        return answer

    def _check(self, shapes: dict[str, Any], shape: str | dict[str, Any], body: Any) -> None:
        wanted = {"$ref": f"#/components/schemas/{shape}"} if isinstance(shape, str) else shape
        validator = jsonschema.Draft202012Validator({**wanted, "components": shapes}, format_checker=_formats)
        validator.validate(body)


def _load(file: Path) -> dict[str, Any]:
    return yaml.load(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _merge(base: Any, delta: Any) -> Any:
    """Deep-merge: objects by key, `required` and `parameters` by adding, anything else replaced."""
    if not (isinstance(base, dict) and isinstance(delta, dict)):
        return delta
    merged = dict(base)
    for key, value in delta.items():
        if key == "x-remove":
            continue
        if key in ("required", "parameters") and isinstance(value, list):
            merged[key] = [*merged.get(key, []), *(one for one in value if one not in merged.get(key, []))]
        else:
            merged[key] = _merge(merged.get(key), value)
    for name in delta.get("x-remove", []):
        merged["properties"] = {key: value for key, value in merged["properties"].items() if key != name}
        merged["required"] = [key for key in merged.get("required", []) if key != name]
    return merged


def _translate(shape: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable`; and objects closed to properties that nobody described."""
    if isinstance(shape, list):
        return [_translate(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    made = {key: _translate(value) for key, value in shape.items() if key not in ("nullable", "example", "examples")}
    properties = made.get("properties")
    if made.get("type") == "object" and isinstance(properties, dict) and properties:
        made["properties"] = {**dict.fromkeys(EXTRA, True), **properties}
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if shape.get("nullable") is True else made
