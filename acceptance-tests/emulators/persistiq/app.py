"""The PersistIQ API: authentication, endpoints, envelopes, and what it answers to mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

import orjson

from emulators.app import VendorApp
from emulators.faults import FaultSettings
from emulators.messages import HTML, Request, Response, json_response
from emulators.moments import ISO, date, parse_us
from emulators.persistiq.data import PACIFIC_MS, Company, Record, member_id
from emulators.persistiq.odd import PersistiqForm
from emulators.persistiq.settings import LEAD_ORDERS, NEXT_PAGES, PersistiqOptions
from emulators.rate_limits import HEADER_FORMS, Budget, Header, RateLimits
from emulators.records import FOREVER, NUMBER_MASK, View
from emulators.router import Route

API = "/v1"
API_KEY = "pk_3mUlAt0rKey000000000000000000"
PAGE_SIZE, EVENT_PAGE_SIZE = 100, 500
PARAMETERS = {
    "leads": {"page", "status", "status_id", "updated_after", "created_after", "email"},
    "events": {"page", "group", "campaign", "lead", "user", "start_at", "end_at"},
    "campaigns": {"page", "name", "owner_id", "lead_id"},
    "replies": {"page", "lead_id", "start_at", "end_at"},
    "lead_statuses": {"page"}, "lead_fields": {"page"},
}  # fmt: skip
EVERY_KEY = "every key"


def no_reset(budget: Budget) -> list[Header]:
    """As probed: the limit and what remains, but not until when."""
    return [("x-ratelimit-limit", str(budget.limit)), ("x-ratelimit-remaining", str(budget.remaining))]


def refused_epoch(budget: Budget) -> list[Header]:
    """As documented, but with the 429 only."""
    return HEADER_FORMS["epoch"](budget) if budget.refused else []


HEADER_FORMS.update({"no_reset": no_reset, "epoch_429": refused_epoch})


class KeyLimits(RateLimits):
    """One budget for a company's key, whatever it asks for."""

    def take(self, group: str, now: float) -> Budget:
        return super().take(EVERY_KEY, now)

    def told(self, group: str, now: float, seconds: float) -> None:
        super().told(EVERY_KEY, now, seconds)


