import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.store import journal
from outcry.store.journal import Journal, Step

START_MS = 1_778_630_400_000


def write(kept, step):
    kept.step(step.at_ms, step.marks, clock=step.clock, check=step.check, body=step.body)


def written(folder, steps):
    kept = Journal(folder, "momentum")
    kept.begin({"seed": "momentum:1"}, START_MS, (5, 0, 0))
    for step in steps:
        write(kept, step)
    kept.close()
    return journal.files(folder, "momentum")


def test_steps_come_back_as_they_were_noted(tmp_path):
    steps = [
        Step(START_MS + 20, (6, 0, 0), check=255),
        Step(START_MS + 40, (7, 3, 0), clock=True, body=b"answers"),
        Step(START_MS + 5, (7, 3, 9), body=b"x" * 300),  # the clock was set back
    ]
    (file,) = written(tmp_path, steps)
    header, read = journal.read(file)
    assert header == {"seed": "momentum:1", "format": 2, "begins": True, "at_ms": START_MS, "marks": [5, 0, 0]}
    assert list(read) == steps


def test_a_usual_step_is_four_bytes_or_less(tmp_path):
    draw = random.Random(1)
    steps = [
        Step(START_MS + 20 * number + draw.randrange(20), (5 + number, 0, 0), check=draw.randrange(256))
        for number in range(1, 10_001)
    ]
    (file,) = written(tmp_path, steps)
    assert file.stat().st_size <= 4 * 10_000


@pytest.mark.parametrize("torn", [1, 2, 3])
def test_a_torn_end_loses_only_the_last_flush(tmp_path, torn):
    steps = [Step(START_MS + 1_000 * number, (5, 400 * number, 70_000 * number)) for number in range(1, 4)]
    kept = Journal(tmp_path, "momentum")
    kept.begin({}, START_MS, (5, 0, 0))
    for step in steps:
        write(kept, step)
        kept.flush()
    kept._file.close()
    (file,) = journal.files(tmp_path, "momentum")
    file.write_bytes(file.read_bytes()[: -torn - 5])  # behind each flush stand five bytes that only mark its end
    assert list(journal.read(file)[1]) == steps[:-1]


def test_what_was_flushed_is_there_after_a_kill(tmp_path):
    kept = Journal(tmp_path, "momentum")
    kept.begin({}, START_MS, (5, 0, 0))
    done = [Step(START_MS + number, (5 + number, 0, 0), body=b"answer") for number in range(1, 50)]
    for step in done:
        write(kept, step)
    kept.flush()
    write(kept, Step(START_MS + 60, (99, 0, 0)))
    (file,) = journal.files(tmp_path, "momentum")
    assert list(journal.read(file)[1]) == done
    kept.close()


def test_a_journal_of_an_older_build_is_refused_in_one_line(tmp_path):
    body = json.dumps({"agent": "momentum", "at_ms": START_MS, "marks": [0]}).encode()
    file = tmp_path / f"momentum-2026-05-13-{START_MS}.journal"
    file.write_bytes(bytes((len(body),)) + body + bytes((1, 40, 2)))
    with pytest.raises(ValueError, match="has format 1, this build reads 2"):
        journal.read(file)


def test_a_file_without_a_whole_header_is_refused(tmp_path):
    (file,) = written(tmp_path, [])
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(ValueError, match="header"):
        journal.read(file)


def test_agents_whose_names_begin_alike_keep_apart(tmp_path):
    for agent in ("momentum", "momentum-2"):
        kept = Journal(tmp_path, agent)
        kept.begin({"agent": agent}, START_MS, (0,))
        kept.close()
    (file,) = journal.files(tmp_path, "momentum-2")
    assert journal.read(file)[0]["agent"] == "momentum-2"
    assert len(journal.files(tmp_path, "momentum")) == 1
    assert journal.agents(tmp_path) == ["momentum", "momentum-2"]


numbers = st.integers(min_value=0, max_value=2**40)


@given(
    st.lists(st.tuples(st.integers(-(10**6), 10**6), numbers, numbers, st.booleans(), st.binary()), max_size=20),
)
def test_any_steps_of_one_day_come_back(tmp_path_factory, moves):
    steps = [Step(START_MS + move, (a, b, 0), clock, len(body), body) for move, a, b, clock, body in moves]
    folder = tmp_path_factory.mktemp("journal")
    (file,) = written(folder, steps)
    assert list(journal.read(file)[1]) == steps


class Full:
    """A file on a disk that takes so many bytes more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if not self.room:
            raise OSError(28, "No space left on device")
        took = self.file.write(bytes(data[: self.room]))
        self.room -= took
        return took

    def close(self):
        self.file.close()


def steps(count, start=1):
    return [
        Step(START_MS + 20 * number, (5 + number, 0, 0), check=number * 97 % 256)
        for number in range(start, start + count)
    ]


def test_a_full_disk_costs_nothing_when_it_has_room_again(tmp_path):
    kept = Journal(tmp_path, "momentum")
    kept.begin({}, START_MS, (5, 0, 0))
    kept._file = full = Full(kept._file, 7)
    for step in steps(3_000):
        write(kept, step)
        kept.flush()
    assert "No space left" in kept.failing
    full.room = 1 << 30
    kept.flush()
    assert kept.failing == ""
    kept.close()
    (file,) = journal.files(tmp_path, "momentum")
    assert list(journal.read(file)[1]) == steps(3_000)


def test_a_disk_that_stays_full_costs_steps_and_the_journal_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "_WAITING_BYTES", 500)
    monkeypatch.setattr(journal, "_BUFFER_BYTES", 100)
    kept = Journal(tmp_path, "momentum")
    kept.begin({"seed": 1}, START_MS, (5, 0, 0))
    kept._file = Full(kept._file, 7)
    for step in steps(1_000):
        write(kept, step)
    kept.close()
    torn, *whole = journal.files(tmp_path, "momentum")
    assert list(journal.read(torn)[1]) == steps(1_000)[: len(list(journal.read(torn)[1]))]
    header, read = journal.read(whole[-1])
    assert header["seed"] == 1 and list(read) == steps(1_000)[header["marks"][0] - 6 :]


def test_a_folder_that_cannot_be_made_is_tried_again(tmp_path):
    folder = tmp_path / "journal"
    folder.write_text("in the way")
    kept = Journal(folder, "momentum")
    kept.begin({}, START_MS, (5, 0, 0))
    kept.step(START_MS + 10, (6, 0, 0))
    assert kept.failing
    folder.unlink()
    kept.step(START_MS + 20, (7, 0, 0))
    kept.close()
    assert kept.failing == ""
    (file,) = journal.files(folder, "momentum")
    header = journal.read(file)[0]
    assert (header["marks"], header["begins"]) == ([7, 0, 0], False), "what came before is not known"
