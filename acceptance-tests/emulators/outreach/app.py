"""The Outreach API: authentication, scopes, endpoints, and what it answers to mistakes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

import orjson

from emulators.app import VendorApp
from emulators.faults import FaultSettings
from emulators.messages import Request, Response, json_response
from emulators.moments import DAY_MS, date
from emulators.oauth import TokenServer
from emulators.outreach.account import Account, Table
from emulators.outreach.lists import MEDIA_TYPE, answer, problem
from emulators.outreach.odd import OutreachForm
from emulators.outreach.resources import BY_ID_ONLY, Resource
from emulators.outreach.settings import OutreachOptions
from emulators.outreach.shapes import ORGANISATION, id_text
from emulators.rate_limits import HEADER_FORMS, Budget, Header, RateLimits
from emulators.router import Endpoint, Route

API = "/api/v2"
CLIENT_ID, CLIENT_SECRET = "outreach-client-0001", "outreach-secret-4f7d1c9a2b"
USER_GROUP = "the user"
LABELS = {"account": {"custom1": ("inclusion", "Region")}, "prospect": {"custom2": ("date", "Renewal")}}


def doubled(budget: Budget) -> list[Header]:
    """Two values in one header, as when a proxy joins them; the second is a roomier budget."""
    reset = math.ceil(time.time() + budget.reset)
    return [
        ("X-RateLimit-Limit", str(budget.limit)),
        ("X-RateLimit-Remaining", f"{budget.remaining}, {budget.remaining * 2 + 7}"),
        ("X-RateLimit-Reset", str(reset)),
    ]


def delta(budget: Budget) -> list[Header]:
    """The reset as seconds from now."""
    return [*doubled(budget)[:2], ("X-RateLimit-Reset", str(math.ceil(budget.reset)))]


def iso(budget: Budget) -> list[Header]:
    """The reset as a date."""
    moment = datetime.now(UTC) + timedelta(seconds=math.ceil(budget.reset))
    return [*doubled(budget)[:2], ("X-RateLimit-Reset", moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"))]


HEADER_FORMS.update({"doubled": doubled, "delta": delta, "iso": iso})


class UserLimits(RateLimits):
    """One budget for all requests of the user."""

    def take(self, group: str, now: float) -> Budget:
        """Whatever the endpoint."""
        return super().take(USER_GROUP, now)

    def told(self, group: str, now: float, seconds: float) -> None:
        """Whatever the endpoint."""
        super().told(USER_GROUP, now, seconds)


def _maintenance(right: Response, settings: FaultSettings) -> Response:
    """Retry-After is an ISO timestamp."""
    until = datetime.now(UTC) + timedelta(seconds=1)
    response = problem(503, "scheduledServerMaintenance", "Maintenance", "Scheduled maintenance is under way.")
    response.headers.append(("Retry-After", until.strftime("%Y-%m-%dT%H:%M:%S.000Z")))
    return response


class OutreachApp(VendorApp):
    """One organisation behind `/api/v2/`, and the token endpoint beside it."""

    api_prefix = API
    identity_group = "GET /users"
    options: OutreachOptions

    def __init__(self, options: OutreachOptions) -> None:
        self.account = Account(options)
        self._tokens = TokenServer(CLIENT_ID, CLIENT_SECRET, accepts_json=True)
        self._tokens.extra = {"scope": "prospects.read mailings.read", "created_at": "1780000000"}
        super().__init__(options, {"503_maintenance": _maintenance}, OutreachForm(options))
        self.limits = UserLimits()
        self.configure()

    def routes(self) -> list[Route]:
        """Every path that answers."""
        routes = [
            Route("POST", "/oauth/token", lambda request, values: self._token(request), public=True),
            Route("GET", API, self._root),
            Route("GET", f"{API}/schema.json", self._schema),
            Route("GET", f"{API}/types", self._types),
        ]
        for stream, table in self.account.tables.items():
            plural = table.resource.plural
            path = f"{API}/customObjects/{quote(plural)}" if stream.startswith("custom_object_") else f"{API}/{plural}"
            if plural not in BY_ID_ONLY or (plural == "imports" and self.options.imports_listed):
                routes.append(Route("GET", path, self._list(table), lists=True))
            if plural not in ("contentCategoryOwnerships", "duties", "auditLogs"):
                routes.append(Route("GET", path + "/{id}", self._one(table)))
        return routes

    def configure(self) -> None:
        """Take over the options."""
        super().configure()
        options = self.options
        if options.count_mode not in ("exact", "truncated", "none"):
            raise ValueError("Option count_mode is exact, truncated or none.")
        self._tokens.lifetime = options.token_lifetime
        self._tokens.strict = options.token_strict
        self._tokens.minimum_interval = options.token_interval
        self._tokens.status = options.token_status
        self._tokens.refusals = options.token_refusals
        for table in self.account.tables.values():
            table.records.set_lag(int(options.index_lag_seconds * 1000))

    def is_too_heavy(self, request: Request) -> bool:
        """Never here: the lists judge it, collection by collection."""
        return False

    def authorise(self, request: Request) -> Response | None:
        """A bearer token, then the media type."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._tokens.valid(token):
            return json_response(
                {"error": "Invalid JWT token.", "description": "The JWT token could not be decoded."}, 401
            )
        given = request.headers.get("content-type", "").partition(";")[0]
        if self.options.require_content_type and given != MEDIA_TYPE.decode():
            return problem(415, "unsupportedMediaType", "Unsupported Media Type", "Use application/vnd.api+json.")
        return None

    def not_found(self, request: Request) -> Response:
        """One answer for paths and methods that do not exist."""
        return problem(
            404, "routeNotFound", "Route Not Found", "The request path does not match any known resource endpoints."
        )

    def too_many(self, budget: Budget) -> Response:
        """The documented body."""
        until = (datetime.now(UTC) + timedelta(seconds=budget.reset)).strftime("%Y-%m-%dT%H:%M:%S")
        detail = f"You have exceeded your permitted rate limit of {budget.limit}; please try again at {until}."
        return problem(429, "rateLimitExceeded", "Rate Limit Exceeded", detail)

    def truth(self, stream: str, *, all_fields: bool = False) -> Iterator[bytes] | None:
        """Flat records; fields that must be named are part of no read."""
        table = self.account.tables.get(stream)
        return None if table is None else table.truth()

    def truth_counts(self) -> dict[str, int]:
        """Records per stream."""
        return {stream: len(table.records) for stream, table in self.account.tables.items()}

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """See `Account.touch`; ids are integers for most resources."""
        return cast("dict[str, list[str]]", self.account.touch(stream, update, create, delete))

    def ready(self, origin: str) -> dict[str, Any]:
        """A config; `import_ids` are those of the account."""
        first = min(
            (table.records.created[0] for table in self.account.tables.values() if len(table.records)), default=0
        )
        imports = len(self.account.tables["imports"].records)
        config: dict[str, Any] = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": "https://example.com/callback",
            "refresh_token": self._tokens.first_refresh_token,
            "start_date": date(first - 2 * DAY_MS).decode(),
            "api_url": f"{origin}{API}/",
        }
        if self.options.largest_page != 1000:
            config["page_size"] = self.options.largest_page
        if not self.options.imports_listed:
            config["import_ids"] = ",".join(str(number + 1) for number in range(imports))
        return {"api_url": config["api_url"], "config": config}

    def extra_statistics(self) -> dict[str, Any]:
        """Tokens."""
        return {"tokens_minted": self._tokens.minted, "token_refusals": self._tokens.refused}

    def _closed(self, group: str) -> Response | None:
        """Missing scopes and forbidding profiles; option `refuse` counts as a missing scope."""
        parts = group.split(" ", 1)[1].strip("/").split("/")
        plural = parts[0]
        scope = "customObjectRecords" if plural == "customObjects" else plural
        if scope in self.options.deny_scopes or self.options.refuse.get(group) == 403:
            detail = f"Your authorization does not include the required scope '{scope}.read'."
            return problem(403, "unauthorizedOauthScope", "Unauthorized OAuth Scope", detail)
        if scope in self.options.deny_profile:
            detail = "You are not authorized to perform that request."
            return problem(403, "unauthorizedRequest", "Unauthorized Request", detail)
        return super()._closed(group)

    def _refusal(self, budget: Budget) -> Response:
        response = self.too_many(budget)
        if self.options.retry_after:
            response.headers.append(("Retry-After", str(math.ceil(time.time() + budget.reset))))
        return response

    def _token(self, request: Request) -> Response:
        response = self._tokens.answer(request)
        response.delay = self.options.token_hold_seconds
        if response.status < 300 and not self.options.rotates:
            kept = {name: value for name, value in orjson.loads(response.body).items() if name != "refresh_token"}
            response.body = orjson.dumps(kept)
        return response

    def _root(self, request: Request, values: dict[str, str]) -> Response:
        content: dict[str, Any] = {"application": {"name": "emulated"}, "token": {"scopes": []}}
        if self.options.root_tells_organisation:
            content["token"]["orgGuid"] = ORGANISATION
        return json_response(content)

    def _list(self, table: Table) -> Endpoint:
        return lambda request, values: answer(table, request, self.options)

    def _one(self, table: Table) -> Endpoint:
        resource = table.resource

        def endpoint(request: Request, values: dict[str, str]) -> Response:
            records = table.records
            for number in records.numbers():
                if id_text(resource, number).strip('"') == values["id"]:
                    record = records.render(number, records.shapes.projection(None))
                    return Response(200, b'{"data":' + record + b"}", MEDIA_TYPE)
            detail = f"Could not find '{resource.type}' with ID '{values['id']}'."
            return problem(404, "resourceNotFound", "Resource Not Found", detail)

        return endpoint

    def _schema(self, request: Request, values: dict[str, str]) -> Response:
        """The hyper-schema: some standard resources, and the custom objects of the organisation."""
        tables = self.account.tables
        shown = [(tables[name].resource, f"/api/v2/{tables[name].resource.plural}") for name in ("accounts", "stages")]
        shown += [(resource, f"/api/v2/customObjects/{quote(resource.plural)}") for resource in self.account.custom]
        definitions = {resource.type: _definition(resource, path) for resource, path in shown}
        return json_response({"$schema": "http://json-schema.org/draft-07/hyper-schema#", "definitions": definitions})

    def _types(self, request: Request, values: dict[str, str]) -> Response:
        data = [
            {
                "type": kind,
                "meta": {
                    "validations": {
                        name: {"type": form, "required": False, "label": label, "definition": None}
                        for name, (form, label) in fields.items()
                    }
                },
            }
            for kind, fields in LABELS.items()
        ]
        return json_response({"data": data})


def _definition(resource: Resource, path: str) -> dict[str, Any]:
    kinds = {"f": ("number", "float"), "i": ("number", "integer"), "d": ("string", "date-time"), "b": ("boolean", None)}
    members: dict[str, Any] = {}
    for attribute in resource.attributes:
        kind, form = kinds.get(attribute.kind, ("string", None))
        members[attribute.name] = {"filterable": attribute.filterable, "sortable": attribute.sortable, "type": kind}
        if form:
            members[attribute.name]["format"] = form
    for relationship in resource.relationships:
        refs = [{"$ref": f"#/definitions/{kind}"} for kind in relationship.types]
        flags = {"data": relationship.how != "links", "links": True}
        members[relationship.name] = flags | (
            {"type": "array", "items": refs[0]} if relationship.how != "one" else {"anyOf": refs}
        )
    links = [
        {"href": f"{path}/{{:id}}", "method": "GET", "rel": "self"},
        {"href": path, "method": "GET", "rel": "instances"},
    ]
    return {"definitions": members, "links": links, "stability": "prototype", "type": "object"}
