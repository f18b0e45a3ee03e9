"""What was decided about an agent, in a sentence: for people who did not write the rules."""

from collections.abc import Mapping
from typing import Any

# Of rules that look at something plain; the others are told by their evidence.
_ACTS = {
    "added": "joined the floor",
    "cloned": "was cloned",
    "promoted": "was promoted to {stage}",
    "retired": "was retired: it enters nothing more, and what it holds leaves by its exits",
    "resurrected": "was brought back",
    "flagged": "was flagged: it has to prove itself from here",
    "unflagged": "lost its flag",
    "paused": "was paused",
    "resumed": "may enter again",
    "shrunk": "has to do with less",
    "allocated": "may use ${allocation}",
    "set": "runs with other parameters",
    "changed code": "runs a newer version of its strategy",
}


def sentence(agent: str, act: str, rule: str, evidence: Mapping[str, Any]) -> str:
    """
    >>> sentence("momentum", "allocated", "birth", {"allocation_micros": 10_000_000, "capital_micros": 1})
    'momentum may use $10.00 (birth)'
    >>> sentence("m-2", "promoted", "person", {"stage": "trial", "why": "I like it"})
    'm-2 was promoted to trial: a person decided so, "I like it"'
    """
    words = _ACTS.get(act, f"{act}").format(
        stage=evidence.get("stage", "another stage"), allocation=f"{evidence.get('allocation_micros', 0) / 1e6:,.2f}"
    )
    return f"{agent} {words}{_because(rule, evidence)}"


def _because(rule: str, evidence: Mapping[str, Any]) -> str:
    if rule == "person":
        why = evidence.get("why") or evidence.get("reason") or ""
        return ": a person decided so" + (f', "{why}"' if why else "")
    seen = evidence.get("evidence")
    if not isinstance(seen, Mapping) or not seen.get("settled"):
        return f" ({rule})"
    said = f"{seen['settled']} settled trades in {seen['events']} events brought {seen['net_dollars']:+.2f} net"
    low, high = seen.get("low_dollars"), seen.get("high_dollars")
    if low is not None and high is not None:
        said += f", a contract between {low:+.2f} and {high:+.2f}"
    elif low is not None:
        said += f", a contract at least {low:+.2f}"
    elif high is not None:
        said += f", a contract at most {high:+.2f}"
    return f" ({rule}): {said}"
