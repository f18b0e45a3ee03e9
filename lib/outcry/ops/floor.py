"""A floor: its settings and where its things lie."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops import golive
from outcry.ops.settings import Settings

HOSTS = {  # REST, stream; the exchange's preferred hosts
    "demo": (
        "https://external-api.demo.kalshi.co/trade-api/v2",
        "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
    ),
    "production": (
        "https://external-api.kalshi.com/trade-api/v2",
        "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    ),
}
COINBASE_URL = "https://api.exchange.coinbase.com"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the exchange and the spot venue answer."""

    rest_url: str
    stream_url: str
    spot_url: str


@dataclass(frozen=True, slots=True)
class Floor:
    """Handed to every program. `folder` is state/<environment>: books of two environments never mix."""

    settings: Settings
    folder: Path
    quiet: bool = False

    @property
    def database(self) -> Path:
        return self.folder / "kalshi.db"

    @property
    def budget_file(self) -> Path:
        return self.folder / "budget.db"

    @property
    def tape(self) -> Path:
        return self.folder / "tape"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def halt_file(self) -> Path:
        return self.folder / "HALT"

    @property
    def golive_file(self) -> Path:
        """The record without which no program enters anything with real money."""
        return self.folder / golive.RECORD

    @property
    def exchange_file(self) -> Path:
        """Written by bin/exchange while it listens: its addresses and pid."""
        return self.folder / "exchange.json"

    @property
    def exchange_books(self) -> Path:
        return self.folder / "exchange.db"

    @property
    def public_key_file(self) -> Path:
        return self.folder / "kalshi.pub"

    @property
    def key_file(self) -> Path:
        """The private key: systemd's credential, else $OUTCRY_KEY_FILE, else kalshi.pem of this floor.

        The local exchange knows the last one only: where the key of an account at Kalshi lies is nothing to it.
        """
        if self.local:
            return self.folder / "kalshi.pem"
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if credentials and (Path(credentials) / "kalshi.pem").exists():
            return Path(credentials) / "kalshi.pem"
        return Path(os.environ.get("OUTCRY_KEY_FILE") or self.folder / "kalshi.pem")

    def key_id(self) -> str:
        """The id of that key: $OUTCRY_KEY_ID, else the file kalshi.key-id of this floor.

        raises  Misconfigured when there is none
        """
        if key_id := os.environ.get("OUTCRY_KEY_ID"):
            return key_id.strip()
        try:
            return (self.folder / "kalshi.key-id").read_text().strip()
        except FileNotFoundError:
            mend = "next: bin/migrate" if self.local else "docs/operations.md, 'A key', says where it comes from"
            raise Misconfigured(f"no key id at {self.folder / 'kalshi.key-id'}", mend) from None

    @property
    def upstream_key_file(self) -> Path:
        """The key for the exchange that `paper` mirrors: systemd's credential, else $OUTCRY_UPSTREAM_KEY_FILE, else
        upstream.pem of this floor. Without one its books are polled."""
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if credentials and (Path(credentials) / "upstream.pem").exists():
            return Path(credentials) / "upstream.pem"
        return Path(os.environ.get("OUTCRY_UPSTREAM_KEY_FILE") or self.folder / "upstream.pem")

    def upstream_key_id(self) -> str:
        """The id of that key: $OUTCRY_UPSTREAM_KEY_ID, else the file upstream.key-id of this floor.

        raises  Misconfigured when there is none
        """
        if key_id := os.environ.get("OUTCRY_UPSTREAM_KEY_ID"):
            return key_id.strip()
        try:
            return (self.folder / "upstream.key-id").read_text().strip()
        except FileNotFoundError:
            mend = "put the key id into it or into OUTCRY_UPSTREAM_KEY_ID"
            raise Misconfigured(f"no key id at {self.folder / 'upstream.key-id'}", mend) from None

    @property
    def local(self) -> bool:
        """Whether orders go to our own exchange on this machine."""
        return self.settings.environment in ("embedded", "paper")

    def addresses(self) -> Addresses:
        """Where to connect. Look again at every reconnect: a restarted local exchange may listen elsewhere.

        raises  Unavailable when the local exchange is not listening
        """
        if not self.local:
            return self._hosts(self.settings.environment)
        try:
            found = json.loads(self.exchange_file.read_text())
            return Addresses(found["rest_url"], found["stream_url"], found["spot_url"])
        except FileNotFoundError:
            raise Unavailable("the local exchange is not running", "start bin/exchange") from None
        except (ValueError, KeyError) as error:
            raise Unavailable(f"{self.exchange_file} cannot be read: {error}", "restart bin/exchange") from None

    def upstream(self) -> Addresses:
        """The exchange that `paper` mirrors: production, unless the settings name another."""
        return self._hosts("production")

    def _hosts(self, environment: str) -> Addresses:
        rest, stream = HOSTS[environment]
        exchange = self.settings.exchange
        return Addresses(exchange.rest_url or rest, exchange.stream_url or stream, exchange.spot_url or COINBASE_URL)


def open_floor(settings: Settings, state: Path, *, quiet: bool = False, gated: bool = True) -> Floor:
    """The floor of an environment, with the gate to real money.

    gated   False for programs that enter nothing: they have to work while the gate is shut
    raises  Misconfigured when the environment may not run
    """
    floor = Floor(settings, state / settings.environment, quiet)
    if settings.environment == "production" and gated:
        if not settings.live:
            raise Misconfigured("environment 'production' needs live = true", "or use 'embedded', 'paper' or 'demo'")
        golive.check(floor.golive_file, settings.risk)
    try:
        floor.folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        mend = "run it as root, or as a member of the group that owns it"
        raise Misconfigured(f"{error.filename} is not for this user", mend) from None
    except OSError as error:
        raise Misconfigured(f"cannot make the state folder: {error}", "check --state and who owns it") from None
    return floor
