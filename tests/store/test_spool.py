"""What is appended survives a kill, a torn line and a full disk, in order; one process owns it at a time."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from outcry.domain.errors import Unavailable
from outcry.store import spool
from outcry.store.spool import Spool, SpoolTaken

ENTRIES = [{"type": "lost", "n": number, "text": "ünïcode\n\0"} for number in range(3)]


@pytest.fixture
def file(tmp_path):
    return spool.file_of(tmp_path, "trader@bull")


def filled(file, entries=ENTRIES, size=spool.SIZE):
    mine = Spool(file, size=size)
    for entry in entries:
        mine.append(entry)
    mine.close()


def waiting(file, size=spool.SIZE):
    mine = Spool(file, size=size)
    found = list(mine.waiting), mine.torn
    mine.close()
    return found


def test_entries_come_back_in_order_and_their_space_was_there_before(file):
    Spool(file).close()
    assert file.stat().st_blocks * 512 >= spool.SIZE, "taken, not only promised"
    filled(file)
    assert file.stat().st_size == spool.SIZE
    assert waiting(file) == (ENTRIES, 0)
    assert [json.loads(line) for line in file.read_bytes().rstrip(b"\0").splitlines()] == ENTRIES


def test_cleared_it_begins_at_the_front_and_keeps_its_space(file):
    filled(file)
    mine = Spool(file)
    mine.clear()
    mine.append({"n": 9})
    mine.close()
    assert waiting(file) == ([{"n": 9}], 0)
    assert file.stat().st_blocks * 512 >= spool.SIZE


@settings(deadline=None, max_examples=50)
@given(cut=some.integers(0, 200), rubbish=some.binary(max_size=40))
def test_a_torn_end_costs_only_the_torn_line(tmp_path_factory, cut, rubbish):
    file = tmp_path_factory.mktemp("spool") / "a.jsonl"
    filled(file, size=4_096)
    content = file.read_bytes().rstrip(b"\0")
    torn = content[: max(0, len(content) - cut)] + rubbish.replace(b"\n", b"")
    file.write_bytes(torn.ljust(4_096, b"\0"))
    whole = content[: max(0, len(content) - cut)].count(b"\n")
    found, _ = waiting(file, 4_096)
    assert found[:whole] == ENTRIES[:whole] and len(found) <= whole + 1
    filled(file, [{"n": "after"}], 4_096)
    assert waiting(file, 4_096) == ([*found, {"n": "after"}], 0), "what comes later does not meet what was torn"


def test_a_line_gone_bad_in_the_middle_does_not_take_the_next_with_it(file):
    filled(file)
    content = bytearray(file.read_bytes())
    content[content.index(b"\n") + 5] = 0
    file.write_bytes(content)
    assert waiting(file) == ([ENTRIES[0], ENTRIES[2]], 1)


def test_a_file_of_anything_at_all_is_read_without_an_accident(file):
    file.parent.mkdir()
    file.write_bytes(os.urandom(5_000) + b"\n" + b"[" * 50_000 + b'\n[1]\n{"n": 1}\n')
    assert waiting(file)[0] == [{"n": 1}]


def test_one_owner_at_a_time(file):
    mine = Spool(file)
    with pytest.raises(SpoolTaken):
        Spool(file)
    mine.close()
    Spool(file).close()


def test_killed_its_owner_leaves_what_it_appended(file):
    child = "import os, sys; from pathlib import Path; from outcry.store.spool import Spool\n"
    child += "mine = Spool(Path(sys.argv[1])); mine.append({'n': 1}); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", child, file], check=False).returncode == -9
    assert spool.left_behind(file.parent, "clerk") == [file]
    assert waiting(file) == ([{"n": 1}], 0)


def test_a_disk_that_takes_nothing_is_told_and_changes_nothing(file, monkeypatch):
    mine = Spool(file)
    mine.append(ENTRIES[0])

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", full)
        with pytest.raises(Unavailable, match="No space left"):
            mine.append(ENTRIES[1])
    assert mine.waiting == (ENTRIES[0],)
    mine.append(ENTRIES[2])
    mine.close()
    assert waiting(file) == ([ENTRIES[0], ENTRIES[2]], 0)


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(Unavailable, match="cannot open"):
        Spool(spool.file_of(tmp_path, "clerk"))


def refusing(*_arguments):
    raise OSError(28, "No space left on device")


def test_a_disk_without_room_beforehand_is_told_and_the_spool_works_as_far_as_it_goes(file, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", refusing)
    mine = Spool(file)
    assert "No space left" in mine.short
    mine.append({"n": 1})
    mine.close()
    assert file.stat().st_size < 100


def test_a_spool_that_cannot_be_cleared_is_told_and_applied_again(file, monkeypatch):
    filled(file)
    mine = Spool(file)
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", refusing)
        with pytest.raises(Unavailable, match="cannot be cleared"):
            mine.clear()
    mine.close()
    assert waiting(file) == (ENTRIES, 0)


def test_a_torn_spool_that_cannot_be_mended_is_not_taken(file, monkeypatch):
    filled(file)
    content = file.read_bytes()
    file.write_bytes(content.rstrip(b"\0")[:-5].ljust(len(content), b"\0"))
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", refusing)
        with pytest.raises(Unavailable, match="cannot be mended"):
            Spool(file)
    assert waiting(file) == (ENTRIES[:2], 1), "and nobody owns it"


def test_entries_are_counted_without_owning_the_spool(file):
    assert spool.count_in(file) == 0, "there is none"
    filled(file)
    mine = Spool(file)
    assert spool.count_in(file) == 3
    mine.close()
