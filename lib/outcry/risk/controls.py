"""Halted, stopped, paused, retired: nobody enters while a person or a breaker says no."""

from outcry.domain.view import Verdict
from outcry.risk.case import Case, refused

RULE = "controls"


def check(case: Case) -> Verdict | None:
    facts = case.facts
    for state, reason in (("halted", facts.halted), ("stopped", facts.stopped), ("paused", facts.paused)):
        if reason:
            return refused(RULE, f"{state}: {reason}", state=state)
    if facts.stage == "retired":
        return refused(RULE, "a retired agent enters nothing", state="retired")
    return None
