"""Every value in every answer, spoilt one at a time: either not ours to use, or noticed; never read as another."""

import copy
import json

import pytest

from described_calls import CALLS, IN_PATHS
from outcry.domain.errors import SchemaDrift, Unavailable

BASE = "https://exchange.test/trade-api/v2"
ANSWERS = {
    name: (method, route, status, ask) for method, route, name, status, ask in CALLS if name not in (None, "empty")
}
ELSEWHERE = {"markets", "market_settled", "empty"}  # spoilt in test_wire; nothing to spoil


def leaves(tree, path=()):
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in items:
            yield from leaves(value, (*path, key))
    elif tree is not None:
        yield path


def with_leaf(tree, path, value):
    spoilt = copy.deepcopy(tree)
    place = spoilt
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return spoilt


def comparable(result):
    """Errors are equal when they say the same."""
    return (
        [str(item) if isinstance(item, Exception) else item for item in result] if isinstance(result, list) else result
    )


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - ELSEWHERE))
def test_a_spoilt_value_is_noticed_or_not_used(rest, exchange, change, clock, name):
    method, route, status, ask = ANSWERS[name]
    url, tree = BASE + route.format_map(IN_PATHS), change(name)

    def answered(body):
        clock.now_s += 60  # a full budget
        exchange.upsert(method, url, json=body, status=status)
        return comparable(ask(rest))

    right = answered(tree)
    noticed = 0
    for path in leaves(tree):
        try:
            read = answered(with_leaf(tree, path, ["odd"]))
        except (SchemaDrift, Unavailable):
            noticed += 1
        else:
            assert read == right, path
    assert noticed, json.dumps(tree)[:80]
