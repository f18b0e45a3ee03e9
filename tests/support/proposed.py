"""Proposals as a search leaves them."""

from outcry.desk.common import strategies
from outcry.store import proposals

EVIDENCE = {"verdict": {"why": "no conclusion possible", "low_dollars": None}, "test": {"events": 3, "per_trade": 0.5}}


def propose(db, parameters, strategy="momentum", now_ms=5, **more):
    """Keep one; returns its number."""
    wanted = {
        "strategy": strategy,
        "code_sha256": strategies.keep_source(db, strategy, now_ms),
        "parameters": parameters,
        "study": f"{strategy}-tpe",
        "sampler": "tpe",
        "trials": 40,
        "tape": {"2026-11-19": "sha256:1"},
        "evidence": EVIDENCE,
        "recommended": True,
        "now_ms": now_ms,
    }
    return proposals.keep(db, **(wanted | more))
