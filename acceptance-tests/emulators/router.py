"""Paths with parameters (`/lead/{id}/`), looked up by number of segments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulators.messages import Request, Response

Endpoint = Callable[[Request, dict[str, str]], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `template` names it in statistics and rate limits together with the method."""

    method: str
    template: str
    endpoint: Endpoint
    public: bool = False
    """No authentication, no rate limit, no faults (the token endpoint)."""
    writes: bool = False
    lists: bool = False
    """Answers a page of a collection."""
    searches: bool = False
    """The same by POST, where it is no list to the faults."""

    @property
    def group(self) -> str:
        """The name of the endpoint in statistics, and of its rate limit bucket."""
        return f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True)
class Match:
    """A route with the values of its path parameters."""

    route: Route
    values: dict[str, str]


class Router:
    """Finds the route of a request."""

    def __init__(self) -> None:
        self._static: dict[str, dict[str, Route]] = {}
        self._dynamic: dict[int, list[tuple[list[str], Route]]] = {}

    def add(self, route: Route) -> None:
        """Serve `route`; of two routes that fit, the one without parameters wins, then the one added first."""
        if "{" not in route.template:
            self._static.setdefault(route.template, {})[route.method] = route
            return
        segments = route.template.split("/")
        self._dynamic.setdefault(len(segments), []).append((segments, route))

    def find(self, method: str, path: str) -> Match | None:
        """The route for `method` and `path`."""
        by_method = self._static.get(path)
        if by_method is not None:
            route = by_method.get(method)
            return Match(route, {}) if route else None
        for route, values in self._candidates(path):
            if route.method == method:
                return Match(route, values)
        return None

    def knows(self, path: str) -> bool:
        """Whether any method is served on `path`."""
        return path in self._static or bool(self._candidates(path))

    def _candidates(self, path: str) -> list[tuple[Route, dict[str, str]]]:
        parts = path.split("/")
        found = []
        for segments, route in self._dynamic.get(len(parts), ()):
            values = _match(segments, parts)
            if values is not None:
                found.append((route, values))
        return found


def _match(segments: list[str], parts: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{"):
            if not part:
                return None
            values[segment[1:-1]] = part
        elif segment != part:
            return None
    return values
