"""Who is asking: API keys, signatures, and the clock they were made by.

Every refusal is a 401 with the exchange's nested error body. The window around our clock is not symmetric, as measured
on the real exchange: 20 s into the past, 30 s into the future.
"""

from dataclasses import dataclass

from outcry.paper.engine.records import Reject
from outcry.venue import sign

PAST_MS = 20_000
FUTURE_MS = 30_000
KEY, TIMESTAMP, SIGNATURE = (name.lower() for name in (sign.KEY_HEADER, sign.TIMESTAMP_HEADER, sign.SIGNATURE_HEADER))


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: its public half, and the account it acts for."""

    key_id: str
    account: str
    public: sign.PublicKey


class Keys:
    """All keys the exchange knows."""

    def __init__(self, keys: tuple[Key, ...] = ()) -> None:
        self._keys = {key.key_id: key for key in keys}

    def add(self, key: Key) -> None:
        self._keys[key.key_id] = key

    def everyone(self) -> list[Key]:
        return list(self._keys.values())

    def of(self, account: str) -> list[Key]:
        return [key for key in self._keys.values() if key.account == account]

    def authenticate(
        self,
        headers: dict[str, str],
        method: str,
        path: str,
        now_ms: int,
        skew_ms: tuple[int, int] = (PAST_MS, FUTURE_MS),
    ) -> Key:
        """The key that signed a request. `headers` by lower-case name; `path` as sent, from the host's root, without
        its query.

        raises  Reject 401 when a header is missing, the key unknown, the clock off, or the signature not the key's
        """
        key_id = _header(headers, KEY, "api_key_is_missing")
        timestamp = _header(headers, TIMESTAMP, "timestamp_is_missing")
        signature = _header(headers, SIGNATURE, "signature_is_missing")
        key = self._keys.get(key_id)
        if key is None:
            raise Reject(401, "authentication_error", "authentication_error", "NOT_FOUND")
        if not (timestamp.isascii() and timestamp.isdigit()):
            raise Reject(401, "header_timestamp_invalid", "timestamp is not a number of milliseconds")
        if not -skew_ms[0] <= int(timestamp) - now_ms <= skew_ms[1]:
            raise Reject(401, "header_timestamp_expired", "header timestamp expired")
        if not sign.verify(key.public, timestamp, method, path, signature):
            raise Reject(401, "authentication_error", "authentication_error", "INCORRECT_API_KEY_SIGNATURE")
        return key


def _header(headers: dict[str, str], name: str, code: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise Reject(401, code, f"{name.upper()} header is missing")
    return value
