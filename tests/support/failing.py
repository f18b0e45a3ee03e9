"""A floor that trades at once, at an exchange that goes wrong when asked, with a person who may trade by hand."""

import json
import urllib.request
from collections.abc import Collection
from pathlib import Path

import msgspec

from outcry.desk.common import connect
from outcry.ops.floor import Floor
from outcry.ops.settings import load
from outcry.paper.faults.faults import Fault
from outcry.venue.rest import Rest
from running import RunningFloor
from survived import assert_survived

# Short windows; the coin falls at every look, with small stakes; nothing is refused for its price or its number.
SETTINGS = """
environment = "embedded"
time_factor = 45.0
[local]
window_s = 20
average_s = 2
volatility = 2.0
seed = 11
[agents]
birth_share_millionths = 100000
first = []
[risk]
min_time_to_close_ms = 2000
max_spread_cc = 5000
max_spread_and_fee_millionths = 1000000
min_volume_ch = 0
min_displayed_ch = 100
abnormal_stop_ms = 1000
orders_per_day = 100000
trades_per_day = 100000
agent_drawdown_millionths = 1000000
losing_streak_millionths = 1
"""
COIN = {"chance_millionths": 1_000_000, "stake_millionths": 2_000, "hold_ms": 45_000}  # held for a second


class FailingFloor(RunningFloor):
    """Real programs, and the exchange that `break_` breaks. Traders are coins: `flip`, and more where a test asks."""

    def __init__(self, folder: Path, settings: str = SETTINGS) -> None:
        super().__init__(folder, settings)
        self.floor = Floor(load(self.settings), self.state)

    def agent(self, name: str, strategy: str = "coin_flip", **parameters: int) -> None:
        said = [f"--set={key}={value}" for key, value in (parameters or COIN).items()]
        self.run("agent", "add", name, "--strategy", strategy, *said)

    def start_exchange(self) -> None:
        """As `start`, with faults allowed."""
        self.children.start("exchange", "exchange", "--faults")
        self.wait_for((self.state / "exchange.json").exists, 15, "the exchange listens")

    def trade(self, *agents: str) -> None:
        """Everything, with a coin for each name, until the first fill is booked."""
        self.start_exchange()
        for name in agents or ("flip",):
            self.agent(name)
        self.start("clerk", "collector", *(f"trader@{name}" for name in agents or ("flip",)))
        self.wait_for(lambda: self.progress().fills >= 1, 60, "a fill")

    # ---- what goes wrong --------------------------------------------------------------------------------------------

    def break_(self, kind: str, target: str = "*", **how: object) -> int:
        """Let a fault begin now; its number."""
        return self._admin("POST", "", Fault(kind=kind, target=target, **how))["numbers"][0]

    def struck(self, number: int) -> int:
        """How often a fault did."""
        return next(one["struck"] for one in self._admin("GET", "")["faults"] if one["number"] == number)

    def mend(self, number: int | None = None) -> None:
        """End one fault, or all."""
        self._admin("DELETE", "" if number is None else f"/{number}")

    def _admin(self, method: str, path: str, body: Fault | None = None) -> dict:
        url = json.loads((self.state / "exchange.json").read_text())["rest_url"].partition("/trade-api")[0]
        data = None if body is None else msgspec.json.encode(body)
        request = urllib.request.Request(f"{url}/faults{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            said = answer.read()
        return json.loads(said) if said else {}

    # ---- who looks on -----------------------------------------------------------------------------------------------

    def by_hand(self) -> Rest:
        """The account's own connection, as a person would use it."""
        return connect.rest(self.floor, connect.signer(self.floor), self.floor.addresses().rest_url)

    def said(self, name: str) -> str:
        """All that a program wrote into its log."""
        return self.children.all[name].log.read_text(errors="replace")

    def stop_traders(self) -> None:
        self.children.stop([name for name in self.children.all if name.startswith("trader")])

    def survived(self, by_hand: Collection[str] = ()) -> None:
        """Stop the traders, and hold our books against the exchange's."""
        self.stop_traders()
        try:
            assert_survived(self.state, by_hand=by_hand)
        except AssertionError as error:
            error.add_note(self.last_words())
            raise
