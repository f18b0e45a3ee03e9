"""The worked examples of docs/evolution.md say what the code says, and its table holds the rules that are applied."""

import doctest
from pathlib import Path

from outcry.review.selection import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evolution.md"


def test_the_worked_examples_are_right():
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried >= 8 and failed == 0


def test_the_table_names_every_rule_in_order():
    lines = PAGE.read_text().split("## The rules")[1].split("##")[0].splitlines()
    named = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert named[1:] == [rule.name for rule in RULES]
