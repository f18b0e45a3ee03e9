"""The table of endpoints: which handler a method and a path belong to."""

import re
from urllib.parse import unquote

from outcry.paper.engine.records import Reject
from outcry.paper.rest import (
    routes_account,
    routes_candles,
    routes_exchange,
    routes_groups,
    routes_history,
    routes_market,
    routes_money,
    routes_orders,
    routes_portfolio,
)
from outcry.paper.rest.calls import BASE, Call, Route
from outcry.paper.server.limits import COSTS, DEFAULT_COST

_ROOMS = (
    routes_exchange,
    routes_candles,
    routes_market,
    routes_history,
    routes_portfolio,
    routes_account,
    routes_groups,
    routes_money,
    routes_orders,
)
ROUTES = [route for room in _ROOMS for route in room.ROUTES]


def _notation(template: str) -> str:
    """A template as the exchange's price list writes it."""
    return BASE + re.sub(r"\{(\w+)\}", r":\1", template)


class Table:
    """All routes; plain paths are found at once, those with parameters by their patterns, in the order listed."""

    def __init__(self) -> None:
        self._plain: dict[str, dict[str, Route]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], dict[str, Route]]] = {}
        self.cost = {
            (route.method, route.template): COSTS.get((route.method, _notation(route.template)), DEFAULT_COST)
            for route in ROUTES
        }
        for route in ROUTES:
            if "{" not in route.template:
                self._plain.setdefault(BASE + route.template, {})[route.method] = route
                continue
            pattern = re.compile(BASE + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.template))
            self._patterns.setdefault(pattern.pattern, (pattern, {}))[1][route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a request, and its path parameters.

        raises  Reject 404 for an unknown path, 405 for a method that it does not have
        """
        wanted = "GET" if method == "HEAD" else method
        methods = self._plain.get(path)
        if methods is not None and wanted in methods:
            return methods[wanted], {}
        known = methods is not None
        for pattern, others in self._patterns.values():
            match = pattern.fullmatch(path)
            if match is None:
                continue
            known = True
            if wanted in others:
                return others[wanted], {name: unquote(value) for name, value in match.groupdict().items()}
        if known:
            raise Reject(405, "method_not_allowed", f"{method} is not allowed here")
        raise Reject(404, "not_found", "no such endpoint")

    def tokens(self, route: Route, call: Call) -> int:
        """What a call costs."""
        return self.cost[route.method, route.template] if route.tokens is None else route.tokens(call)
