"""bin/alert on a floor: what raises, a real mail server's outage, a locked and a broken database, systemd's call."""

import os
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from letters import MailServer, WebServer, certificate
from outcry.desk import alert, migrate
from outcry.desk.care import alarms, shown
from outcry.desk.common import jobs
from outcry.domain.errors import Misconfigured
from outcry.ops.alerts.folder import Folder
from outcry.ops.floor import Floor, open_floor
from outcry.ops.settings import Alerts, Settings
from outcry.store import database, findings, system

NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def vouched(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(vouched, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(vouched[0]))
    running = MailServer(*vouched)
    yield running
    running.stop()


@pytest.fixture
def clock(monkeypatch):
    """What the sender takes for the time; `clock[0]` may be set ahead."""
    at = [NOW_MS]
    monkeypatch.setattr(alert, "now_ms", lambda: at[0])
    monkeypatch.setattr(jobs, "now_ms", lambda: at[0])
    return at


def floor_with(folder: Path, **alerts) -> Floor:
    floor = open_floor(Settings(alerts=Alerts(**alerts)), folder, quiet=True)
    migrate.prepare(floor, NOW_MS)
    (floor.folder / "smtp.password").write_text(MailServer.PASSWORD)
    (floor.folder / "smtp.password").chmod(0o600)
    return floor


@pytest.fixture
def floor(tmp_path, server, clock):
    return floor_with(
        tmp_path, mail_to=("me@example.org",), smtp_host="127.0.0.1", smtp_port=server.port, smtp_user="floor"
    )


def stop_entries(floor: Floor, at_ms: int, cause: str = "drift", active: bool = True, scope: str = "floor") -> None:
    db = database.connect(floor.database)
    name = "" if scope == "floor" else "momentum"
    system.set_control(db, scope, name, "stop_entries", active, cause=cause, reason="off by $1", now_ms=at_ms)
    db.close()


def subjects(server: MailServer) -> list[str]:
    return [
        line.removeprefix("Subject: ")
        for envelope in server.letters
        for line in envelope.content.decode().splitlines()
        if line.startswith("Subject: ")
    ]


def seen(floor: Floor, at_ms: int = NOW_MS) -> dict[str, str]:
    return {raised.key: str(raised.level) for raised in alarms.look(floor, at_ms).wrong if not raised.faint}


# ---- what raises ----------------------------------------------------------------------------------------------------


def test_a_quiet_floor_raises_nothing(floor):
    assert seen(floor) == {}


def test_each_kind_of_trouble_has_its_level(floor):
    stop_entries(floor, NOW_MS - 120_000)
    stop_entries(floor, NOW_MS - 120_000, "daily_loss", scope="agent")
    stop_entries(floor, NOW_MS - 120_000, "abnormal", scope="market")
    stop_entries(floor, NOW_MS - 5_000, "unread")
    db = database.connect(floor.database)
    for severity in ("critical", "warning", "info"):
        findings.keep(db, "chart", severity, severity, "an order without a decision", {}, "look", NOW_MS)
    for program, pid, beat_ms, state in (("clerk", 2**22 + 1, 200_000, "READY"), ("auditor", 1, 200_000, "STOPPED")):
        system.beat(db, program, pid=pid, started_at_ms=0, state=state, state_since_ms=0, version="1", detail={},
                    now_ms=NOW_MS - beat_ms)  # fmt: skip
    db.close()
    (floor.halt_file).write_text("by hand of a stranger")
    assert seen(floor) == {
        "control floor stop_entries drift": "critical",
        "control agent momentum stop_entries daily_loss": "digest",
        "control market momentum stop_entries abnormal": "log",
        "control floor halt file": "critical",
        "finding 1": "critical",
        "finding 2": "digest",
        "finding 3": "log",
        "program clerk": "critical",
    }


def test_a_full_disk_is_critical(floor, monkeypatch):
    monkeypatch.setattr("outcry.ops.disk.ENTRIES_BYTES", 10**18)
    monkeypatch.setattr("outcry.ops.disk.ENTRIES_PERCENT", 100)
    assert seen(floor) == {"disk": "critical"}


def test_a_database_that_cannot_be_read_is_critical_and_ends_no_other_alert(floor, server, clock):
    stop_entries(floor, NOW_MS - 120_000)
    assert alert.send(floor, if_due=True) == 0
    intact = floor.database.read_bytes()
    floor.database.write_bytes(b"this is no database" * 500)
    clock[0] += 60_000
    assert alert.send(floor, if_due=False) == 0
    assert [subject.partition("] ")[2][:24] for subject in subjects(server)] == [
        "the floor enters nothing", "the database cannot be r",
    ]  # fmt: skip
    assert all(one.open for one in Folder(floor.folder).load().alerts)
    floor.database.write_bytes(intact)
    alert.send(floor, if_due=False)
    assert [one.key for one in Folder(floor.folder).load().alerts if one.open] == ["control floor stop_entries drift"]


def test_a_locked_database_loses_no_alert(floor, server, clock, monkeypatch):
    stop_entries(floor, NOW_MS - 120_000)
    monkeypatch.setattr(database, "VERB_TIMEOUT_MS", 50)
    stranger = sqlite3.connect(floor.database, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    assert alert.send(floor, if_due=True) == 0
    stranger.execute("ROLLBACK")
    stranger.close()
    assert len(server.letters) == 1


# ---- an outage ------------------------------------------------------------------------------------------------------


def test_through_auth_failure_refusal_and_outage_it_is_kept_and_delivered_once(floor, server, clock, vouched):
    stop_entries(floor, NOW_MS - 120_000)
    password = floor.folder / "smtp.password"
    password.write_text("wrong")
    assert alert.send(floor, if_due=True) == 1
    password.write_text(MailServer.PASSWORD)
    server.refusing = "451 try later"
    clock[0] += 5 * 60_000
    assert alert.send(floor, if_due=True) == 1
    assert "451" in Folder(floor.folder).load().unsent["mail"]
    server.stop()
    clock[0] += 10 * 60_000
    assert alert.send(floor, if_due=True) == 1
    assert "cannot be reached" in Folder(floor.folder).load().unsent["mail"]
    assert "CANNOT SEND" in shown.of_alerts(floor)[0]
    again = MailServer(*vouched, port=server.port)
    try:
        clock[0] += 14 * 60_000
        assert alert.send(floor, if_due=True) == 0
        clock[0] += 60_000
        assert alert.send(floor, if_due=True) == 0
        assert subjects(again) == ["[kalshi embedded] the floor enters nothing: drift"]
        assert alert.acknowledge(floor, []) == 0
        clock[0] += 60 * 60_000
        assert alert.send(floor, if_due=True) == 0
        assert len(again.letters) == 1, "acknowledged: nobody is told again"
    finally:
        again.stop()


def test_a_sender_killed_right_after_a_delivery_does_not_repeat_it(floor, server, clock):
    stop_entries(floor, NOW_MS - 120_000)

    class Killed(BaseException):
        pass

    kept, saves = Folder.save, []

    def dying(self, book):
        kept(self, book)
        saves.append(1)
        if len(saves) == 2:  # the one that follows the delivery
            raise Killed

    Folder.save = dying
    try:
        with pytest.raises(Killed):
            alert.send(floor, if_due=False)
    finally:
        Folder.save = kept
    assert alert.send(floor, if_due=False) == 0
    assert len(server.letters) == 1


def test_half_an_hour_later_more_people_are_told(tmp_path, server, clock):
    floor = floor_with(tmp_path, mail_to=("me@example.org",), escalate_to=("boss@example.org",), smtp_host="127.0.0.1",
                       smtp_port=server.port, smtp_user="floor")  # fmt: skip
    stop_entries(floor, NOW_MS - 120_000)
    alert.send(floor, if_due=True)
    clock[0] += 31 * 60_000
    alert.send(floor, if_due=True)
    assert [envelope.rcpt_tos for envelope in server.letters] == [
        ["me@example.org"], ["me@example.org", "boss@example.org"],
    ]  # fmt: skip


def test_an_unreadable_book_is_put_aside_and_the_world_is_told_anew(floor, server, clock):
    stop_entries(floor, NOW_MS - 120_000)
    alert.send(floor, if_due=False)
    (floor.folder / "alerts" / "book.json").write_text('{"alerts": [')
    alert.send(floor, if_due=False)
    assert len(server.letters) == 2
    assert (floor.folder / "alerts" / "book.unread").exists()


# ---- systemd's call -------------------------------------------------------------------------------------------------


def systemd_says(monkeypatch, *states: tuple[str, str]) -> None:
    """Answers of `systemctl show`, one after the other; the last one stays."""
    answers = [alert.UnitState(active, sub, "exit-code", "1", "9") for active, sub in states]
    monkeypatch.setattr(alert, "_ask_systemd", lambda _name: answers.pop(0) if len(answers) > 1 else answers[0])
    monkeypatch.setattr(alert, "LOOK_S", 0.001)


def test_a_unit_that_gave_up_is_one_alert_with_its_silent_heartbeat(floor, server, clock, monkeypatch):
    systemd_says(monkeypatch, ("failed", "failed"))
    assert alert.unit(floor, "kalshi-trader@momentum.service") == 0
    assert subjects(server) == ["[kalshi embedded] kalshi-trader@momentum.service gave up"]
    db = database.connect(floor.database)
    system.beat(db, "trader@momentum", pid=2**22 + 1, started_at_ms=0, state="READY", state_since_ms=0, version="1",
                detail={}, now_ms=NOW_MS)  # fmt: skip
    db.close()
    clock[0] += 200_000
    assert alert.unit(floor, "kalshi-trader@momentum.service") == 0
    assert alert.send(floor, if_due=False) == 0
    assert len(server.letters) == 1


def test_a_crash_that_systemd_mends_is_no_alert(floor, server, clock, monkeypatch):
    systemd_says(monkeypatch, ("activating", "auto-restart"), ("active", "running"))
    assert alert.unit(floor, "kalshi-clerk.service") == 0
    assert server.letters == []
    assert Folder(floor.folder).load().alerts == []


def test_a_unit_that_runs_again_is_over(floor, server, clock, monkeypatch):
    systemd_says(monkeypatch, ("failed", "failed"))
    alert.unit(floor, "kalshi-clerk.service")
    alert.send(floor, if_due=False)
    assert [one.open for one in Folder(floor.folder).load().alerts] == [True], "it never ran: nothing is known of it"
    db = database.connect(floor.database)
    system.beat(db, "clerk", pid=os.getpid(), started_at_ms=0, state="READY", state_since_ms=0, version="1",
                detail={}, now_ms=NOW_MS)  # fmt: skip
    db.close()
    alert.send(floor, if_due=False)
    assert [one.open for one in Folder(floor.folder).load().alerts] == [False]


# ---- people ---------------------------------------------------------------------------------------------------------


def test_with_nobody_named_it_is_kept_and_shown(tmp_path, clock, capsys):
    floor = floor_with(tmp_path)
    stop_entries(floor, NOW_MS - 120_000)
    assert alert.send(floor, if_due=True) == 0
    assert alert.show(floor, every=False) == 1
    said = capsys.readouterr()
    assert "the floor enters nothing: drift" in said.out
    assert "nobody is told" in said.err
    assert alert.acknowledge(floor, [7]) == 1
    assert alert.acknowledge(floor, [1]) == 0
    alert.send(floor, if_due=False)
    assert alert.show(floor, every=False) == 0
    assert "acknowledged" in capsys.readouterr().out


def test_test_alert_says_of_each_way_whether_it_works(tmp_path, server, capsys):
    web = WebServer()
    try:
        floor = floor_with(tmp_path, mail_to=("me@example.org",), smtp_host="127.0.0.1", smtp_port=server.port,
                           smtp_user="floor", webhook="ntfy")  # fmt: skip
        assert alert.test(floor) == 1
        (floor.folder / "webhook.url").write_text(f"{web.url}/topic")
        (floor.folder / "webhook.url").chmod(0o600)
        assert alert.test(floor) == 0
    finally:
        web.stop()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ok      mail took it" and said[1].startswith("TROUBLE webhook: no webhook.url")
    assert said[2:] == ["ok      mail took it", "ok      webhook took it"]
    assert (len(server.letters), len(web.posts)) == (2, 1)


def test_nobody_to_test_is_a_mistake(tmp_path):
    with pytest.raises(Misconfigured, match="name nobody"):
        alert.test(floor_with(tmp_path))


def test_no_password_is_ever_written_down(floor, server, clock):
    (floor.folder / "smtp.password").write_text("hunter2")
    stop_entries(floor, NOW_MS - 120_000)
    alert.send(floor, if_due=True)
    assert "hunter2" not in msgspec.json.encode(Folder(floor.folder).load()).decode()
