"""A floor's folder with a local exchange beside it, and the clerk as a process where a test wants one."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization

from account import furnish, our_id, plan
from local_exchange import TICKER, Client, LocalExchange, market, now_ms
from outcry.domain.order import State
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.paper.engine.manners import Manners
from outcry.paper.events import BookSet
from outcry.paper.faults.faults import Fault
from outcry.store import accounts, database, report, system

BIN = Path(__file__).resolve().parents[2] / "bin"


class Desk:
    """A floor's folder, the exchange beside it, and the clerk's processes.

    faulty  whether `break_` may be asked
    """

    def __init__(self, folder: Path, manners: Manners | None = None, *, faulty: bool = False) -> None:
        self.floor = Floor(Settings(), folder / "embedded")
        self.floor.folder.mkdir()
        self.settings = folder / "floor.toml"
        self.settings.write_text("")
        self.exchange = LocalExchange("floor", manners=manners, faulty=faulty, file=self.floor.exchange_books)
        self.client = Client(self.exchange, "floor", None)
        self._keys()
        self.announce()
        self.db = database.connect(self.floor.database)
        database.migrate(self.db)
        furnish(self.db, "momentum")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.exchange.list(market())
        self.exchange.feed(BookSet(TICKER, {3_900: 50_000}, {4_100: 50_000}, now_ms()))

    def _keys(self) -> None:
        signer = self.exchange.signers["floor"]
        pem = signer._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.floor.folder / "kalshi.pem").touch(0o600)
        (self.floor.folder / "kalshi.pem").write_bytes(pem)
        (self.floor.folder / "kalshi.key-id").write_text(signer.key_id)

    def announce(self) -> None:
        here = f"{self.exchange.host}:{self.exchange.port}/trade-api"
        urls = {"rest_url": f"http://{here}/v2", "stream_url": f"ws://{here}/ws/v2", "spot_url": ""}
        self.floor.exchange_file.write_text(json.dumps({**urls, "pid": os.getpid()}))

    def break_(self, kind: str, target: str = "*", **how: object) -> int:
        """Let something go wrong at the exchange, from now on; its number."""
        return self._admin("POST", "", msgspec.to_builtins(Fault(kind=kind, target=target, **how)))["numbers"][0]

    def struck(self, number: int) -> int:
        """How often a fault did."""
        return next(one["struck"] for one in self._admin("GET", "")["faults"] if one["number"] == number)

    def mend(self) -> None:
        """Let nothing go wrong any more."""
        self._admin("DELETE", "")

    def _admin(self, method: str, path: str, body: object = None) -> dict:
        self.client.close()  # a fault may have spoilt the connection
        status, said = self.client.ask_plain(method, "/faults" + path, body)
        assert status < 300, said
        return said or {}

    def clerk(self) -> subprocess.Popen[bytes]:
        options = ["--state", self.floor.folder.parent, "--settings", self.settings]
        log = (self.floor.folder / "clerk.log").open("ab")
        process = subprocess.Popen([sys.executable, BIN / "clerk", *options], stderr=log)
        log.close()
        self.processes.append(process)
        return process

    def wait(self, condition, what: str, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            said = (self.floor.folder / "clerk.log").read_text()
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{said}"
            time.sleep(0.02)

    def state(self) -> str:
        return next((beat.state for beat in system.heartbeats(self.db) if beat.program == "clerk"), "")

    def agrees(self) -> bool:
        looks = accounts.reconciliations_now(self.db)
        return bool(looks) and all(
            look.agreed and not look.detail and look.at_ms >= report.last_booking_ms(self.db) for look in looks
        )

    def buy(self, number: int, count: str = "10.00") -> str:
        """Our agent's order crosses the book, as a trader would send it."""
        name = our_id("momentum", number)
        plan(self.db, name, "momentum", State.SENT, price_cc=4_100, created_at_ms=now_ms(), signed_at_ms=now_ms())
        self.client.place(client_order_id=name, price="0.4100", count=count, time_in_force="immediate_or_cancel")
        return name

    def nudge(self) -> None:
        """Something happens, so that the next pass is near."""
        self.client.place(price="0.0100", time_in_force="immediate_or_cancel")

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.db.close()
        self.client.close()
        self.exchange.stop()
