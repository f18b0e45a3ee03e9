"""Names that a shell completes, read from the floor that the line so far speaks of; no error is ever shown there."""

import sqlite3
from contextlib import closing
from pathlib import Path

from outcry.domain.errors import OutcryError
from outcry.ops import settings
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.store import agents as rows
from outcry.store import database
from outcry.strategies import catalogue


def agents(settings_file: Path | None, state: Path | None, begin: str) -> list[str]:
    """The agents whose names begin so; none where there is no floor that can be read.

    settings_file, state  as --settings and --state, or their variables, said; None: where they lie by themselves
    """
    try:
        loaded = settings.load(settings_file or place().settings)
        floor = Floor(loaded, (state or place().state) / loaded.environment)
        with closing(database.ready(floor.database)) as db:
            return [agent.name for agent in rows.everyone(db) if agent.name.startswith(begin)]
    except (OutcryError, OSError, sqlite3.Error):
        return []


def strategies(begin: str) -> list[str]:
    """The strategies of the catalogue whose names begin so."""
    return [name for name in catalogue.names() if name.startswith(begin)]
