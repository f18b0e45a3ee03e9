"""`make schema`: write sql/schema.sql anew from the migrations, so that a review shows the schema's diff."""

import sqlite3

from outcry.store import database

FILE = database.PROJECT / "sql" / "schema.sql"


def text() -> str:
    """The schema that all migrations together give."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        database.migrate(db)
        return "-- Written by `make schema`; do not edit.\n\n" + database.schema(db)
    finally:
        db.close()


if __name__ == "__main__":
    FILE.write_text(text())
