"""Who may ask: the names this server answers to, pages of its own alone, and a token where others could reach it.

A page somewhere on the internet can make a browser on this machine ask 127.0.0.1, also under a name of its own that it
points there. So a foreign Host or Origin is refused before anything is read. Nothing here is a control: there is none.
"""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


@dataclass(frozen=True, slots=True)
class Guard:
    """names: hosts we answer to, without port; token: "" on loopback, where none is asked for."""

    names: frozenset[str]
    token: str = ""

    def refusal(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """The status and the words with which a request is refused; None where it is welcome.

        headers  by lower-case name
        """
        host = name_of(headers.get("host", ""))
        if host not in self.names:
            return 421, f"this dashboard does not answer to the name {host or '(none)'!r}"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return 403, "pages of other origins may not ask here"
        if self.token and not self._knows_token(headers.get("authorization", "")):
            return 401, "a token is needed: Authorization: Bearer …, or any user with the token as password"
        return None

    def _knows_token(self, authorization: str) -> bool:
        kind, _, said = authorization.partition(" ")
        if kind.lower() == "basic":  # what a browser can send
            try:
                said = base64.b64decode(said, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif kind.lower() != "bearer":
            return False
        return hmac.compare_digest(said.strip().encode(), self.token.encode())


def name_of(host: str) -> str:
    """A Host header without its port.

    >>> name_of("localhost:8080"), name_of("[::1]:8080"), name_of("floor.lan")
    ('localhost', '[::1]', 'floor.lan')
    """
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("floor.lan")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
