import pytest

from hand_fed import Desk


@pytest.fixture
def desk():
    """A trader that was started, is calibrated, and sees one market at 40 / 42 cents."""
    ready = Desk()
    ready.start()
    return ready
