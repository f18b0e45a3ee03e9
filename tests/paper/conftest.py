"""What tests of the local exchange share."""

from pathlib import Path

import pytest

from specification import Specification


@pytest.fixture(scope="session")
def specification(protocol: Path) -> Specification:
    """The exchange's own descriptions of its bodies and messages."""
    return Specification(protocol)
