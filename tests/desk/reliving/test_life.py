"""Lives run again from their journals: the same to the last command, and what was changed since is named first."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from hand_played import Scene
from outcry.desk.dealing import memory
from outcry.desk.reliving import again
from outcry.desk.reliving.again import Relived
from outcry.desk.reliving.published import Published
from outcry.domain.fill import Settlement
from outcry.domain.order import State
from outcry.domain.view import View
from outcry.store import agents, database, journal, settlements
from outcry.store.journal import Journal
from outcry.strategies import catalogue
from outcry.strategies.momentum import Momentum
from outcry.trading.events import OrderUpdate
from placing_floor import TICKER


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Two lives: a trade left by its stop, a kill in the middle of the next, a pause, a lost exchange, a payment."""
    played = Scene(tmp_path)
    played.open()
    played.turn()
    played.later(1_000)
    played.book()
    played.later(1_000, bid_cc=3_000, ask_cc=3_040, moved=False)
    played.book(price_cc=3_000)
    for _ in range(6):
        played.later(20_000)
    played.kill()
    played.open()
    played.turn(10)
    played.book()
    played.later(50)
    agents.set_paused(played.db, "bull", True, reason="lunch", now_ms=5)
    played.later(1_000, trusted=False)
    agents.set_paused(played.db, "bull", False, reason="", now_ms=5)
    played.later(400_000, bid_cc=3_000, ask_cc=3_040, moved=False)
    played.book(price_cc=3_000)
    played.link.down = True
    played.later(400_000)
    played.later(400_000)
    played.link.down = False
    settlements.record(played.db, Settlement(TICKER, 2, "yes", 10_000, played.now_ms), "rest", played.now_ms)
    played.turn(1_000)
    played.trader.close()
    played.trader = None
    yield played
    played.db.close()


def files(scene: Scene) -> list[Path]:
    return journal.files(scene.floor.folder / "journal", "bull")


def run(scene: Scene, published: list[Published] | None = None, journals: list[Path] | None = None) -> Relived:
    return again.run(scene.db, journals or files(scene), scene.published if published is None else published)


def kept_of(file: Path) -> list[memory.Kept]:
    return [memory.read(step.body) for step in journal.read(file)[1]]


def test_two_lives_give_the_same_commands_and_the_ledger_has_each_of_them(scene: Scene):
    found = run(scene)
    asked = [kept.asked for file in files(scene) for kept in kept_of(file) if kept.asked]
    assert (found.differs, found.could_not, found.lives) == ([], {}, 2)
    assert found.commands == len(asked) >= 4 and found.turns > 10
    assert any("exit" in one.words for one in asked), "a stop-loss was among them"
    made = scene.db.execute("SELECT count(*) FROM decisions WHERE agent = 'bull'").fetchone()[0]
    assert 3 <= made < found.commands, "one found no exchange: that is no decision"


def test_a_changed_price_on_the_tape_is_the_first_difference(scene: Scene):
    first, *others = scene.published
    cheaper = replace(first.quotes[0], asks=((6_030, 100_000),))
    found = run(scene, [replace(first, quotes=(cheaper,)), *others])
    assert "again 'entry" in found.differs[0] and "6030" in found.differs[0] and "6040" in found.differs[0]


def test_a_change_that_alters_no_word_is_found_in_the_view(scene: Scene):
    first, *others = scene.published
    fuller = replace(first.quotes[0], volume_ch=1)
    (differs,) = run(scene, [replace(first, quotes=(fuller,)), *others]).differs
    assert differs.endswith("live 'the same in words, on another view': view.quote.volume_ch is 1 now, was 1000000")


def test_a_changed_answer_in_the_journal_is_the_first_difference(scene: Scene, tmp_path: Path):
    """The first order is said to have been lost: what follows cannot be what followed."""
    header, steps = journal.read(files(scene)[0])
    forged = Journal(tmp_path / "forged", "bull")
    forged.begin(header, header["at_ms"], header["marks"])
    for step in steps:
        kept = memory.read(step.body)
        body = msgspec.msgpack.encode(lost(kept)) if kept.answered else step.body
        forged.step(step.at_ms, step.marks, clock=step.clock, check=step.check, body=body)
    forged.close()
    found = run(scene, journals=journal.files(tmp_path / "forged", "bull"))
    assert found.differs[0].startswith("bull at 1970-01-01 00:16:41")
    assert "state READY -> ACTING" in found.differs[0]


def lost(kept: memory.Kept) -> memory.Kept:
    heard = [event for event in memory.events(kept.answered or ()) if isinstance(event, OrderUpdate)]
    orders = [event.order and replace(event.order, state=State.UNKNOWN) for event in heard]
    forged = [replace(event, order=order) for event, order in zip(heard, orders, strict=True)]
    return memory.Kept(answered=[("OrderUpdate", msgspec.Raw(msgspec.msgpack.encode(event))) for event in forged])


@dataclass(frozen=True, slots=True)
class Shy(Momentum):
    def decide(self, view: View) -> str:
        return "not today"


def test_a_strategy_whose_code_was_changed_is_named_with_what_it_does_otherwise(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(catalogue.CATALOGUE, "momentum", Shy)
    first, second = run(scene).differs[:2]
    for differs in (first, second):
        assert "not today" in differs and "code is not what it was" in differs
    assert "live 'entry" in first


def test_a_publish_that_is_not_on_the_tape_ends_a_life_and_is_no_difference(scene: Scene):
    found = run(scene, scene.published[:3] + scene.published[4:])
    assert found.differs == []
    assert list(found.could_not.values()) == ["publish 4, which it read, is not on the tape"]
    assert found.commands > 0, "what came before was run, and what the next life did"


def test_a_journal_that_ends_torn_is_run_as_far_as_it_goes(scene: Scene, tmp_path: Path):
    file = tmp_path / files(scene)[0].name
    whole = files(scene)[0].read_bytes()
    for end in (len(whole) * 2 // 3, len(whole) - 7):
        file.write_bytes(whole[:end])
        found = run(scene, journals=[file])
        assert (found.differs, found.could_not) == ([], {})


def test_a_journal_of_an_older_build_is_named_and_is_no_difference(scene: Scene, tmp_path: Path):
    file = tmp_path / "bull-1970-01-01-1000.journal"
    body = msgspec.json.encode({"agent": "bull", "at_ms": 1_000, "marks": [0] * 7})
    file.write_bytes(bytes((len(body),)) + body)
    found = run(scene, journals=[file])
    assert found.could_not == {file.stem: f"{file.name} has format 1, this build reads 2"}
    assert found.differs == []


def test_a_decision_that_nobody_made_and_one_that_is_gone_are_named(scene: Scene):
    forget_triggers(scene.db)
    with database.write(scene.db):
        scene.db.execute("UPDATE decisions SET intent = replace(intent, '6040', '6041') WHERE publish = 1")
    differs = run(scene).differs
    assert len(differs) == 2
    assert differs[0].startswith("bull: no decision is kept of entry in") and "was not made again" in differs[1]


def forget_triggers(db: sqlite3.Connection) -> None:
    for row in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'decisions'"
    ).fetchall():
        db.execute(f"DROP TRIGGER {row['name']}")
