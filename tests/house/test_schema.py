"""The committed schema is the one the migrations give."""

from outcry.store import schema


def test_schema_file_is_what_the_migrations_give():
    assert schema.FILE.read_text() == schema.text(), "run `make schema`"
