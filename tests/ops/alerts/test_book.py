"""What is told, when, how often: levels, escalation, the hourly digest, and letters that wait."""

from itertools import count

import pytest
from msgspec.structs import replace

from outcry.domain.errors import Unavailable
from outcry.ops.alerts.book import HOUR_MS, MINUTE_MS, Book, Level, Raised

START_MS = 1_795_176_000_000  # a full hour
WATCHED = ("control ",)


class Desk:
    """A book, a clock, and what arrived."""

    def __init__(self) -> None:
        self.book, self.at_ms = Book(), START_MS
        self.arrived: list[tuple[str, str]] = []
        self.broken: set[str] = set()
        self.well: set[str] = set()
        self.channels = ["mail"]
        self._ids = count(1)

    def turn(self, *wrong: Raised, minutes: float = 0) -> list[str]:
        """A sender's round so much later; what arrived in it."""
        self.at_ms += int(minutes * MINUTE_MS)
        before = len(self.arrived)
        for raised in wrong:
            self.book.hear(replace(raised, at_ms=self.at_ms))
        self.book.over([raised.key for raised in wrong], WATCHED, self.well, self.at_ms)
        self.book.compose(self.channels, "test", lambda: f"id{next(self._ids)}", self.at_ms)
        self.book.post(self.channels, self._send, lambda: None, self.at_ms)
        return [subject for _, subject in self.arrived[before:]]

    def _send(self, name, letter):
        if name in self.broken:
            raise Unavailable(f"{name} is down")
        self.arrived.append((name, letter.subject))

    def wrong(self, level=Level.CRITICAL, key="control floor", **more) -> Raised:
        return Raised(key, level, more.pop("title", "the floor is halted"), "why", self.at_ms, **more)


@pytest.fixture
def desk():
    return Desk()


def test_a_critical_alert_is_told_at_once_and_once(desk):
    assert desk.turn(desk.wrong()) == ["[test] the floor is halted"]
    assert [desk.turn(desk.wrong(), minutes=1) for _ in range(20)] == [[]] * 20
    assert len(desk.book.alerts) == 1


def test_unacknowledged_for_half_an_hour_it_is_told_again_once(desk):
    desk.turn(desk.wrong())
    assert desk.turn(desk.wrong(), minutes=29) == []
    assert desk.turn(desk.wrong(), minutes=1) == ["[test] not acknowledged: the floor is halted"]
    assert desk.turn(desk.wrong(), minutes=60) == []


def test_acknowledged_it_is_not_told_again(desk):
    desk.turn(desk.wrong())
    assert [alert.number for alert in desk.book.acknowledge([1], desk.at_ms, WATCHED)] == [1]
    assert desk.turn(desk.wrong(), minutes=40) == []
    assert desk.book.alerts[0].open, "a state goes on until it is over"


def test_degradation_waits_for_the_hour_and_comes_together(desk):
    first = desk.wrong(Level.DIGEST, "control agent a", title="agent a is paused")
    second = desk.wrong(Level.DIGEST, "control agent b", title="agent b is paused")
    assert desk.turn(first, minutes=10) == []
    assert desk.turn(first, second, minutes=20) == []
    assert desk.turn(first, second, minutes=30) == ["[test] 2 things in the last hour"]
    assert desk.turn(first, second, minutes=180) == []


def test_that_it_is_over_comes_with_the_next_digest(desk):
    desk.turn(desk.wrong())
    assert desk.turn(minutes=5) == []
    assert desk.turn(minutes=60) == ["[test] 1 things in the last hour"]
    assert "over since" in desk.book.alerts[0].line()


def test_a_restart_is_told_to_nobody(desk):
    assert desk.turn(desk.wrong(Level.LOG)) == []
    assert desk.turn(desk.wrong(Level.LOG), minutes=120) == []


