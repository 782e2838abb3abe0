"""The Kustomer API: authentication, endpoints, two budgets, and what it answers to mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote

from emulators.app import VendorApp
from emulators.kustomer import children, shapes
from emulators.kustomer.account import Account
from emulators.kustomer.filters import FilteredLists
from emulators.kustomer.kept import Records
from emulators.kustomer.limits import ORGANISATION, SEARCH, KustomerLimits, headers
from emulators.kustomer.lists import Lists
from emulators.kustomer.odd import KustomerForm
from emulators.kustomer.search import SearchEndpoint
from emulators.kustomer.settings import KustomerOptions
from emulators.kustomer.small import Klasses, SmallList
from emulators.messages import Request, Response, json_response
from emulators.moments import DAY_MS
from emulators.rate_limits import Budget
from emulators.router import Endpoint, Match, Route

API = "/v1"
API_KEY = "eyJhbGciOiJIUzI1NiJ9.a3VzdG9tZXI.emulated-key-0123456789"
SEARCHES = ("/customers/search", "/customers/archive/search")
CREATING = ("/customers", "/conversations", "/messages", "/notes", "/companies", "/users", "/tags", "/teams")
LARGEST = {"users": 500, "teams": 500}
LARGEST_TIMES = 1000
CHOICES = {
    "merge_log": ("delete", "source", "target"),
    "ids_only": ("honoured", "ignored", "refused"),
    "unknown_filters": ("ignored", "refused"),
}
"""What options that name a behaviour may be."""


class KustomerApp(VendorApp):
    """One organisation behind `/v1/`."""

    api_prefix = API
    identity_group = "GET /users/current"
    options: KustomerOptions

    def __init__(self, options: KustomerOptions) -> None:
        self.account = Account(options)
        self._lists = Lists(options, self._error)
        self._filtered = FilteredLists(self.account)
        self._search = SearchEndpoint(options, self.account, self._error)
        super().__init__(options, form=KustomerForm())
        self.limits: KustomerLimits = KustomerLimits()
        self.configure()

    def routes(self) -> list[Route]:
        """Every path that answers."""
        account = self.account
        get: dict[str, Endpoint] = {
            "/users/current": lambda request, values: json_response({"data": account.small["users"].records[0]}),
            "/metadata/{resource}": self._metadata,
            "/satisfaction-responses/{id}": self._response,
            "/kedge/{id}/parent": self._parent_edge,
        }
        lists: dict[str, Endpoint] = {
            "/users": self._users,
            "/slas": self._slas,
            "/klasses": self._klasses,
            "/audit-logs": lambda request, values: self._lists.audit_logs(request, account.audit),
            "/conversations/{id}/attachments": self._attachments,
            "/conversations/{id}/events": self._children("conversations", children.events),
            "/conversations/{id}/notes": self._notes,
            "/conversations/{id}/times": self._times,
            "/routing/conversations/{id}/work-items": self._children("conversations", children.work_items),
            "/customers/{id}/merges": self._children("customers", children.merges),
            "/kedge": self._all_edges,
            "/kedge/{id}/children": self._edges(account.hierarchy.children),
            "/kedge/{id}/tree": self._edges(account.hierarchy.below),
            "/kedge/{id}/breadcrumbs": self._edges(account.hierarchy.above),
        }
        for name, collection in account.collections.items():
            if name not in ("kobjects", "conversation_times"):
                lists[f"/{name}"] = self._collection(collection)
        for name, small in account.small.items():
            if small.path and small.path not in lists and name != "custom_attributes":
                lists[small.path] = self._small(small, LARGEST.get(name, 100))
        routes = [Route("GET", API + path, endpoint, lists=True) for path, endpoint in lists.items()]
        routes += [Route("GET", API + path, endpoint) for path, endpoint in get.items()]
        routes.append(Route("POST", API + SEARCHES[0], self._search.standard, lists=True))
        routes.append(Route("POST", API + SEARCHES[1], self._search.archive, lists=True))
        routes += [Route("POST", API + path, self._created, writes=True) for path in CREATING]
        return routes

    def configure(self) -> None:
        """Take over the options."""
        super().configure()
        options = self.options
        for name, known in CHOICES.items():
            if getattr(options, name) not in known:
                raise ValueError(f"Option {name} is one of {', '.join(known)}.")
        for collection in self.account.collections.values():
            collection.set_lag(
                int(options.index_lag_seconds * 1000), int(options.late_seconds * 1000), options.late_share
            )

    def authorise(self, request: Request) -> Response | None:
        """A bearer key of this pod."""
        if request.headers.get("authorization", "") != f"Bearer {API_KEY}":
            return self._error(401, "unauthorized", "Unauthorized: missing or bad auth token")
        options = self.options
        if options.key_pod != options.pod:
            text = f"Auth token associated with pod {options.key_pod} but request is being handled by {options.pod}"
            return self._error(401, "unauthorized", text)
        return None

    def not_found(self, request: Request) -> Response:
        """Unknown paths and methods."""
        return self._error(404, "not_found", f"Cannot {request.method} {request.path}")

    def refused(self, status: int) -> Response:
        """A role is missing."""
        status = self.options.role_status if status == 403 else status
        return self._error(status, "forbidden" if status == 403 else "unauthorized", "Missing required role")

    def truth(self, stream: str, *, all_fields: bool = False) -> Iterator[bytes] | None:
        """See `Account.truth`; there are no fields that only come when they are named."""
        return self.account.truth(stream)

    def truth_counts(self) -> dict[str, int]:
        """See `Account.counts`."""
        return self.account.counts()

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """See `Account.touch`."""
        return self.account.touch(stream, update, create, delete)

    def touch_earlier(self, stream: str, update: int, create: int, delete: int, ago_ms: int) -> dict[str, list[str]]:
        """See `Account.touch`."""
        return self.account.touch(stream, update, create, delete, ago_ms)

    def ready(self, origin: str) -> dict[str, Any]:
        """A config with the key; without the connector's own pace, which has tests of its own."""
        api_url = f"{origin}{API}/"
        start = shapes.stamp(self.account.first - DAY_MS).decode()[:10]
        return {
            "api_url": api_url,
            "config": {
                "api_key": API_KEY,
                "start_date": start,
                "api_url": api_url,
                "search_requests_per_minute": 100_000,
            },
        }

    def extra_statistics(self) -> dict[str, Any]:
        """How the windows of both budgets were used; records that the index does not show as they are."""
        late = {name: collection.waiting() for name, collection in self.account.collections.items()}
        return self.limits.report() | {"late": late}

    # The two budgets, in place of those of the base, which are per endpoint.

    def _respond(self, request: Request, match: Match | None, group: str) -> Response:
        if match is None:
            return self.not_found(request)
        organisation = self.limits.take(ORGANISATION, request.received)
        if organisation.refused:
            return self._told(self._too_many(), organisation, ORGANISATION)
        if match.route.template.removeprefix(API) in SEARCHES:
            search = self.limits.take(SEARCH, request.received)
            if search.refused:
                return self._search_refused(organisation, search)
        response = self.authorise(request) or self._closed(group) or self._served(request, match, group)
        return self._told(self._carried(request, match, response), organisation, ORGANISATION)

    def _search_refused(self, organisation: Budget, search: Budget) -> Response:
        response = self._too_many()
        form = self.options.search_429
        if form == "org":
            shown = Budget(organisation.limit, organisation.remaining, search.reset, search.window, refused=True)
            response.headers.extend(headers(shown, self.options.limit_headers))
        elif form == "search":
            response.headers.extend(headers(search, self.options.limit_headers))
        response.bucket, response.spent_for = SEARCH, search.reset if response.headers else 0.0
        return response

    def _told(self, response: Response, budget: Budget, name: str) -> Response:
        if response.reset:
            return response
        response.headers.extend(headers(budget, self.options.limit_headers))
        if budget.remaining == 0 and self.options.limit_headers != "none":
            response.bucket, response.spent_for = name, budget.reset
        return response

    def _too_many(self) -> Response:
        return self._error(429, "too_many_requests", "Rate limit exceeded")

    def _error(self, status: int, code: str, message: str) -> Response:
        if self.options.error_form == "jsonapi":
            return json_response(
                {"errors": [{"status": str(status), "code": code, "title": code, "detail": message}]}, status
            )
        return json_response({"errors": [{"code": code, "message": message, "meta": {}}]}, status)

    # Endpoints.

    def _created(self, request: Request, values: dict[str, str]) -> Response:
        """What a connector must never do: the record would exist now."""
        return json_response({"data": {"type": "created", "id": "0" * 24}}, 201)

    def _small(self, small: SmallList, largest: int) -> Endpoint:
        return lambda request, values: self._lists.page(request, small.records, _same, largest=largest)

    def _users(self, request: Request, values: dict[str, str]) -> Response:
        users = self.account.small["users"]
        shown = users.gone if request.params.get("deleted") == "true" else users.records
        return self._lists.page(request, shown, _same, largest=LARGEST["users"])

    def _slas(self, request: Request, values: dict[str, str]) -> Response:
        wanted = request.params.get("versions") in ("all", "active")
        included = self.account.small["sla_versions"].records if wanted else None
        return self._lists.page(request, self.account.small["slas"].records, _same, included=included)

    def _klasses(self, request: Request, values: dict[str, str]) -> Response:
        klasses = self.account.small["klasses"]
        assert isinstance(klasses, Klasses)
        return self._lists.page(request, klasses.of_status(request.params.get("status", "enabled")), _same)

    def _metadata(self, request: Request, values: dict[str, str]) -> Response:
        for entry in self.account.small["custom_attributes"].records:
            if entry["attributes"]["resource"] == unquote(values["resource"]):
                return json_response({"data": [entry] if self.options.metadata_list else entry})
        return self._error(404, "not_found", "No such resource")

    def _collection(self, collection: Records) -> Endpoint:
        def answer(request: Request, values: dict[str, str]) -> Response:
            try:
                numbers = self._filtered.numbers(collection, request.params)
            except ValueError as error:
                return self._error(400, "bad_request", str(error))
            render = partial(collection.render, projection=collection.vendor)
            kept = self._filtered.kept(collection, request.params)
            return self._lists.page(request, numbers, render, counted=collection.name == "customers", kept=kept)

        return answer

    def _number(self, parent: str, identifier: str) -> int | None:
        collection = self.account.collections[parent]
        number = collection.ids.number(identifier)
        return number if number is not None and number < len(collection.created) else None

    def _parent(self, collection: str, identifier: str) -> int | None:
        """A record that is asked for its children; whether a deleted one still has some is not documented."""
        number = self._number(collection, identifier)
        return None if number is not None and self.account.is_childless(collection, number) else number

    def _children(self, parent: str, make: Callable[[Account, int], list[dict[str, Any]]]) -> Endpoint:
        def answer(request: Request, values: dict[str, str]) -> Response:
            number = self._parent(parent, values["id"])
            if number is None:
                return self._error(404, "not_found", "No such record")
            return self._lists.page(request, make(self.account, number), _same)

        return answer

    def _attachments(self, request: Request, values: dict[str, str]) -> Response:
        number = self._parent("conversations", values["id"])
        if number is None:
            return self._error(404, "not_found", "No such conversation")
        rows = children.attachments(self.account, number)
        return self._lists.page(request, rows, _same, links=self.options.attachment_links)

    def _notes(self, request: Request, values: dict[str, str]) -> Response:
        number = self._number("conversations", values["id"])
        if number is None:
            return self._error(404, "not_found", "No such conversation")
        notes = self.account.collections["notes"]
        numbers = [n for n in self.account.notes_of(number) if not notes.is_deleted(n)]
        return self._lists.page(request, numbers, lambda n: notes.render(n, notes.vendor))

    def _times(self, request: Request, values: dict[str, str]) -> Response:
        number = self._number("conversations", values["id"])
        if number is None:
            return self._error(404, "not_found", "No such conversation")
        times = self.account.collections["conversation_times"]
        numbers = self.account.times_of(number)
        return self._lists.page(request, numbers, lambda n: times.render(n, times.vendor), largest=LARGEST_TIMES)

    def _all_edges(self, request: Request, values: dict[str, str]) -> Response:
        if not self.options.edges_listed:
            return self.not_found(request)
        return self._lists.page(request, self.account.hierarchy.edges(), _same)

    def _edges(self, of_company: Callable[[int], list[dict[str, Any]]]) -> Endpoint:
        def answer(request: Request, values: dict[str, str]) -> Response:
            number = self._number("companies", values["id"])
            if number is None or self.account.collections["companies"].is_deleted(number):
                return self._error(404, "not_found", "No such company")
            return self._lists.page(request, of_company(number), _same)

        return answer

    def _parent_edge(self, request: Request, values: dict[str, str]) -> Response:
        number = self._number("companies", values["id"])
        edge = None if number is None else self.account.hierarchy.edge(number)
        return self._error(404, "not_found", "No parent") if edge is None else json_response({"data": edge})

    def _response(self, request: Request, values: dict[str, str]) -> Response:
        number = shapes.RESPONSES.number(values["id"])
        if number is not None and number < len(self.account.collections["conversations"].created):
            record = children.satisfaction_response(self.account, number)
            if record is not None:
                return json_response({"data": record})
        return self._error(404, "not_found", "No such response")


def _same(row: Any) -> Any:
    return row
