"""Option `mutations`: answers that are changed on their way, in the ways of `mutator.table`.

An order names an endpoint, which of the different requests to it is meant, the mutation, its seed, and whether it
lasts: one that lasts changes the answer to every attempt at that request, the others the first answer only.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from emulators.messages import BadBody, Request, Response
from mutator.answers import Change, ids_inside
from mutator.table import BY_NAME

DISCRIMINATORS = ("_type", "object_type", "queryContext")
"""What tells requests to one endpoint apart that serve different streams."""


@dataclass
class Order:
    """One mutation to be done; `occurrence` counts the different requests from 0."""

    number: int
    endpoint: str
    occurrence: int
    mutation: str
    seed: int
    lasting: bool
    identity: str = ""
    times: int = 0
    target: str = ""
    change: Change | None = field(default=None, repr=False)

    def report(self) -> dict[str, Any]:
        """What was done, for the judge."""
        assert self.change is not None
        response = self.change.response
        return {
            "number": self.number,
            "endpoint": self.endpoint,
            "target": self.target,
            "mutation": self.mutation,
            "lasting": self.lasting,
            "times": self.times,
            "may_lose": self.change.may_lose,
            "withheld": sorted({name for row in self.change.withheld for name in ids_inside(row)}),
            "shows": self.change.shows,
            "note": self.change.note[:200],
            "rows": [row.report() for row in self.change.rows],
            "status": response.status,
            "headers": [[name, value[:80]] for name, value in response.headers],
            "body": response.body[:200].decode("utf-8", "replace"),
        }


class Mutations:
    """Carries out orders. Does nothing, at no cost, where there are none."""

    def __init__(self) -> None:
        self._given: Any = None
        self._orders: list[Order] = []
        self._seen: dict[str, dict[str, int]] = {}

    def configure(self, orders: list[dict[str, Any]]) -> None:
        """Start anew, unless these very orders are being carried out; `ValueError` if they cannot be read."""
        if orders is self._given:
            return
        try:
            made = [Order(**order) for order in orders]
        except TypeError as error:
            raise ValueError(f"Cannot read mutations: {error}.") from error
        if unknown := {order.mutation for order in made} - BY_NAME.keys():
            raise ValueError(f"Unknown mutations: {sorted(unknown)}.")
        self._given, self._orders, self._seen = orders, made, {}

    def change(self, request: Request, right: Response) -> Response:
        """The answer as it leaves."""
        if not self._orders or not right.group or right.chunks is not None:
            return right
        endpoint = endpoint_of(request, right.group)
        identity = request.identity
        occurrence = self._seen.setdefault(endpoint, {}).setdefault(identity, len(self._seen[endpoint]))
        if right.status != 200:
            return right
        for order in self._orders:
            if order.endpoint == endpoint and self._is_due(order, identity, occurrence):
                change = BY_NAME[order.mutation].apply(right, Random(order.seed))
                if change is not None:
                    return self._done(order, request, identity, right, change)
        return right

    def report(self) -> dict[str, Any]:
        """The orders that were carried out, and how many different requests each endpoint had."""
        return {
            "applied": [order.report() for order in self._orders if order.change is not None],
            "asked": {endpoint: len(seen) for endpoint, seen in self._seen.items()},
        }

    def _is_due(self, order: Order, identity: str, occurrence: int) -> bool:
        if order.identity:
            return order.lasting and order.identity == identity
        return occurrence >= order.occurrence

    def _done(self, order: Order, request: Request, identity: str, right: Response, change: Change) -> Response:
        order.identity = identity
        order.times += 1
        order.change = change
        order.target = f"{request.method} {request.path}" + (f"?{request.query}" if request.query else "")
        sent = change.response
        sent.group, sent.bucket, sent.spent_for = right.group, right.bucket, right.spent_for
        sent.delay = right.delay
        return sent


def endpoint_of(request: Request, group: str) -> str:
    """The endpoint group, with what tells the streams apart that share it."""
    words = [request.params[name] for name in DISCRIMINATORS if name in request.params]
    with suppress(BadBody):
        words += sorted(set(_words(request.json_object())))
    return " ".join([group, *words])


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        named = [str(part) for name, part in value.items() if name in DISCRIMINATORS]
        return named + [word for part in value.values() for word in _words(part)]
    return [word for part in value for word in _words(part)] if isinstance(value, list) else []
