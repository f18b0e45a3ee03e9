"""What programs connect to: the floor's database, and the account at the exchange."""

import sqlite3
from typing import TYPE_CHECKING

from outcry.domain.errors import Misconfigured
from outcry.ops.floor import Floor
from outcry.store import database, health
from outcry.store.budget import BudgetFile
from outcry.venue import sign
from outcry.venue.budget import SharedBudget
from outcry.venue.sign import Signer
from outcry.venue.tally import Tally

if TYPE_CHECKING:
    from outcry.venue.rest import Rest


def books(floor: Floor, *, timeout_ms: int = database.VERB_TIMEOUT_MS, checkpoints: bool = False) -> sqlite3.Connection:
    """The program's writing connection to a database that is ready for this build.

    raises  Misconfigured when there is none, it lacks migrations, or it holds the books of another environment
    """
    if not floor.database.exists():
        raise Misconfigured(f"no database at {floor.database}", "next: bin/migrate, or name the right --state")
    db = database.connect(floor.database, timeout_ms=timeout_ms, checkpoints=checkpoints)
    if missing := database.pending(db):
        db.close()
        raise Misconfigured(f"{floor.database} lacks {missing[0]}", "next: bin/migrate")
    wanted, found = floor.settings.environment, health.environment(db)
    if found not in ("", wanted):
        db.close()
        raise Misconfigured(
            f"{floor.database} holds the books of {found!r}, the settings say {wanted!r}",
            "books of two environments never mix: name another state folder",
        )
    return db


def signer(floor: Floor) -> Signer:
    """The account's key. Raises Misconfigured when it is missing, or readable by others."""
    return sign.load_key(floor.key_file, floor.key_id())


def rest(
    floor: Floor, key: Signer, url: str, timeout_s: tuple[float, float] = (3.05, 10.0), tally: Tally | None = None
) -> "Rest":
    """REST with the budget that all programs of this floor share. `tally` counts this program's calls."""
    from outcry.venue.rest import Rest  # an HTTP library, which whoever only reads does not wait for

    budget = SharedBudget(BudgetFile(floor.budget_file))
    underlying = floor.settings.discovery.underlying
    return Rest(url, key, budget, underlying=underlying, timeout_s=timeout_s, tally=tally)
