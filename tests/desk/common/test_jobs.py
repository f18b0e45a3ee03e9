"""Jobs: once a turn whatever cron does, a row of each run, and a finding for one that was missed."""

import re
import subprocess
import sys
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from outcry.desk import migrate
from outcry.desk.auditing import punctual
from outcry.desk.common import jobs
from outcry.domain.errors import Unavailable
from outcry.ops.floor import open_floor
from outcry.ops.lock import one_instance
from outcry.ops.settings import Settings
from outcry.store import database, findings
from outcry.store import jobs as rows

NEW_YORK = ZoneInfo("America/New_York")
NOON_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z
HOME = Path(__file__).resolve().parents[3]


@pytest.fixture
def clock(monkeypatch):
    """The wall clock of the jobs; set `clock[0]`."""
    at = [NOON_MS]
    monkeypatch.setattr(jobs, "now_ms", lambda: at[0])
    return at


@pytest.fixture
def floor(tmp_path, clock):
    made = open_floor(Settings(time_zone="America/New_York"), tmp_path)
    migrate.prepare(made, NOON_MS)
    return made


def kept(floor):
    db = database.read_only(floor.database)
    try:
        return [tuple(row) for row in db.execute("SELECT name, due_at_ms, result, detail FROM jobs ORDER BY id")]
    finally:
        db.close()


