"""A floor of its own for a test, stopped afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from running import RunningFloor


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[RunningFloor]:
    running = RunningFloor(tmp_path)
    yield running
    running.stop()
