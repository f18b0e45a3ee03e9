"""What the conformance document promises: tests that exist, and every switch and fault there is."""

import re
from pathlib import Path
from typing import get_args

from outcry.paper.engine.manners import Manners
from outcry.paper.faults.faults import Kind

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "exchange-conformance.md").read_text()


def test_every_test_it_names_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) > 70
    missing = [f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_it_has_all_fifteen_points_each_with_a_test():
    points = re.split(r"\n(?=\d+\. )", TEXT.split("## Point by point")[1].split("And all of it")[0])[1:]
    assert [int(point.partition(".")[0]) for point in points] == list(range(1, 16))
    assert all("::test_" in point for point in points)


def test_every_switch_and_every_fault_is_in_it():
    tables = {name for row in re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert tables == {*Manners.__dataclass_fields__, *get_args(Kind)}
