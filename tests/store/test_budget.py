import sqlite3
import subprocess
import sys
import time

import pytest

from outcry.domain.errors import InvariantBroken, Unavailable
from outcry.store.budget import BudgetFile

ONE_MORE = """
import sys
from pathlib import Path
from outcry.store.budget import BudgetFile
file = BudgetFile(Path(sys.argv[1]))
def one_more(state, rate):
    return ((state or (0, 0))[0] + 1, 0)
done = 0
while done < 200:
    try:
        file.update("write", "write", one_more)
        done += 1
    except Exception:
        pass
"""


@pytest.fixture
def file(tmp_path):
    budget_file = BudgetFile(tmp_path / "budget.db")
    yield budget_file
    budget_file.close()


def look(budget_file, bucket="write", kind="write"):
    seen = []

    def change(state, rate):
        seen.append((state, rate))
        return state or (0, 0)

    budget_file.update(bucket, kind, change)
    return seen[0]


def test_buckets_and_rates_are_kept_across_programs(file, tmp_path):
    assert look(file) == (None, None)
    file.update("write:2", "write", lambda _state, _rate: (18_000, 1_795_194_192_345))
    file.set_rates({"read": (270, 810), "write": (270, 810)})
    file.set_rates({"write": (90, 90)})
    reborn = BudgetFile(tmp_path / "budget.db")
    assert look(reborn, "write:2") == ((18_000, 1_795_194_192_345), (90, 90))
    assert look(reborn, "read", "read") == (None, (270, 810))
    assert (reborn.rate("write"), reborn.rate("nothing")) == ((90, 90), None)
    reborn.close()


def test_a_locked_file_is_given_up_within_its_timeout_and_used_again_after(file, tmp_path):
    look(file)
    stranger = sqlite3.connect(tmp_path / "budget.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    began_s = time.monotonic()
    with pytest.raises(Unavailable):
        file.update("write", "write", lambda _state, _rate: (1, 1))
    assert 0.04 < time.monotonic() - began_s < 0.5
    stranger.execute("ROLLBACK")
    stranger.close()
    file.update("write", "write", lambda _state, _rate: (2, 2))
    assert look(file)[0] == (2, 2)


def test_a_file_that_is_no_database_is_unavailable_until_it_is_gone(file, tmp_path):
    path = tmp_path / "budget.db"
    path.write_bytes(b"not a database, whatever its name says" * 40)
    with pytest.raises(Unavailable):
        look(file)
    path.unlink()
    assert look(file) == (None, None)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(Unavailable):
        look(BudgetFile(tmp_path / "absent" / "budget.db"))
    with pytest.raises(Unavailable):
        BudgetFile(tmp_path / "absent" / "budget.db").rate("read")


@pytest.mark.parametrize(
    "use",
    [
        lambda file: file.update("write", "write", lambda _state, _rate: (1, 1)),
        lambda file: file.rate("write"),
        lambda file: file.set_rates({"write": (1, 1)}),
    ],
)
def test_a_file_that_lost_its_tables_is_made_anew_at_the_next_use(file, tmp_path, use):
    look(file)
    stranger = sqlite3.connect(tmp_path / "budget.db")
    stranger.executescript("DROP TABLE rates; DROP TABLE buckets")
    stranger.close()
    with pytest.raises(Unavailable, match="is of no use: no such table"):
        use(file)
    file.close()
    use(file)
    assert file.rate("nothing") is None


def test_a_file_that_breaks_while_it_is_open_is_let_go(file, tmp_path):
    """Whoever takes it away then is not held up by the old one."""
    path = tmp_path / "budget.db"
    file.update("write", "write", lambda _state, _rate: (5, 5))
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable, match="refused a write"):
        look(file)
    stranger.close()
    for left in tmp_path.glob("budget.db*"):
        left.unlink()
    assert look(file) == (None, None)


def test_a_database_of_something_else_is_unavailable(tmp_path):
    stranger = sqlite3.connect(tmp_path / "budget.db")
    stranger.executescript("CREATE TABLE music (a); CREATE INDEX rates ON music (a)")
    stranger.close()
    with pytest.raises(Unavailable, match="there is already an index named rates"):
        look(BudgetFile(tmp_path / "budget.db"))


def test_a_change_that_raises_changes_nothing(file):
    file.update("write", "write", lambda _state, _rate: (5, 5))

    def refuse(_state, _rate):
        raise InvariantBroken("no")

    with pytest.raises(InvariantBroken):
        file.update("write", "write", refuse)
    assert look(file)[0] == (5, 5)


def test_programs_that_write_at_once_lose_no_update(tmp_path):
    path = tmp_path / "budget.db"
    look(BudgetFile(path))
    programs = [subprocess.Popen([sys.executable, "-c", ONE_MORE, str(path)]) for _program in range(2)]
    assert [program.wait(timeout=60) for program in programs] == [0, 0]
    final = BudgetFile(path)
    assert look(final)[0] == (400, 0)
    final.close()
