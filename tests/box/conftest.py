"""A box for a test: booted from the layer in a second, with a floor that starts by itself, as after a reboot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from boxed import Box, layer, why_not


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """By far the longest one begins first, and the others run beside it."""
    items.sort(key=lambda item: item.path.parent.name != "box" or item.path.name != "test_evolution.py")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "layer"
    shared.mkdir(exist_ok=True)
    with layer(shared) as name:
        yield name


@pytest.fixture
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    if reason := why_not():
        pytest.skip(reason)
    running = Box(f"t{tmp_path.stat().st_ino}")
    running.up("--from", request.getfixturevalue("installed"))
    yield running
    running.tool("down", "--hard", check=False)
