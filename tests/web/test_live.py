"""The messages: one of a kind a second at most, the newest for who is slow; and the server that carries them."""

import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from outcry.domain.errors import Unavailable
from outcry.web.messages import KINDS
from shown_floor import Serving, ShownFloor


@pytest.fixture
def shown(tmp_path):
    shown = ShownFloor(tmp_path)
    yield shown
    shown.db.close()


@pytest.fixture
def running(shown):
    """A Live with its loop in a thread."""
    live = shown.live()
    thread = threading.Thread(target=live.run)
    thread.start()
    yield live
    live.stop()
    thread.join(20)
    assert not thread.is_alive()


def test_messages_come_in_their_envelope(shown, running):
    number, texts = running.newer(0, 30)
    told = [json.loads(text) for text in texts]
    assert [message["type"] for message in told] == list(KINDS)
    assert [message["seq"] for message in told] == [1, 2, 3] and number == 3
    assert {message["v"] for message in told} == {1}
    assert all(set(message) == {"type", "v", "seq", "ts", "data"} for message in told)


def test_a_kind_comes_once_a_second_however_much_happens(shown, running):
    seen, times = 0, []
    until = time.monotonic() + 3.5
    count = 0
    while time.monotonic() < until:
        shown.fill(f"more{count}")
        count += 1
        seen, texts = running.newer(seen, 0.05)
        times += [json.loads(text)["ts"] for text in texts if json.loads(text)["type"] == "trades"]
    assert count > 5 and 1 <= len(times) <= 5
    assert all(later - earlier >= 800 for earlier, later in itertools.pairwise(times))


def test_who_is_slow_gets_the_newest_and_nothing_piles_up(shown, running):
    seen, _ = running.newer(0, 30)
    for number in range(3):
        shown.fill(f"slow{number}")
        time.sleep(1.1)
    late, texts = running.newer(seen, 30)
    fills = [json.loads(text)["data"]["recent_fills"] for text in texts if json.loads(text)["type"] == "trades"]
    assert len(texts) <= len(KINDS) and late > seen + len(texts)
    assert [len(listed) for listed in fills] in ([3], [4])


def test_the_history_is_capped(shown):
    for number in range(60):
        shown.fill(f"many{number}")
    look = shown.live().now()
    assert len(look.fills) == 50 and look.executed.fills == 61


def test_old_figures_are_not_shown_as_new(shown):
    live = shown.live()
    live.now()
    shown.floor.database.rename(shown.floor.database.with_name("away"))
    time.sleep(1.1)
    with pytest.raises(Unavailable, match="cannot be read"):
        live.now()
    shown.floor.database.with_name("away").rename(shown.floor.database)
    time.sleep(1.1)
    assert live.now().fills


@pytest.mark.floor
def test_the_program_serves_holds_no_key_and_leaves_cleanly(tmp_path):
    (tmp_path / "floor").mkdir()
    shown = ShownFloor(tmp_path / "floor")
    serving = Serving(shown, "--port", "0")
    try:
        url = serving.url()
        with urllib.request.urlopen(f"{url}health") as answer:
            assert json.load(answer)["healthy"] is True
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(f"{url}status", method=method))
            assert refused.value.code == 405
            refused.value.close()
        stream = f"ws{url.removeprefix('http')}ws"
        with connect(stream) as client:
            first = [json.loads(client.recv(30)) for _ in KINDS]
            assert {message["type"] for message in first} == set(KINDS)
            shown.fill("live")
            began = time.monotonic()
            while "live" not in client.recv(30):
                pass
            assert time.monotonic() - began < 10
        with pytest.raises(InvalidStatus) as foreign:
            connect(stream, additional_headers={"Origin": "http://evil.example"})
        assert foreign.value.response.status_code == 403
        opened = [file.resolve().name for file in Path(f"/proc/{serving.process.pid}/fd").iterdir()]
        assert not [name for name in opened if name.endswith(".pem")]
    finally:
        said = serving.stop()
        shown.db.close()
    assert serving.process.returncode == 0, said
    assert "Traceback" not in said and not serving.file.exists()


@pytest.mark.floor
def test_beyond_loopback_only_with_a_token(tmp_path):
    (tmp_path / "floor").mkdir()
    shown = ShownFloor(tmp_path / "floor")
    shown.db.close()
    token = shown.floor.folder / "dashboard.token"
    for written in (None, "short"):
        if written:
            token.write_text(written)
        serving = Serving(shown, "--host", "0.0.0.0", "--port", "0")
        said = serving.process.communicate(timeout=60)[1]
        assert serving.process.returncode == 78
        (line,) = said.splitlines()
        assert "0.0.0.0 is open to others" in line and "secrets.token_urlsafe" in line
