"""14: ten programs share an account at the lowest tier; all are killed and start anew; then the exchange says 429.

Nobody spends what is not there, a restart resets nothing, and without any Retry-After nobody storms. Halt's cancels
have their own share. (Numbers against buckets that share no code with ours: tests/venue/test_ten_programs.py.)
"""

import json
import time

import pytest

from survived import assert_told_once

pytestmark = pytest.mark.floor
COINS = ("ape", "bat", "cat", "dog", "elk", "fox", "gnu")
STORM_S = 4


def calls(floor):
    """(asked, failed) of all programs, as they count them; a 429 is a failure."""
    details = [json.loads(row["detail"]) for row in floor.query("SELECT detail FROM heartbeats")]
    slices = [counted for detail in details for counted in detail.get("calls", [])]
    return sum(asked for _, asked, _ in slices), sum(failed for _, _, failed in slices)


def test_no_429_of_our_own_making_and_no_storm_after_theirs(floor):
    floor.trade(*COINS)
    floor.start("auditor")
    floor.wait_for(lambda: floor.progress().orders > 40, 120, "forty orders")
    traders = [name for name in floor.children.all if name.startswith("trader")]
    for name in traders:
        floor.kill(name)
    floor.start(*traders)
    orders = floor.progress().orders
    floor.wait_for(lambda: floor.progress().orders > orders + 40, 120, "forty more, after a restart of all")
    assert "-> 429" not in "".join(floor.said(name) for name in floor.children.all)
    assert calls(floor)[1] == 0

    storm = floor.break_("fail", "* /*", status=429, for_s=STORM_S)
    time.sleep(STORM_S)
    programs = len(COINS) + 3
    assert floor.struck(storm) <= programs * STORM_S * 4, "a try a program, four times a second, is no storm"
    said = floor.run("halt", "--reason", "a test")
    assert "nothing rests" in said.stdout
    assert floor.by_hand().orders(status="resting") == []
    floor.survived()
    assert_told_once(floor.state, "halted", "a test")
