"""What all emulators do with a request: count it, limit it, authorise it, answer it, break the answer."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast, get_args
from zlib import compress

from emulators.control import Control
from emulators.drift import Drift
from emulators.faults import HTML_PAGE, RETRY_AFTER_SECONDS, Fault, Faults
from emulators.messages import HTML, Request, Response, error_response
from emulators.mutations import Mutations
from emulators.oddities import Form, Oddities
from emulators.oddities.answers import ANSWERS, check_answers
from emulators.options import Options
from emulators.rate_limits import HEADER_FORMS, Budget, RateLimits, Style
from emulators.router import Match, Route, Router
from emulators.stats import Statistics

NOT_FOUND_GROUP = "not found"
COMPRESS_FROM_BYTES = 500


class VendorApp:
    """The base of every emulator. A vendor's class says what it serves, to whom, and what a complete read gives."""

    api_prefix = ""
    """Where the API begins, without a slash at the end; statistics and rate limits name endpoints relative to it."""
    identity_group = ""
    """The endpoint that says whose the credentials are."""

    def __init__(
        self, options: Options, extra_faults: dict[str, Fault] | None = None, form: Form | None = None
    ) -> None:
        self.options = options
        self.statistics = Statistics()
        self.limits = RateLimits()
        self.faults = Faults(options.seed, extra_faults)
        self.oddities = Oddities(options.seed, form or Form())
        self.drift = Drift(self.touch)
        self.mutations = Mutations()
        self.random = random.Random(options.seed)
        self._router = Router()
        self._control = Control(self)
        for route in self.routes():
            self._router.add(route)
        self.configure()

    # What a vendor defines.

    def routes(self) -> Iterable[Route]:
        """The endpoints; templates are whole paths."""
        raise NotImplementedError

    def authorise(self, request: Request) -> Response | None:
        """The refusal, or None for a request with good credentials."""
        raise NotImplementedError

    def not_found(self, request: Request) -> Response:
        """For a path that does not exist, or not with that method."""
        if self._router.knows(request.path):
            return error_response(405, "The method is not allowed for the requested URL.")
        return error_response(404, "Not found.")

    def too_many(self, budget: Budget) -> Response:
        """The body of a 429; its headers are added elsewhere."""
        return Response(429, b"{}")

    def buckets(self, group: str) -> tuple[str, ...]:
        """The budgets that a request of an endpoint group draws on: its own, where the vendor says nothing else."""
        return (group,)

    def refused(self, status: int) -> Response:
        """For endpoints that option `refuse` closes."""
        return error_response(status, "You do not have permission to do this.")

    def truth(self, stream: str, *, all_fields: bool = False) -> Iterator[bytes] | None:
        """Each record, as JSON, that a complete read of `stream` emits; None for an unknown stream.

        `all_fields`: with the fields that the API gives only when they are named.
        """
        raise NotImplementedError

    def truth_counts(self) -> dict[str, int]:
        """The number of records per stream."""
        raise NotImplementedError

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """Change records of `stream` now; the ids of those changed. `KeyError` for an unknown stream."""
        raise NotImplementedError

    def touch_earlier(self, stream: str, update: int, create: int, delete: int, ago_ms: int) -> dict[str, list[str]]:
        """The same as if it had happened so long ago, for emulators whose search index may be late."""
        raise ValueError("Here records change now only.")

    def ready(self, origin: str) -> dict[str, Any]:
        """What the ready line says beside url and pid: `api_url`, `config` and variants of it."""
        raise NotImplementedError

    def stamp(self, response: Response) -> None:
        """Headers that every answer of the API has."""

    def is_too_heavy(self, request: Request) -> bool:
        """Whether a list is asked for a larger page than option `heavy_above` bears."""
        limit = self.options.heavy_above
        return bool(limit) and self.oddities.form.size(request) > limit

    def extra_statistics(self) -> dict[str, Any]:
        """Added to the statistics."""
        return {}

    # The same for all.

    def configure(self) -> None:
        """Take over the options, at the start and after each change; `ValueError` if they make no sense."""
        options = self.options
        if options.rate_headers not in HEADER_FORMS:
            raise ValueError(f"Unknown header form {options.rate_headers!r}. Known: {', '.join(HEADER_FORMS)}.")
        if options.rate_style not in get_args(Style):
            raise ValueError(f"Option rate_style is one of {', '.join(get_args(Style))}.")
        self.faults.configure(options.faults, options.fault_slow_seconds, options.fault_maximum_in_a_row)
        self.drift.configure(options.drift)
        self.oddities.configure(options.odd)
        check_answers(options.odd_answers)
        self.mutations.configure(options.mutations)
        style = cast("Style", options.rate_style)
        self.limits.configure(options.rate_limit, options.rate_window, style, options.rate_limits)

    def answer(self, request: Request) -> Response:
        """What the server sends: the answer, changed where option `mutations` says so."""
        return self.mutations.change(request, self.handle(request))

    def handle(self, request: Request) -> Response:
        """The right answer to any request."""
        if request.path.startswith(Control.PREFIX):
            return self._control.handle(request)
        match = self._router.find(request.method, request.path)
        group = self._group(match)
        self.statistics.arrived(group, request.method, request.path.removeprefix(self.api_prefix))
        if match.route.writes if match else request.method not in ("GET", "HEAD"):
            self.statistics.writes += 1
        response = self._respond(request, match, group)
        response.group = group
        response.delay += self._latency()
        self.stamp(response)
        self.oddities.head(response)
        self.drift.after_request()
        return response

    def sent(self, request: Request, response: Response) -> None:
        """Called when an answer has left."""
        if not response.group:
            return
        if response.spent_for > 0:
            self.limits.told(response.bucket, time.monotonic(), response.spent_for)
        self.statistics.left(response.status, len(response.body))
        if self.options.keep_log:
            self._log(request, response)

    def statistics_report(self) -> dict[str, Any]:
        """Everything counted."""
        violations = [
            {"group": entry.group, "at": entry.at, "seconds_early": entry.seconds_early}
            for entry in self.limits.violations
        ]
        report: dict[str, Any] = {"violations": violations, "faults": self.faults.counts, "tokens_minted": 0}
        report |= {"mutations": self.mutations.report(), "odd": dict(self.oddities.counts)}
        report |= {"nameless": self.oddities.nameless}
        return self.statistics.report() | report | self.extra_statistics()

    def reset_statistics(self) -> None:
        """Forget everything counted, apart from requests that are being answered."""
        in_flight = self.statistics.in_flight
        self.statistics = Statistics(in_flight=in_flight)
        self.limits.violations.clear()
        self.faults.counts.clear()
        self.oddities.counts.clear()
        self.oddities.nameless.clear()

    def _log(self, request: Request, response: Response) -> None:
        """Keep a request; bodies of the token endpoint hold secrets and stay out."""
        match = self._router.find(request.method, request.path)
        public = match is not None and match.route.public
        self.statistics.log.append({
            "at": time.time(),
            "seconds": round(time.monotonic() - request.received, 4),
            "method": request.method,
            "target": request.path + ("?" + request.query if request.query else ""),
            "body": "" if public else request.body.decode("utf-8", "replace"),
            "status": response.status,
        })  # fmt: skip

    def _group(self, match: Match | None) -> str:
        if match is None:
            return NOT_FOUND_GROUP
        return f"{match.route.method} {match.route.template.removeprefix(self.api_prefix)}"

    def _respond(self, request: Request, match: Match | None, group: str) -> Response:
        if match is None:
            return self.not_found(request)
        if match.route.public:
            return match.route.endpoint(request, match.values)
        bucket, budget = self._tightest(group, request.received)
        if budget.refused:
            return self._with_budget(self._refusal(budget), bucket, budget)
        response = self.authorise(request) or self._closed(group) or self._served(request, match, group)
        return self._with_budget(self._carried(request, match, response), bucket, budget)

    def _served(self, request: Request, match: Match, group: str) -> Response:
        """The answer of an endpoint, with the oddities that were asked for."""
        kind = self.options.odd_answers.get(group)
        odd = ANSWERS[kind](request) if kind else None
        if odd is not None:
            self.oddities.counts[kind or ""] += 1
            return odd
        if group == self.identity_group and self.options.identity_body:
            self.oddities.counts["identity"] += 1
            return Response(body=self.options.identity_body.encode())
        if not (match.route.lists or match.route.searches):
            return match.route.endpoint(request, match.values)
        if self.is_too_heavy(request):
            self.oddities.counts["heavy"] += 1
            return Response(self.options.heavy_status, HTML_PAGE, HTML)
        return self.oddities.serve(request, lambda asked: match.route.endpoint(asked, match.values))

    def _carried(self, request: Request, match: Match, response: Response) -> Response:
        """What the network makes of an answer: it fails, or is compressed."""
        gzip = self.options.gzip and "gzip" in request.headers.get("accept-encoding", "")
        if response.status == 200:
            fault = self.faults.choose(request, lists=match.route.lists, gzip=gzip)
            if fault is not None:
                response = self.faults.apply(fault, response)
        if gzip and response.chunks is None and len(response.body) > COMPRESS_FROM_BYTES:
            _compress(response)
        return response

    def _closed(self, group: str) -> Response | None:
        status = self.options.refuse.get(group)
        return self.refused(status) if status else None

    def _refusal(self, budget: Budget) -> Response:
        response = self.too_many(budget)
        if self.options.retry_after:
            response.headers.append(("Retry-After", str(max(1, math.ceil(budget.reset)))))
        return response

    def _tightest(self, group: str, now: float) -> tuple[str, Budget]:
        """Count a request in all its buckets; the one that refuses it, or has least left."""
        budgets = [(bucket, self.limits.take(bucket, now)) for bucket in self.buckets(group)]
        return min(budgets, key=lambda entry: (not entry[1].refused, entry[1].remaining))

    def _with_budget(self, response: Response, bucket: str, budget: Budget) -> Response:
        if response.reset:
            return response
        response.bucket = bucket
        headers = HEADER_FORMS[self.options.rate_headers](budget)
        response.headers.extend(headers)
        if response.status == 429 and not budget.refused:
            response.spent_for = RETRY_AFTER_SECONDS
        elif (headers and budget.remaining == 0) or (budget.refused and self.options.retry_after):
            response.spent_for = budget.reset
        return response

    def _latency(self) -> float:
        jitter = self.options.latency_jitter_ms
        spread = self.random.uniform(-jitter, jitter) if jitter else 0.0
        return max(0.0, self.options.latency_ms + spread) / 1000


def _compress(response: Response) -> None:
    if any(name == "Content-Encoding" for name, _ in response.headers):
        return
    response.body = compress(response.body, 1, wbits=31)
    response.headers.append(("Content-Encoding", "gzip"))
    response.headers.append(("Vary", "Accept-Encoding"))


AppFactory = Callable[[Options], VendorApp]
