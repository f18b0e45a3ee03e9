"""Hand-composed payloads, a clock that only sleeping moves, and a client that talks to `responses`."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import responses

from outcry.venue import sign
from outcry.venue.budget import LocalBudget
from outcry.venue.rest import Rest

PAYLOADS = Path(__file__).parent / "payloads"
BASE_URL = "https://exchange.test/trade-api/v2"
NOW_MS = 1_795_194_192_345


class StillClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def now_ms(self) -> int:
        return NOW_MS + int((self.now_s - 100.0) * 1000)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.fixture
def payload():
    """A payload by name, as text."""
    return lambda name: (PAYLOADS / f"{name}.json").read_text()


@pytest.fixture
def change(payload):
    """A payload by name as objects, to spoil."""
    return lambda name: json.loads(payload(name))


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(scope="session")
def signer_and_public() -> tuple[sign.Signer, bytes]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private, public = sign.generate()
    return sign.Signer(load_pem_private_key(private, None), "key-of-the-test"), public


@pytest.fixture
def rest(clock: StillClock, signer_and_public) -> Rest:
    return Rest(
        BASE_URL,
        signer_and_public[0],
        LocalBudget(monotonic=clock.monotonic, sleep=clock.sleep),
        underlying={"KXBTC15M": "BTC-USD"},
        now_ms=clock.now_ms,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        random=Random(1),
    )


@pytest.fixture
def exchange() -> Iterator[responses.RequestsMock]:
    """Answers to queue; anything that is not queued is a connection error."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as answers:
        yield answers
