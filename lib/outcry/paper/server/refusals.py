"""How the exchange says no over HTTP: the status, and a body in the shape that its API uses in practice.

The documented error object is `{"code", "message", "details"}`; the live API nests it under `error`, and its rate limit
answers with a bare string. Clients branch on status and code.
"""

import msgspec

from outcry.paper.engine.records import Reject
from outcry.paper.server.http import Answer


def answer(refusal: Reject, *, nested: bool = True) -> Answer:
    body = error(refusal)
    return Answer(refusal.status, msgspec.json.encode({"error": body} if nested else body))


def error(refusal: Reject) -> dict[str, str]:
    """The error object, as it also stands in the items of a batch's answer."""
    body = {"code": refusal.code, "message": refusal.message}
    return body | {"details": refusal.details} if refusal.details else body


def too_many() -> Answer:
    return Answer(429, b'{"error":"too many requests"}')
