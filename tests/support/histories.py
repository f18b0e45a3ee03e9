"""How many random histories a property is tried on: few in an ordinary run, thousands with HYPOTHESIS_PROFILE=deep."""

import os

from hypothesis import HealthCheck, settings

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"


def histories(quick: int, deep: int) -> settings:
    return settings(max_examples=deep if DEEP else quick, deadline=None, suppress_health_check=[HealthCheck.too_slow])
