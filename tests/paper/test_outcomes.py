import gzip
import json

import pytest

from outcry.domain.errors import Misconfigured, SchemaDrift
from outcry.paper.replay.outcomes import Outcome, Outcomes, find

NAMES = ("ticker", "result", "floor_strike")
FIRST, SECOND = "KXBTC15M-26MAY130930-30", "KXBTC15M-26MAY130945-45"


def write(tmp_path, *rows):
    path = tmp_path / "KXBTC15M_settlements.jsonl"
    path.write_text("".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows))
    return path


def test_a_recorded_result_is_paid_and_the_next_strike_is_its_statistic(tmp_path):
    known = Outcomes([write(tmp_path, (FIRST, "no", 80285.68), (SECOND, "yes", 80128.27))])
    assert known.of(FIRST, 9_900) == Outcome("no", 0, 80_128_270_000, "recorded")
    assert known.of(SECOND, 100) == Outcome("yes", 10_000, None, "recorded")


@pytest.mark.parametrize(("reached", "result"), [(80285.68, "yes"), (80285.67, "no"), (80285.69, "yes")])
def test_a_missing_result_follows_from_the_next_windows_strike(tmp_path, reached, result):
    known = Outcomes([write(tmp_path, (FIRST, "", 80285.68))])
    known.learn_strike(SECOND, round(reached * 1_000_000))
    assert (known.of(FIRST, 5_000).result, known.of(FIRST, 5_000).source) == (result, "derived")


def test_without_any_record_the_last_price_is_paid(tmp_path):
    known = Outcomes([])
    assert known.of(FIRST, 2_300) == Outcome("scalar", 2_300, None, "unknown")
    assert known.of(FIRST, None).value_cc == 0


def test_files_are_found_by_name_and_read_strictly(tmp_path):
    path = write(tmp_path, (FIRST, "maybe", None))
    assert find(tmp_path) == [path]
    with pytest.raises(SchemaDrift):
        Outcomes([path])
    with pytest.raises(Misconfigured):
        Outcomes([tmp_path / "none.jsonl"])


@pytest.mark.recorded
def test_recorded_results_agree_with_recorded_strikes(recordings):
    """A market won exactly when the next window's strike, its own settlement mean, reached its strike."""
    rows = [json.loads(line) for line in _lines(find(recordings / "markets")[0])]
    known = Outcomes(find(recordings / "markets"))
    checked = 0
    for row in rows:
        outcome, strike = known.of(row["ticker"], None), known.strike_micros(row["ticker"])
        if outcome.source == "recorded" and strike is not None and outcome.expiration_micros is not None:
            assert (outcome.expiration_micros >= strike) == (outcome.result == "yes"), row
            checked += 1
    assert checked > 50


def _lines(path):
    return gzip.decompress(path.read_bytes()).splitlines()
