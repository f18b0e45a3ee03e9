"""The question a trader asks the gate, in one piece: it can be written down, and asked again later by the auditor.

Given the exposure of an instant, the verdict follows from the question alone.
"""

import hashlib
import importlib
import inspect
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

import outcry.risk
from outcry.desk.dealing.exchange import fee_of
from outcry.domain.limits import Limits
from outcry.domain.market import Market
from outcry.domain.order import Purpose
from outcry.domain.view import Answer, Exposure, Intent, Quote, Verdict
from outcry.risk import rules
from outcry.trading import exits
from outcry.venue import fees

BESIDE = ("outcry.domain.limits", "outcry.domain.order", "outcry.trading.exits", "outcry.venue.fees", __name__)
IN_THE_VIEW = ("market", "quote")  # facts that are kept with the decision's view already


@dataclass(frozen=True, slots=True)
class Question:
    """An entry asks with facts, and the gate sizes it; an exit asks with the size it wants to close, and no facts.

    most_ch  the most that an entry asks for; None where the gate alone sizes it
    """

    purpose: Purpose
    intent: Intent
    market: Market
    limits: Limits
    now_ms: int
    facts: rules.Facts | None = None
    close_ch: int = 0
    most_ch: int | None = None

    def ask(self, exposure: Exposure) -> Verdict:
        """The verdict. Raises InvariantBroken when the fee estimate is no whole number."""
        if self.facts is None:
            return exits.gate(self.intent, self.close_ch, exposure)
        if not fees.known(self.market.fee):
            return Verdict(Answer.REFUSED, 0, "fee", f"no formula for fee type {self.market.fee.fee_type!r}")
        fee = fee_of(self.market)
        return rules.gate(self.intent, self.facts, exposure, self.limits, self.now_ms, fee, self.most_ch)

    def as_json(self) -> str:
        """Everything but what the decision's own row has."""
        facts: dict[str, Any] | None = None
        if self.facts is not None:
            facts = {key: kept for key, kept in msgspec.to_builtins(self.facts).items() if key not in IN_THE_VIEW}
        written = Written(rules_sha256(), facts, msgspec.to_builtins(self.limits), self.close_ch, self.most_ch)
        return msgspec.json.encode(written).decode()


@dataclass(frozen=True, slots=True)
class Written:
    """A question as it was kept. `rules`: which source of the rules answered it."""

    rules: str
    facts: dict[str, Any] | None
    limits: dict[str, Any]
    close_ch: int
    most_ch: int | None = None


def read(text: str) -> Written:
    """What `as_json` wrote. Raises msgspec.ValidationError for another shape."""
    return msgspec.json.decode(text, type=Written)


def again(kept: Written, purpose: Purpose, intent: Intent, market: Market, quote: Quote, now_ms: int) -> Question:
    """The question as it was asked. Raises msgspec.ValidationError when this build has other facts or limits."""
    limits = msgspec.convert(kept.limits, Limits)
    if kept.facts is None:
        return Question(purpose, intent, market, limits, now_ms, None, kept.close_ch)
    beside = {"market": msgspec.to_builtins(market), "quote": msgspec.to_builtins(quote)}
    facts = msgspec.convert({**kept.facts, **beside}, rules.Facts)
    return Question(purpose, intent, market, limits, now_ms, facts, kept.close_ch, kept.most_ch)


@cache
def rules_sha256() -> str:
    """One number for the source of every rule and of what the rules compute with, as this process runs it."""
    modules = [f"outcry.risk.{found.name}" for found in pkgutil.iter_modules(outcry.risk.__path__)]
    digest = hashlib.sha256()
    for name in sorted([*modules, *BESIDE]):
        digest.update(inspect.getsource(importlib.import_module(name)).encode())
    return digest.hexdigest()
