"""Asked to stop while somebody else is waited for."""

import os
import signal
from collections.abc import Iterator

import pytest

from outcry.ops.supervisor import Stopped, Supervisor


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield Supervisor("test")
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_wait_that_may_hang_ends_at_once_and_only_once(supervisor, number):
    with pytest.raises(Stopped), supervisor.interruptible():
        os.kill(os.getpid(), number)
    assert supervisor.stopping
    with supervisor.interruptible():
        pass


def test_elsewhere_a_request_to_stop_is_only_noted(supervisor):
    with supervisor.interruptible():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    assert supervisor.stopping and supervisor.wait(10)
