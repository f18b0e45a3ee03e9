"""The twenty-five failures: each has its test, and the page that describes them names only tests there are."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "tests" / "failures"
PAGE = (PROJECT / "docs" / "failures.md").read_text()
ROWS = {int(cells[1]): [cell.strip() for cell in cells[1:5]] for cells in
        (line.split("|") for line in PAGE.splitlines()) if len(cells) == 6 and cells[1].strip().isdigit()}  # fmt: skip


def named(row: list[str]) -> list[str]:
    return re.findall(r"`([^`]*test_[^`]*)`", row[3])


@pytest.mark.parametrize("number", range(1, 26))
def test_each_has_a_file_of_tests_and_a_whole_row(number):
    (file,) = FOLDER.glob(f"test_{number:02}_*.py")
    assert re.search(r"^def test_", file.read_text(), re.MULTILINE)
    assert all(ROWS[number]), "what can happen, what Outcry does, which test proves it"
    assert file.name in named(ROWS[number])


def test_there_are_twenty_five_and_every_test_named_exists():
    assert sorted(ROWS) == list(range(1, 26))
    for row in ROWS.values():
        for test in named(row):
            path, _, function = test.partition("::")
            file = PROJECT / path if "/" in path else FOLDER / path
            assert file.exists(), test
            assert not function or re.search(rf"^def {function}\(", file.read_text(), re.MULTILINE), test
