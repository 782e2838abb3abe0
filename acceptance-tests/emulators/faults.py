"""Failures put between the client and an answer, deterministic by seed and bounded, so that a client that retries wins.

Kinds: see `KINDS`. Option `faults` maps a kind to its probability; `all` sets every kind at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import compress, crc32

from emulators.messages import HTML, Request, Response, json_response

RETRY_AFTER_SECONDS = 1
HTML_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"

Fault = Callable[[Response, "FaultSettings"], Response]
"""Turns the right answer into a broken one."""


@dataclass(slots=True)
class FaultSettings:
    """How the faults behave."""

    slow_seconds: float = 0.3
    maximum_in_a_row: int = 2


def _internal_error(right: Response, settings: FaultSettings) -> Response:
    return json_response({"error": "Internal server error"}, 500)


def _bad_gateway(right: Response, settings: FaultSettings) -> Response:
    return Response(502, HTML_PAGE, HTML)


def _unavailable(right: Response, settings: FaultSettings) -> Response:
    return Response(503, HTML_PAGE, HTML)


def _unavailable_for(right: Response, settings: FaultSettings) -> Response:
    return Response(503, HTML_PAGE, HTML, [("Retry-After", str(RETRY_AFTER_SECONDS))])


def _too_many(right: Response, settings: FaultSettings) -> Response:
    return Response(429, b"{}", headers=[("Retry-After", str(RETRY_AFTER_SECONDS))])


def _reset(right: Response, settings: FaultSettings) -> Response:
    return Response(0, reset=True)


def _truncated(right: Response, settings: FaultSettings) -> Response:
    return replace(right, truncate=True)


def _cut_gzip(right: Response, settings: FaultSettings) -> Response:
    """A gzip stream that ends too early inside a complete HTTP message."""
    packed = compress(right.body, 1, wbits=31)
    return replace(right, body=packed[: len(packed) // 2], headers=[*right.headers, ("Content-Encoding", "gzip")])


def _slow(right: Response, settings: FaultSettings) -> Response:
    return replace(right, slow=settings.slow_seconds)


def _empty(right: Response, settings: FaultSettings) -> Response:
    return replace(right, body=b"")


def _html(right: Response, settings: FaultSettings) -> Response:
    return replace(right, body=HTML_PAGE, content_type=HTML)


def _garbage(right: Response, settings: FaultSettings) -> Response:
    """The right answer with its second half missing: JSON that does not end."""
    return replace(right, body=right.body[: max(1, len(right.body) // 2)])


KINDS: dict[str, Fault] = {
    "500": _internal_error,
    "502": _bad_gateway,
    "503": _unavailable,
    "503_retry_after": _unavailable_for,
    "429": _too_many,
    "reset": _reset,
    "truncated": _truncated,
    "gzip_cut": _cut_gzip,
    "slow": _slow,
    "empty": _empty,
    "html": _html,
    "garbage": _garbage,
}


class Faults:
    """Decides which request fails and how.

    The choice depends on the seed, the request and how often it has been tried, not on the order of requests: two runs
    that ask the same questions see the same failures, whatever their parallelism.
    """

    def __init__(self, seed: int, extra: dict[str, Fault] | None = None) -> None:
        self._seed = seed
        self._kinds = KINDS | (extra or {})
        self._only_lists = frozenset(extra or {})
        self._settings = FaultSettings()
        self._thresholds: list[tuple[float, str]] = []
        self._attempts: dict[str, int] = {}
        self._in_a_row: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def configure(self, probabilities: dict[str, float], slow_seconds: float, maximum_in_a_row: int) -> None:
        """Set the probability of each kind; `ValueError` for an unknown kind."""
        unknown = set(probabilities) - set(self._kinds) - {"all"}
        if unknown:
            raise ValueError(f"Unknown fault kinds: {sorted(unknown)}. Known: {sorted(self._kinds)}.")
        self._settings = FaultSettings(slow_seconds, maximum_in_a_row)
        everything = dict.fromkeys(self._kinds, probabilities["all"]) if "all" in probabilities else {}
        total = 0.0
        self._thresholds = []
        for kind, probability in (everything | probabilities).items():
            if kind != "all" and probability > 0:
                total += probability
                self._thresholds.append((total, kind))

    def choose(self, request: Request, *, lists: bool, gzip: bool) -> str | None:
        """The kind of failure for this attempt at `request`. Kinds that do not fit the endpoint never come."""
        if not self._thresholds:
            return None
        identity = request.identity
        attempt = self._attempts[identity] = self._attempts.get(identity, 0) + 1
        chance = crc32(f"{self._seed} {attempt} {identity}".encode()) / 2**32
        kind = next((kind for threshold, kind in self._thresholds if chance < threshold), None)
        fits = kind is not None and (lists or kind not in self._only_lists) and (gzip or kind != "gzip_cut")
        if not fits or kind is None or self._in_a_row.get(identity, 0) >= self._settings.maximum_in_a_row:
            self._in_a_row.pop(identity, None)
            return None
        self._in_a_row[identity] = self._in_a_row.get(identity, 0) + 1
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return kind

    def apply(self, kind: str, right: Response) -> Response:
        """`right`, broken in that way."""
        return self._kinds[kind](right, self._settings)
