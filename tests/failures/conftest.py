"""A floor of its own for a test, that goes wrong when asked; stopped afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from failing import FailingFloor


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[FailingFloor]:
    running = FailingFloor(tmp_path)
    yield running
    running.stop()
