"""No more than was asked for: a leg of a basket, at its bound, one contract inside it, one beyond."""

from dataclasses import replace

import pytest

from outcry.risk import asked
from outcry.risk.rules import gate


@pytest.mark.parametrize(
    ("most_ch", "expected"),
    [
        (None, ("allowed", "", 3_300)),
        (3_400, ("allowed", "", 3_300)),
        (3_300, ("allowed", "", 3_300)),
        (3_299, ("reduced", "asked", 3_200)),
        (100, ("reduced", "asked", 100)),
        (99, ("refused", "asked", 0)),
        (0, ("refused", "asked", 0)),
        (-500, ("refused", "asked", 0)),
    ],
)
def test_at_most_what_was_asked_for(floor, most_ch, expected):
    case = floor.make()
    verdict = gate(case.intent, case.facts, case.exposure, case.limits, case.now_ms, case.fee, most_ch)
    assert (str(verdict.answer), verdict.rule, verdict.count_ch) == expected


def test_the_words_and_the_figure(floor):
    cut = asked.check(replace(floor.make(), most_ch=250), 3_300)
    assert (cut.count_ch, cut.reason) == (200, "33.00 contracts would do, 2.50 were asked for at most")
    assert dict(cut.numbers) == {"most_ch": 250}
    assert asked.check(replace(floor.make(), most_ch=250), 250) is None