def firings(day: str, days: int = 1):
    """Cron's firings on a machine in UTC: every quarter of an hour."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return [int((start + timedelta(minutes=15 * turn)).timestamp() * 1000) for turn in range(96 * days)]


@pytest.mark.parametrize("day", ["2026-03-06", "2026-10-30", "2026-11-20"])  # spring, autumn, and no change at all
@pytest.mark.parametrize("at", [time(1, 30), time(2, 30), time(3, 30), time(23, 55), time(0, 0)])
def test_a_daily_job_is_due_once_a_local_day_whatever_the_clocks_do(day, at):
    job = jobs.Job(at=at)
    done: list[int] = []
    for now in firings(day, 5):
        turn = job.turn_ms(NEW_YORK, now)
        if turn not in done:
            done.append(turn)
    dates = [datetime.fromtimestamp(turn / 1000, NEW_YORK).date() for turn in done]
    assert dates == sorted(set(dates)) and len(dates) in (5, 6)
    assert {later - earlier for earlier, later in pairwise(dates)} == {timedelta(days=1)}


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-20", 24)])
def test_an_hourly_job_runs_as_often_as_the_local_day_has_hours(day, hours):
    midnight = datetime.fromisoformat(day).replace(tzinfo=NEW_YORK)
    next_midnight = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=NEW_YORK)
    from_ms, to_ms = int(midnight.timestamp() * 1000), int(next_midnight.timestamp() * 1000)
    turns = {jobs.JOBS["report-hourly"].turn_ms(NEW_YORK, now) for now in range(from_ms, to_ms, 300_000)}
    assert len(turns) == hours


def test_judges_are_due_as_often_as_the_floors_hours_are_short(tmp_path, clock):
    """Alerts, copies and reports keep the hours of people."""
    quick = open_floor(Settings(time_factor=12.0), tmp_path)
    migrate.prepare(quick, NOON_MS)
    for minute in range(0, 16, 5):
        clock[0] = NOON_MS + minute * 60_000
        for name in ("evolve", "report-hourly"):
            jobs.run(quick, name, lambda: "done", if_due=True)
    assert [(name, due_ms - NOON_MS) for name, due_ms, _, _ in kept(quick)] == [
        ("evolve", 0), ("report-hourly", 0), ("evolve", 300_000), ("evolve", 600_000), ("evolve", 900_000)
    ]  # fmt: skip


def test_it_runs_once_a_turn_and_again_at_the_next(floor, clock):
    ran: list[int] = []

    def work() -> str:
        ran.append(clock[0])
        return "so many"

    for now in firings("2026-11-01", 3):
        clock[0] = now
        jobs.run(floor, "backup", work, if_due=True)
    stamps = [datetime.fromtimestamp(now / 1000, NEW_YORK).strftime("%m-%d %H:%M") for now in ran]
    assert stamps == ["10-31 20:00", "11-01 03:30", "11-02 03:30", "11-03 03:30"]  # the first one catches up
    assert all(row[2:] == ("done", "so many") for row in kept(floor))


def test_one_that_failed_says_why_and_is_tried_again_at_the_next_firing(floor, clock):
    def fails() -> str:
        raise Unavailable("no room")

    with pytest.raises(Unavailable):
        jobs.run(floor, "backup", fails, if_due=True)
    assert jobs.run(floor, "backup", lambda: "", if_due=True)
    assert not jobs.run(floor, "backup", fails, if_due=True)
    assert [row[2:] for row in kept(floor)] == [("failed", "no room"), ("done", "")]


def test_one_that_was_killed_is_done_again(floor, clock):
    def dies() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.run(floor, "backup", dies, if_due=True)
    assert kept(floor)[0][2] == ""
    assert jobs.run(floor, "backup", lambda: "", if_due=True)


def test_two_at_once_cron_leaves_in_silence_and_a_person_is_told(floor, clock):
    with one_instance(floor.folder, "job-backup"):
        assert not jobs.run(floor, "backup", lambda: "", if_due=True)
        with pytest.raises(Unavailable, match="already runs"):
            jobs.run(floor, "backup", lambda: "", if_due=False)
    assert kept(floor) == []


def test_a_person_may_start_it_at_any_time_and_cron_still_does_its_turn(floor, clock):
    assert jobs.run(floor, "backup", lambda: "by hand", if_due=False)
    assert jobs.run(floor, "backup", lambda: "by hand", if_due=False)
    assert jobs.run(floor, "backup", lambda: "by cron", if_due=True)
    assert [row[3] for row in kept(floor)] == ["by hand", "by hand", "by cron"]


def test_a_job_of_every_minute_keeps_its_last_run_and_the_first_of_all(floor, clock):
    for minute in range(5):
        clock[0] = NOON_MS + minute * 60_000
        assert jobs.run(floor, "alert", lambda: "", if_due=True)
    assert [row[1] for row in kept(floor)] == [NOON_MS, NOON_MS + 240_000]


def test_what_has_to_work_without_the_database_does(floor, clock):
    floor.database.unlink()
    floor.database.write_bytes(b"no database at all" * 100)
    assert jobs.run(floor, "alert", lambda: "sent", if_due=True, books_needed=False)


# ---- missed ---------------------------------------------------------------------------------------------------------


def missed(db, now_ms, since_ms=0):
    punctual.look(db, Settings(time_zone="America/New_York"), since_ms, now_ms)
    return [(kept.subject, kept.what) for kept in findings.still_open(db, "jobs")]


def test_a_floor_without_cron_is_not_blamed(db):
    assert missed(db, NOON_MS) == []


def test_a_missed_job_is_a_finding_with_its_last_words_and_over_when_it_is_done(db):
    backup_ms = jobs.JOBS["backup"].turn_ms(NEW_YORK, NOON_MS)
    for name, job in jobs.JOBS.items():
        number = rows.begin(db, name, job.turn_ms(NEW_YORK, backup_ms - 60_000), backup_ms - 60_000)
        rows.end(db, number, "done", "", backup_ms)
    number = rows.begin(db, "backup", backup_ms, backup_ms)
    rows.end(db, number, "failed", "no room", backup_ms)
    hour = 3_600_000
    assert "backup" not in dict(missed(db, backup_ms + hour)), "its grace is not over"
    late = dict(missed(db, backup_ms + 3 * hour))
    assert late["backup"] == "the job backup is 180 minutes late: no room"
    number = rows.begin(db, "backup", backup_ms, backup_ms + 3 * hour)
    rows.end(db, number, "done", "", backup_ms + 3 * hour)
    assert "backup" not in dict(missed(db, backup_ms + 3 * hour + 1))


def test_an_auditor_that_just_came_gives_jobs_their_grace_again(db):
    rows.end(db, rows.begin(db, "alert", NOON_MS - 60_000, NOON_MS - 60_000), "done", "", NOON_MS)
    hour, started = 3_600_000, NOON_MS + 10 * 3_600_000
    assert missed(db, started + 1, started) == []
    assert "alert" in dict(missed(db, started + hour, started))


# ---- the cron file --------------------------------------------------------------------------------------------------

CRON = (HOME / "cron" / "kalshi.in").read_text()
LINES = re.findall(r"^(\S+ \S+ \S+ \S+ \S+)\s+(\S+)\s+(?:nice )?@prefix@/bin/(\w+)(.*)$", CRON, re.MULTILINE)


def test_every_line_calls_a_program_with_options_it_has():
    assert len(LINES) >= 4
    for _, user, program, words in LINES:
        assert (HOME / "bin" / program).exists(), program
        verb = [word for word in words.split()[:1] if not word.startswith("-")]
        asked = [sys.executable, HOME / "bin" / program, *verb, "--help"]
        told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        assert all(option in told for option in words.split() if option.startswith("--")), (program, told)
        assert user == "@name@", "only the boss's hand is root"


def test_every_job_has_its_line_that_fires_often_enough():
    for name, job in jobs.JOBS.items():
        program, _, kind = name.partition("-")
        line = next(one for one in CRON.splitlines() if re.match(rf"[*/0-9].*\b({program}|hand)\b.*{kind}", one))
        every = int(re.match(r"\*(?:/(\d+))? \* \* \* \*", line)[1] or 1)
        assert every * 60_000 <= (job.every_ms or 900_000), name
