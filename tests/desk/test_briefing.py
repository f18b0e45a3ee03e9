"""The morning briefing: its text letter by letter, its mail at a real server, once a day and through an outage."""

import email
import email.policy
import re
import struct
import zlib
from datetime import datetime

import pytest

import golden
from account import SHARD, furnish
from letters import MailServer, certificate
from outcry.desk import briefing
from outcry.desk.common import jobs
from outcry.desk.common.day import roll
from outcry.desk.telling import gathering
from outcry.domain.errors import Unavailable
from outcry.ops.settings import Alerts
from outcry.review.reports import pictures
from outcry.review.reports.briefing import subject
from outcry.review.reports.briefing_html import as_html
from outcry.review.reports.briefing_text import as_text
from outcry.store import accounts, agents, database, findings, looks, system
from outcry.store import jobs as rows
from remembered import NEW_YORK, NOW, SETTINGS, at, floor, remember


@pytest.fixture
def past(db):
    remember(db)
    looks.add(db, "mean_reversion", {("KXBTC15M-C-15", at(1, "23:05"), "spread 12 ¢ > max 10 ¢", "signal"): 90})
    return db


def test_the_text_letter_by_letter(past, tmp_path):
    golden.compare("briefing.text", as_text(gathering.build(past, floor(tmp_path), NOW)))


def test_a_fresh_floors_first_briefing_letter_by_letter(db, tmp_path):
    furnish(db, "coin_flip", "momentum")
    accounts.open_shard(db, SHARD, 250_000_000, NOW - 60_000)
    roll(db, SETTINGS, NOW - 50_000)
    one = gathering.build(db, floor(tmp_path), NOW)
    golden.compare("briefing-fresh.text", as_text(one))
    assert briefing.compose(floor(tmp_path), one, NOW)["Subject"].startswith("[kalshi embedded] First day")


def test_the_subject_says_it_all(past, tmp_path):
    one = gathering.build(past, floor(tmp_path), NOW)
    assert subject(one) == "+$0.80 yesterday (1 of 3 agents up), 1 settles today, 1 thing needs you"
    findings.end(past, 1, findings.PERSON, "judged", NOW)
    assert subject(gathering.build(past, floor(tmp_path), NOW)).endswith("1 settles today, nothing needs you")


def test_what_needs_the_owner_is_there_the_costliest_first(past, tmp_path):
    system.set_control(past, "floor", "", "halt", True, cause="drawdown", reason="fell by 16 %", now_ms=NOW)
    system.beat(
        past, "auditor", pid=1, started_at_ms=0, state="ERROR", state_since_ms=0, version="1", detail={}, now_ms=0
    )
    needs = gathering.build(past, floor(tmp_path), NOW).needs
    assert needs[0].startswith("The floor is halted (drawdown): fell by 16 %. It lasts until a person lifts it: ")
    assert needs[1].startswith("auditor does not run (ERROR)")
    assert "finding 1" in needs[2]


def test_what_a_person_stopped_and_may_have_forgotten_needs_them(past, tmp_path):
    findings.end(past, 1, findings.PERSON, "judged", NOW)

    def needs():
        one = gathering.build(past, floor(tmp_path), NOW)
        assert subject(one).endswith("nothing needs you") == (not one.needs)
        return one.needs

    assert needs() == ()
    for agent in agents.everyone(past):
        agents.set_paused(past, agent.name, True, reason="a holiday", now_ms=NOW)
    assert needs()[0].startswith("Every agent is paused: coin_flip (a holiday); ")
    agents.set_paused(past, "momentum", False, reason="", now_ms=NOW)
    past.execute("UPDATE heartbeats SET state = 'STOPPED' WHERE program = 'collector'")
    assert needs() == ("Nobody can trade: collector stopped. bin/collector starts it.",)
    past.execute("UPDATE heartbeats SET state = 'STOPPED'")
    (told,) = needs()
    assert told.startswith("Nothing runs: ") and "bin/doctor says how to start them" in told
    (tmp_path / "HALT").write_text("2026-11-02 by me: odd fills")
    assert needs()[0].startswith("The floor is halted by its file: 2026-11-02 by me: odd fills. It lasts until")


