"""`make upgrade` to a good build, to one that does not work, and back."""

import pytest

from boxed import UNITS, Box

pytestmark = pytest.mark.box


def test_upgrade_good_and_bad(box: Box):
    box.trading()
    box.filled()
    box.push_source()
    old = build(box)
    change(box, "lib/outcry/desk/clerk.py", "# a change that changes nothing")
    assert "systemctl restart" in box.make("install").stdout
    said = box("kalshi", "status", check=False).stdout
    beating = len(UNITS) - 1  # the dashboard only reads
    assert said.count("OLDER CODE") == beating, "they run on with what they were started with"
    between = build(box)
    change(box, "lib/outcry/desk/clerk.py", "# another")
    good = box.make("upgrade")
    assert f"upgraded from {between} to {build(box)}" in good.stdout
    assert "not replayed" not in good.stderr
    assert len({build(box), between, old}) == 3
    box.trading()
    assert "HALT" not in box("kalshi", "status", check=False).stdout
    assert "OLDER CODE" not in box("kalshi", "status", check=False).stdout
    box.works_on()

    working = build(box)
    change(box, "lib/outcry/desk/trader.py", "raise RuntimeError('a bad build')")
    change(box, "sql/migrations/9999_bad.sql", "CREATE TABLE of_the_bad_build (x INTEGER) STRICT;")
    bad = box.make("upgrade", check=False)
    assert bad.returncode != 0
    assert "the smoke test failed" in bad.stderr
    assert "trader@momentum does not run" in bad.stdout
    assert set(box.states()) == {"inactive"}
    for line in [line for line in bad.stderr.splitlines() if line.startswith("  ")]:
        box("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels", "sh", "-ec", line, timeout_s=300)
    assert build(box) == working
    box.trading()
    box.works_on()


def build(box: Box) -> str:
    return box("sed", "-n", "s/^BUILD=//p", "/opt/kalshi/etc/installed").stdout.strip()


def change(box: Box, file: str, line: str) -> None:
    box("sh", "-c", 'echo "$2" >>"/root/src/$1"', "-", file, line)