class Refused(Exception):
    """A request that is answered with this."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def failure(status: int, reason: str, message: str) -> Response:
    """The documented error envelope."""
    return json_response({"status": "error", "error": {"reason": reason, "message": message}}, status)


def _error_in_200(right: Response, settings: FaultSettings) -> Response:
    return json_response({"status": "error", "errors": ["Something went wrong"], "has_more": False, "next_page": None})


def _without_list(right: Response, settings: FaultSettings) -> Response:
    envelope = orjson.loads(right.body)
    rest = {key: value for key, value in envelope.items() if not isinstance(value, list)}
    return replace(right, body=orjson.dumps(rest | {"errors": []}))


class PersistiqApp(VendorApp):
    """One company behind `/v1/`."""

    api_prefix = API
    identity_group = "GET /users"
    options: PersistiqOptions

    def __init__(self, options: PersistiqOptions) -> None:
        self.company = Company(options)
        super().__init__(options, {"error_in_200": _error_in_200, "no_list": _without_list}, PersistiqForm())
        self.limits = KeyLimits()
        self.configure()

    def configure(self) -> None:
        """Take over the options."""
        options = self.options
        choices = (("lead_order", LEAD_ORDERS), ("next_page", NEXT_PAGES), ("event_shape", ("doc", "oas")))
        for name, known in choices:
            if getattr(options, name) not in known:
                raise ValueError(f"Option {name} is one of {', '.join(known)}.")
        super().configure()

    def routes(self) -> list[Route]:
        """Every path that answers."""
        routes = [Route("GET", f"{API}/{name}", self._small(name), lists=True) for name in self.company.small]
        lists = {
            "leads": self._leads, "events": self._events, "campaigns/{id}/leads": self._campaign_leads,
            "campaigns/{id}/replies": self._replies,
        }  # fmt: skip
        routes += [
            Route("GET", f"{API}/{path}", self._safely(endpoint), lists=True) for path, endpoint in lists.items()
        ]
        return [
            *routes,
            Route("GET", f"{API}/webhook_plugin", lambda request, given: json_response(self.company.hooks())),
        ]

    def stamp(self, response: Response) -> None:
        """Every answer has a request id, and the time."""
        response.headers.append(("x-request-id", f"00000000-0000-4000-8000-{self.statistics.requests:012d}"))
        if self.options.date_header:
            response.headers.append(("Date", formatdate(self.company.now() / 1000, usegmt=True)))

    def authorise(self, request: Request) -> Response | None:
        """The refusal echoes what was sent."""
        given = request.headers.get("x-api-key", "")
        if given == API_KEY:
            return None
        text = f"Failed to find api key: {given}.  Did you set header 'x-api-key' with your API key?"
        return failure(401, "unauthorized", text)

    def not_found(self, request: Request) -> Response:
        """An unknown route gives a page for people."""
        return Response(404, b"<html><body><h1>The page you were looking for doesn't exist.</h1></body></html>", HTML)

    def refused(self, status: int) -> Response:
        return failure(status, "forbidden", "You are not allowed to do this.")

    def too_many(self, budget: Budget) -> Response:
        """No status key, the epoch inside the text."""
        text = f"You performed more than {budget.limit} requests per minute."
        if self.options.rate_epoch:
            text += f" Limit will be reseted at {int(self.company.now() / 1000 + budget.reset) + 1}."
        return json_response({"error": {"reason": "too_many_requests", "message": text}}, 429)

    # Lists.

    def _safely(self, endpoint: Callable[[Request, dict[str, str]], Response]) -> Callable[..., Response]:
        def answer(request: Request, given: dict[str, str]) -> Response:
            try:
                return endpoint(request, given)
            except Refused as refused:
                return refused.response

        return answer

    def _small(self, name: str) -> Callable[..., Response]:
        def answer(request: Request, given: dict[str, str]) -> Response:
            records = self.company.small[name]
            number = self._page(request, name)
            part = records[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
            is_bare = name in self.options.bare_lists and len(records) <= PAGE_SIZE
            return self._envelope(
                request, name, [orjson.dumps(record) for record in part], len(records), is_bare=is_bare
            )

        return self._safely(answer)

    def _leads(self, request: Request, given: dict[str, str]) -> Response:
        number = self._page(request, "leads")
        leads, order = self.company.leads, self.options.lead_order
        after, _ = self._times(request, "updated_after", "")
        created, _ = self._times(request, "created_after", "")
        view = leads.view()
        numbers = view.cached(("leads", order, after, created), lambda: self._chosen(view, after, created))
        part = numbers[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return self._envelope(request, "leads", leads.render_all(part, leads.shapes.projection(None)), len(numbers))

    def _chosen(self, view: View, after: int, created: int) -> list[int]:
        """The leads that the filters leave, in order; both bounds are exclusive."""
        leads, order = self.company.leads, self.options.lead_order
        start, stop = view.span("date_updated", after + 1, FOREVER)
        numbers = [key & NUMBER_MASK for key in view.by_updated[start:stop]]
        if created >= 0:
            numbers = [number for number in numbers if leads.created[number] > created]
        if order.startswith("created"):
            numbers.sort(key=lambda number: (leads.created[number], number))
        elif order == "id":
            numbers.sort(key=leads.ids.id)
        return numbers[::-1] if order.endswith("desc") else numbers

    def _events(self, request: Request, given: dict[str, str]) -> Response:
        number = self._page(request, "events")
        events = self.company.events
        low, high = self._times(request, "start_at", "end_at")
        view = events.view()
        numbers = view.cached(("events", self.options.event_order, low, high), lambda: self._happened(view, low, high))
        part = numbers[(number - 1) * EVENT_PAGE_SIZE : number * EVENT_PAGE_SIZE]
        return self._envelope(request, "events", self._event_texts(part), len(numbers), EVENT_PAGE_SIZE)

    def _happened(self, view: View, low: int, high: int) -> list[int]:
        start, stop = view.span("date_created", low + 1, high)
        numbers = [key & NUMBER_MASK for key in view.by_created[start:stop]]
        if self.options.event_order == "mixed":
            numbers.sort(key=self.company.events.ids.id)
        return numbers[::-1] if self.options.event_order == "desc" else numbers

    def _event_texts(self, numbers: Sequence[int]) -> list[bytes]:
        events = self.company.events
        projection = events.shapes.projection(None)
        shift = 0 if self.options.event_shape == "doc" else events.pattern
        compiled = projection.compiled
        texts = []
        for number in numbers:
            text, pick = compiled[shift + number % events.pattern]
            texts.append(text % pick(events._values(number, events.created[number], events.updated[number], 0)))
        return texts

    def _campaign_leads(self, request: Request, given: dict[str, str]) -> Response:
        campaign = self._campaign(given["id"])
        number = self._page(request, "campaign_leads")
        members = self._members(campaign)
        part = members[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        texts = [self._member(campaign, lead) for lead in part]
        return self._envelope(request, "campaign_leads", texts, len(members))

    def _members(self, campaign: str) -> list[int]:
        return [number for number in self.company.campaign_leads[campaign] if self.company.leads.alive(number)]

    def _member(self, campaign: str, number: int, *, derived: bool = False) -> bytes:
        leads = self.company.leads
        lead = leads.render(number, leads.shapes.projection(None))
        head = {
            "id": member_id(campaign, number),
            "campaign_id": campaign,
            "mailbox_id": "mbox_1a" if number % 3 else None,
        }
        if derived:
            head["lead_id"] = leads.ids.id(number).decode()
        return orjson.dumps(head)[:-1] + b',"lead":' + lead + b"}"

    def _replies(self, request: Request, given: dict[str, str]) -> Response:
        """Both bounds are inclusive here."""
        campaign = self._campaign(given["id"])
        number = self._page(request, "replies")
        low, high = self._times(request, "start_at", "end_at")
        found = [reply for reply in self.company.replies[campaign] if low <= reply["_ms"] <= high][::-1]
        part = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return self._envelope(request, "replies", [_shown(reply) for reply in part], len(found))

    def _campaign(self, identifier: str) -> str:
        known = [campaign["id"] for campaign in self.company.campaigns]
        gone = known[: self.options.gone_campaigns]
        if identifier not in known or identifier in gone:
            raise Refused(failure(404, "invalid_request", "Campaign not found"))
        return identifier

    # Parameters and the envelope.

    def _page(self, request: Request, name: str) -> int:
        """The page asked for; unknown parameters are refused so that nobody relies on them."""
        unknown = request.params.keys() - PARAMETERS.get(name, {"page"})
        if unknown and self.options.strict_parameters:
            raise Refused(failure(400, "bad_params", f"Unknown parameters: {', '.join(sorted(unknown))}"))
        text = request.params.get("page", "1")
        if not text.isdigit() or int(text) < 1:
            raise Refused(failure(400, "bad_params", "page is invalid"))
        return 1 if self.options.ignore_page else int(text)

    def _times(self, request: Request, low: str, high: str) -> tuple[int, int]:
        """Two times of the query in milliseconds; without a zone they are Pacific."""
        found = []
        for name, absent in ((low, -1), (high, FOREVER)):
            is_ignored = self.options.ignore_filters or name in self.options.ignored_filters
            text = "" if is_ignored else request.params.get(name, "")
            match = ISO.fullmatch(text)
            if text and match is None:
                if self.options.bad_dates != "ignore":
                    raise Refused(failure(int(self.options.bad_dates), "bad_params", f"{name} is invalid"))
                text = ""
            shift = 0 if match is not None and match[8] else PACIFIC_MS
            moment = min(FOREVER, parse_us(text) // 1000 + shift) if text else absent
            if text and moment > self.company.now() and self.options.future_dates != "accept":
                raise Refused(failure(int(self.options.future_dates), "bad_params", f"{name} is in the future"))
            found.append(moment)
        return found[0], found[1]

    def _envelope(
        self,
        request: Request,
        key: str,
        records: Sequence[bytes],
        total: int,
        size: int = PAGE_SIZE,
        *,
        is_bare: bool = False,
    ) -> Response:
        options = self.options
        number = 1 if options.ignore_page else int(request.params.get("page", "1"))
        has_more = options.ignore_page or number * size < total
        if number > 1 and not records and options.beyond_end != "empty":
            raise Refused(failure(int(options.beyond_end), "invalid_request", "page is out of range"))
        head: Record = {"status": "success", "errors": []}
        if not is_bare:
            if options.has_more:
                head["has_more"] = has_more
            if options.next_page != "absent":
                head["next_page"] = self._next_page(request, number, has_more)
        return Response(body=orjson.dumps(head)[:-1] + b',"%b":[' % key.encode() + b",".join(records) + b"]}")

    def _next_page(self, request: Request, number: int, has_more: bool) -> Any:
        """What stands in `next_page`: in the order of Rails, `page` comes before `updated_after`."""
        style = self.options.next_page
        if not has_more and style != "always":
            return None
        following = number if style == "same" else number + 1
        filters = {} if style == "page_only" else {k: v for k, v in request.params.items() if k != "page"}
        query = urlencode(sorted({"page": str(following), **filters}.items()))
        host = f"http://{request.headers.get('host', '')}"
        forms = {"number": following, "digits": str(following), "null": None, "relative": f"{request.path}?{query}"}
        origin = self.options.foreign_url if style == "foreign" else host
        return forms.get(style, f"{origin}{request.path}?{query}")

    # The truth.

    def truth(self, stream: str, *, all_fields: bool = False) -> Iterator[bytes] | None:
        """What a complete read emits. Leads carry the true time of their last change as `updated_at`."""
        company = self.company
        if stream == "webhook_plugin":
            hooks = {name: None if name.endswith("_url") else value for name, value in company.hooks().items()}
            return iter([orjson.dumps(hooks)])
        if stream == "leads":
            return map(
                _with_time, company.leads.render_all(company.leads.numbers(), company.leads.shapes.projection(None))
            )
        if stream == "events":
            texts = iter(self._event_texts(list(company.events.numbers())))
            return texts if self.options.event_shape == "doc" else map(_with_event_at, texts)
        if stream == "mailboxes":
            boxes = (box | {"user_id": user["id"]} for user in company.users for box in user.get("mailboxes", ()))
            return map(orjson.dumps, boxes)
        listed = [c["id"] for c in company.campaigns][self.options.gone_campaigns :]
        if stream == "campaign_leads":
            return (self._member(c, number, derived=True) for c in listed for number in self._members(c))
        if stream == "campaign_replies":
            return (_shown(reply) for c in listed for reply in company.replies[c])
        return map(orjson.dumps, company.small[stream]) if stream in company.small else None

    def truth_counts(self) -> dict[str, int]:
        """Records per stream."""
        names = (
            *self.company.small,
            "leads",
            "events",
            "mailboxes",
            "campaign_leads",
            "campaign_replies",
            "webhook_plugin",
        )
        return {name: sum(1 for _ in self.truth(name) or ()) for name in names}

    def extra_statistics(self) -> dict[str, Any]:
        """How the windows of the budget were used."""
        return self.limits.report()

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """See `Company.touch`."""
        return self.company.touch(stream, update, create, delete)

    def ready(self, origin: str) -> dict[str, Any]:
        """A config with the key."""
        start = date(self.company.first - 86_400_000).decode()
        config = {"api_key": API_KEY, "start_date": start, "api_url": f"{origin}{API}/"}
        return {"api_url": config["api_url"], "config": config}


def _shown(reply: Record) -> bytes:
    return orjson.dumps({key: value for key, value in reply.items() if key != "_ms"})


def _with_time(text: bytes) -> bytes:
    record = orjson.loads(text)
    return orjson.dumps(record | {"updated_at": record["data"]["Revised At"]})


def _with_event_at(text: bytes) -> bytes:
    record = orjson.loads(text)
    return orjson.dumps(record | {"event_at": record["created_at"]})
