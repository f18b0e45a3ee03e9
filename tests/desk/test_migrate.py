import json
import stat

import pytest

from outcry.desk import migrate
from outcry.domain.errors import Misconfigured
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor
from outcry.store import database
from outcry.venue import sign


@pytest.fixture
def floor(tmp_path):
    return Floor(settings_file.parse({}), tmp_path / "embedded")


def rows(floor, query):
    db = database.read_only(floor.database)
    try:
        return [tuple(row) for row in db.execute(query)]
    finally:
        db.close()


def test_a_new_floor_gets_schema_name_keys_and_first_agents_once(floor):
    done = migrate.prepare(floor, 1_000)
    assert any(line.startswith("applied 0001_floor.sql") for line in done)
    ((floor_id, environment),) = rows(floor, "SELECT floor_id, environment FROM floor")
    assert (len(floor_id), environment) == (6, "embedded")
    assert floor_id.isalpha() and floor_id.islower()
    names = rows(floor, "SELECT name, stage, allocation_micros FROM agents ORDER BY name")
    assert names == [
        (name, "birth", 10_000_000) for name in ("coin_flip", "mean_reversion", "momentum", "volume_spike")
    ]
    assert migrate.prepare(floor, 2_000) == []
    assert rows(floor, "SELECT floor_id FROM floor") == [(floor_id,)]


def test_the_private_key_is_for_its_owner_only_and_fits_the_public_one(floor):
    migrate.prepare(floor, 1_000)
    private = floor.folder / "kalshi.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    signer = sign.load_key(floor.key_file, floor.key_id())
    headers = signer.headers("GET", "/trade-api/v2/portfolio/balance", 5)
    public = floor.public_key_file.read_bytes()
    assert sign.verify(public, "5", "GET", "/trade-api/v2/portfolio/balance", headers["KALSHI-ACCESS-SIGNATURE"])
    kept = private.read_bytes()
    migrate.prepare(floor, 2_000)
    assert private.read_bytes() == kept


def test_a_run_cut_short_before_the_private_key_begins_the_keys_again(floor):
    floor.folder.mkdir()
    (floor.folder / "kalshi.pem.new").write_bytes(b"torn")
    floor.public_key_file.write_bytes(b"of no private key")
    assert migrate.make_keys(floor)
    sign.load_public(floor.public_key_file.read_bytes())
    assert not (floor.folder / "kalshi.pem.new").exists()


def test_no_key_is_made_for_an_exchange_that_is_not_ours(tmp_path):
    floor = Floor(settings_file.parse({"environment": "demo"}), tmp_path / "demo")
    migrate.prepare(floor, 1_000)
    assert not (floor.folder / "kalshi.pem").exists()
    assert {row[0] for row in rows(floor, "SELECT allocation_micros FROM agents")} == {0}


def test_the_source_of_every_first_strategy_is_kept(floor):
    migrate.prepare(floor, 1_000)
    kept = dict(rows(floor, "SELECT strategy, source FROM strategy_versions"))
    assert set(kept) == {"coin_flip", "mean_reversion", "momentum", "volume_spike"}
    assert "class Momentum" in kept["momentum"]
    assert rows(floor, "SELECT count(*) FROM agents a JOIN strategy_versions v ON v.sha256 = a.code_sha256") == [(4,)]


def test_another_build_is_noted_beside_the_agents_that_run_it(floor, monkeypatch):
    migrate.prepare(floor, 1_000)
    monkeypatch.setattr("outcry.desk.common.strategies.source_of", lambda strategy: f"newer {strategy}")
    done = migrate.prepare(floor, 2_000)
    assert len([line for line in done if " now runs " in line]) == 4
    events = rows(floor, "SELECT evidence FROM evolution_events WHERE act = 'changed code'")
    assert len(events) == 4 and "code_sha256" in json.loads(events[0][0])
    assert migrate.prepare(floor, 3_000) == []


def test_first_agents_are_not_forced_on_a_floor_that_has_agents(floor):
    migrate.prepare(floor, 1_000)
    db = database.connect(floor.database)
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("DELETE FROM agents WHERE name <> 'momentum'")
    db.close()
    assert migrate.prepare(floor, 2_000) == []
    assert rows(floor, "SELECT name FROM agents") == [("momentum",)]


def test_books_of_two_environments_never_mix(floor):
    migrate.prepare(floor, 1_000)
    other = Floor(settings_file.parse({"environment": "demo"}), floor.folder)
    with pytest.raises(Misconfigured, match="belongs to environment embedded, not demo"):
        migrate.prepare(other, 2_000)