def test_one_that_flaps_is_one_alert(desk):
    told = desk.turn(desk.wrong())
    for _ in range(5):
        told += desk.turn(minutes=2)
        told += desk.turn(desk.wrong(), minutes=2)
    assert told == ["[test] the floor is halted"]
    assert desk.book.alerts[0].times == 6
    desk.turn(minutes=1)
    assert desk.turn(desk.wrong(), minutes=16) == ["[test] the floor is halted"], "later it is news"


def test_one_that_gets_worse_is_told_anew(desk):
    desk.turn(desk.wrong(Level.DIGEST))
    assert desk.turn(desk.wrong(), minutes=1) == ["[test] the floor is halted"]


def test_a_faint_sign_keeps_an_alert_open_and_makes_none(desk):
    assert desk.turn(desk.wrong(faint=True)) == []
    assert desk.book.alerts == []
    desk.turn(desk.wrong())
    desk.turn(desk.wrong(faint=True), minutes=1)
    assert desk.book.alerts[0].open


def test_what_nobody_watches_is_over_when_a_person_says_so(desk):
    desk.turn(desk.wrong(key="unit x"))
    desk.turn(minutes=1)
    assert desk.book.alerts[0].open
    desk.book.acknowledge([1], desk.at_ms, WATCHED)
    assert not desk.book.alerts[0].open


def test_what_was_seen_to_be_well_is_over(desk):
    desk.turn(desk.wrong(key="program x"))
    desk.well = {"program x"}
    desk.turn(minutes=1)
    assert not desk.book.alerts[0].open


def test_an_outage_of_hours_keeps_every_letter_and_delivers_each_once(desk):
    desk.broken.add("mail")
    desk.turn(desk.wrong())
    for _ in range(180):
        desk.turn(desk.wrong(), desk.wrong(Level.DIGEST, "control agent a"), minutes=1)
    assert desk.arrived == []
    assert desk.book.unsent == {"mail": "mail is down"}
    desk.broken.clear()
    both = desk.wrong(), desk.wrong(Level.DIGEST, "control agent a")
    desk.turn(*both, minutes=31)
    subjects = [subject for _, subject in desk.arrived]
    assert sorted(subjects) == sorted(set(subjects))
    assert subjects[0] == "[test] the floor is halted"
    assert desk.book.letters == []
    assert desk.turn(*both, minutes=29) == []


def test_a_broken_way_does_not_hold_up_another_nor_make_it_repeat(desk):
    desk.channels, desk.broken = ["mail", "webhook"], {"mail"}
    desk.turn(desk.wrong())
    for _ in range(10):
        desk.turn(desk.wrong(), minutes=2)
    assert desk.arrived == [("webhook", "[test] the floor is halted")]
    desk.broken.clear()
    desk.turn(desk.wrong(), minutes=17)
    assert desk.arrived[1:2] == [("mail", "[test] the floor is halted")]


def test_tries_grow_rarer_up_to_half_an_hour(desk):
    desk.broken.add("mail")
    desk.turn(desk.wrong(Level.CRITICAL))
    pauses = []
    for _ in range(8):
        attempt = desk.book.letters[0].waiting["mail"]
        pauses.append((attempt.next_ms - desk.at_ms) // MINUTE_MS)
        desk.turn(desk.wrong(), minutes=pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_with_nobody_to_tell_nothing_counts_as_told(desk):
    desk.channels = []
    desk.turn(desk.wrong())
    desk.channels = ["mail"]
    assert desk.turn(desk.wrong(), minutes=1) == ["[test] the floor is halted"]


def test_a_way_that_was_taken_out_of_the_settings_is_not_waited_for(desk):
    desk.broken.add("mail")
    desk.turn(desk.wrong())
    desk.channels = []
    desk.turn(desk.wrong(), minutes=1)
    assert desk.book.letters == []


def test_old_alerts_are_forgotten_and_open_ones_never(desk):
    desk.turn(desk.wrong(key="control a"), desk.wrong(key="control b"))
    desk.turn(desk.wrong(key="control a"), minutes=1)
    desk.turn(desk.wrong(key="control a"), minutes=8 * 24 * HOUR_MS / MINUTE_MS)
    assert [alert.key for alert in desk.book.alerts] == ["control a"]