def test_silence_is_explained(past, tmp_path):
    agents.set_paused(past, "mean_reversion", False, reason="", now_ms=NOW)
    assert gathering.build(past, floor(tmp_path), NOW).silence == (
        "mean_reversion looked 90 times; 100 % of them ended at: spread 12 ¢ > max 10 ¢.",
    )


# ---- page and pictures ----------------------------------------------------------------------------------------------


def test_the_page_asks_nothing_of_the_network_and_escapes_what_it_shows(past, tmp_path):
    findings.keep(past, "x", "y", "critical", "<script>alert(1)</script>", {}, "none", NOW)
    one = gathering.build(past, floor(tmp_path), NOW)
    page = as_html(one, {name: f"cid:{name}" for name in briefing.drawn(one)})
    assert "<script" not in page
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page)
    assert set(re.findall(r'src="([^"]*)"', page)) == {"cid:equity", "cid:results"}


def pixels(png: bytes) -> list[bytes]:
    """Rows of RGBA."""
    width, height = struct.unpack(">II", png[16:24])
    data = b""
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0]
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    raw = zlib.decompress(data)
    return [raw[row * (4 * width + 1) + 1 : (row + 1) * (4 * width + 1)] for row in range(height)]


def coloured(row: bytes, colour: pictures.Colour) -> list[int]:
    return [at // 4 for at in range(0, len(row), 4) if row[at : at + 4] == bytes(colour)]


def test_bars_stand_up_for_gains_and_hang_down_for_losses():
    rows_of = pixels(pictures.bars([1_000, -500]))
    ups = [number for number, row in enumerate(rows_of) if coloured(row, pictures.UP)]
    downs = [number for number, row in enumerate(rows_of) if coloured(row, pictures.DOWN)]
    assert max(ups) < pictures.HEIGHT // 2 <= min(downs)
    assert len(ups) == pytest.approx(2 * len(downs), abs=4)
    assert max(coloured(rows_of[ups[0]], pictures.UP)) < pictures.WIDTH // 2
    assert min(coloured(rows_of[downs[0] + 3], pictures.DOWN)) > pictures.WIDTH // 2


def test_the_curve_has_no_gap_and_ends_where_it_should():
    rows_of = pixels(pictures.curve([0, 0, 1_000_000]))
    columns = {x for row in rows_of for x in coloured(row, pictures.LINE)}
    assert columns == set(range(pictures.MARGIN, pictures.WIDTH - pictures.MARGIN))
    assert max(coloured(rows_of[pictures.MARGIN], pictures.LINE)) >= pictures.WIDTH - pictures.MARGIN - 3
    assert pixels(pictures.curve([5, 5]))


# ---- sent -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mail_server(tmp_path, monkeypatch):
    files = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    server = MailServer(*files)
    yield server
    server.stop()


@pytest.fixture
def there(tmp_path, mail_server, monkeypatch):
    """A floor on disk whose letters go to that server; the test holds its clock."""
    clock = [NOW]
    monkeypatch.setattr(briefing, "now_ms", lambda: clock[0])
    monkeypatch.setattr(jobs, "now_ms", lambda: clock[0])
    alerts = Alerts(
        mail_to=("me@example.org",), smtp_host="127.0.0.1", smtp_port=mail_server.port, smtp_user=MailServer.USER
    )
    made = floor(tmp_path, alerts=alerts)
    (tmp_path / "smtp.password").write_text(MailServer.PASSWORD)
    (tmp_path / "smtp.password").chmod(0o600)
    db = database.connect(made.database)
    database.migrate(db)
    remember(db)
    db.close()
    return made, clock


def test_a_mail_with_text_page_and_pictures_arrives(there, mail_server, capsys):
    made, _ = there
    assert briefing.send(made, if_due=False) == 0
    (envelope,) = mail_server.letters
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert envelope.rcpt_tos == ["me@example.org"]
    assert message["Subject"].startswith("[kalshi embedded] +$0.80 yesterday (1 of 3 agents up)")
    assert message["Message-ID"] == "<briefing-abcdef-2026-11-02@outcry>"
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    kept = (made.folder / "briefings" / "2026-11-02.txt").read_text()
    assert text.rstrip() == kept.rstrip()
    page = message.get_body(("html",)).get_content()
    shown = {part["Content-ID"].strip("<>"): part for part in message.walk() if part.get_content_type() == "image/png"}
    assert set(re.findall(r'src="cid:([^"]*)"', page)) == set(shown)
    assert len(shown) == 2
    for part in shown.values():
        assert part.get_content_disposition() == "inline"
        assert pixels(part.get_content())
    assert {file.suffix for file in (made.folder / "briefings").iterdir()} == {".txt", ".html", ".eml"}
    assert "sent, and kept" in capsys.readouterr().out


def test_once_a_day_however_often_cron_asks(there, mail_server):
    made, clock = there
    for minutes in (0, 0, 5, 600):
        clock[0] = NOW + minutes * 60_000
        assert briefing.send(made, if_due=True) == 0
    assert len(mail_server.letters) == 1
    clock[0] = int(datetime(2026, 11, 3, 7, 1, tzinfo=NEW_YORK).timestamp() * 1000)
    briefing.send(made, if_due=True)
    assert len(mail_server.letters) == 2


def test_an_outage_is_sat_out_in_silence(there, mail_server, capsys):
    made, clock = there
    mail_server.refusing = "451 come back later"
    assert briefing.send(made, if_due=True) == 1
    with pytest.raises(Unavailable, match="451 come back later"):
        briefing.send(made, if_due=False)
    db = database.read_only(made.database)
    assert rows.last(db)["briefing"].result == "failed"
    db.close()
    mail_server.refusing = ""
    clock[0] += 300_000
    assert briefing.send(made, if_due=True) == 0
    assert len(mail_server.letters) == 1
    assert capsys.readouterr().err == ""


def test_through_this_machines_sendmail_and_its_outage(there, tmp_path, monkeypatch):
    """A program of that name, which takes a mail on its stdin when it is well."""
    made, clock = there
    made = floor(tmp_path, alerts=Alerts(mail_to=("me@example.org",)))
    program, ill, kept = tmp_path / "sendmail", tmp_path / "ill", tmp_path / "kept"
    program.write_text(f"#!/bin/sh\n[ ! -e {ill} ] || {{ echo 'queue full' >&2; exit 75; }}\ncat >> {kept}\n")
    program.chmod(0o755)
    monkeypatch.setattr("outcry.ops.alerts.mail.SENDMAIL", (str(program),))
    ill.touch()
    assert briefing.send(made, if_due=True) == 1
    with pytest.raises(Unavailable, match="queue full"):
        briefing.send(made, if_due=False)
    assert not kept.exists()
    ill.unlink()
    for minutes in (5, 10, 600):  # the next asking sends it, and the others see that it is sent
        clock[0] = NOW + minutes * 60_000
        assert briefing.send(made, if_due=True) == 0
    message = email.message_from_bytes(kept.read_bytes(), policy=email.policy.default)
    assert message["To"] == "me@example.org" and kept.read_text().count("Message-ID:") == 1
    assert (
        message.get_body(("plain",)).get_content() == (made.folder / "briefings" / "2026-11-02.txt").read_text() + "\n"
    )
    assert sum(part.get_content_type() == "image/png" for part in message.walk()) == 2


def test_with_nobody_to_send_it_to_it_is_kept(there, tmp_path, capsys):
    made = floor(tmp_path)
    assert briefing.send(made, if_due=False) == 0
    assert (made.folder / "briefings" / "2026-11-02.html").exists()
    assert "nobody to send it to" in capsys.readouterr().out


def test_the_page_can_be_had_as_a_file(there, tmp_path):
    made, _ = there
    briefing.write_page(made, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("data:image/png;base64,") == 2
