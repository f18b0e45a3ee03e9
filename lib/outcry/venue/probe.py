"""Is the exchange there, and what time is it there? One unsigned request, once."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import requests

from outcry.domain.errors import Unavailable

_TIMEOUT_S = (2.0, 3.0)


def clock_ahead_ms(base_url: str, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> tuple[int, int]:
    """By how much our clock is ahead of the exchange's: the least and the most it can be.

    The Date header has whole seconds, and the answer travelled for a while.

    raises  Unavailable when nothing answers, or no date comes with the answer
    """
    session = requests.Session()
    session.trust_env = False
    try:
        asked_ms = now_ms()
        answer = session.get(f"{base_url}/exchange/status", timeout=_TIMEOUT_S, allow_redirects=False)
        heard_ms = now_ms()
    except requests.RequestException as error:
        raise Unavailable(f"{base_url} does not answer: {type(error).__name__}: {error}") from error
    finally:
        session.close()
    try:
        date_ms = int(parsedate_to_datetime(answer.headers["Date"]).timestamp() * 1000)
    except (KeyError, ValueError) as error:
        raise Unavailable(f"{base_url} answered {answer.status_code} without a date that can be read") from error
    return asked_ms - date_ms - 1_000, heard_ms - date_ms
