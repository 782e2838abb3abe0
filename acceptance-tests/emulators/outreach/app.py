"""The Outreach API: authentication, scopes, endpoints, and what it answers to mistakes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import orjson

from emulators.app import VendorApp
from emulators.faults import FaultSettings
from emulators.messages import Request, Response, json_response
from emulators.moments import DAY_MS, date
from emulators.oauth import TokenServer
from emulators.outreach.account import Account, Table
from emulators.outreach.limits import PLAN_GROUP, DayBudget, UserLimits
from emulators.outreach.lists import MEDIA_TYPE, answer, problem, refusal
from emulators.outreach.odd import OutreachForm
from emulators.outreach.query import BadQuery, fieldset, wants_connections
from emulators.outreach.resources import BY_ID_ONLY
from emulators.outreach.schema import TYPES, schema
from emulators.outreach.settings import OutreachOptions
from emulators.outreach.shapes import ORGANISATION, id_text
from emulators.rate_limits import Budget
from emulators.router import Endpoint, Route

if TYPE_CHECKING:
    from emulators.outreach.installs import Installs

API = "/api/v2"
CLIENT_ID, CLIENT_SECRET = "outreach-client-0001", "outreach-secret-4f7d1c9a2b"
INSTALLS = "/api/app/installs"


def _maintenance(right: Response, settings: FaultSettings) -> Response:
    """Retry-After is an ISO timestamp."""
    until = datetime.now(UTC) + timedelta(seconds=1)
    response = problem(503, "scheduledServerMaintenance", "Maintenance", "Scheduled maintenance is under way.")
    response.headers.append(("Retry-After", until.strftime("%Y-%m-%dT%H:%M:%S.000Z")))
    return response


def lacking_scope(scope: str) -> Response:
    """The refusal of what the credentials have no scope for."""
    detail = f"Your authorization does not include the required scope '{scope}.read'."
    return problem(403, "unauthorizedOauthScope", "Unauthorized OAuth Scope", detail)


class OutreachApp(VendorApp):
    """One organisation behind `/api/v2/`, and the token endpoint beside it."""

    api_prefix = API
    identity_group = "GET /users"
    options: OutreachOptions

    def __init__(self, options: OutreachOptions) -> None:
        self.account = Account(options)
        self.plan = DayBudget(self.account.now_ms)
        self.installs = self._installs(options) if options.s2s else None
        self._tokens = TokenServer(CLIENT_ID, CLIENT_SECRET, accepts_json=True)
        self._tokens.extra = {"scope": "prospects.read mailings.read", "created_at": "1780000000"}
        super().__init__(options, {"503_maintenance": _maintenance}, OutreachForm(options))
        self.limits = UserLimits(options, self.plan)
        self.configure()

    def routes(self) -> list[Route]:
        """Every path that answers."""
        routes = [
            Route("POST", "/oauth/token", lambda request, values: self._token(request), public=True),
            *self._sign_ins(),
            Route("GET", API, self._root),
            Route("GET", f"{API}/schema.json", lambda request, values: schema(self.account)),
            Route("GET", f"{API}/types", lambda request, values: json_response(TYPES)),
        ]
        for stream, table in self.account.tables.items():
            plural = table.resource.plural
            path = f"{API}/customObjects/{quote(plural)}" if stream.startswith("custom_object_") else f"{API}/{plural}"
            if plural not in BY_ID_ONLY or (plural == "imports" and self.options.imports_listed):
                routes.append(Route("GET", path, self._list(table), lists=True))
            if plural not in ("contentCategoryOwnerships", "duties", "auditLogs"):
                routes.append(Route("GET", path + "/{id}", self._one(table)))
        return routes

    def _installs(self, options: OutreachOptions) -> Installs:
        from emulators.outreach.installs import Installs  # takes longer to load than the rest of an emulator

        return Installs(options, self.account.now_ms)

    def _sign_ins(self) -> list[Route]:
        """Where an app signs in; paths of nothing in an organisation without one."""
        installs = self.installs
        if installs is None:
            return []
        return [
            Route(
                "POST", f"{INSTALLS}/{{token}}/actions/setupToken",
                lambda request, values: installs.setup(request, values["token"]), public=True,
            ),
            Route(
                "POST", f"{INSTALLS}/{{id}}/actions/accessToken",
                lambda request, values: installs.access(request, values["id"]), public=True,
            ),
        ]  # fmt: skip

    def buckets(self, group: str) -> tuple[str, ...]:
        """The user's, and the plan's."""
        return (group, PLAN_GROUP)

    def configure(self) -> None:
        """Take over the options."""
        super().configure()
        options = self.options
        if options.count_mode not in ("exact", "truncated", "none"):
            raise ValueError("Option count_mode is exact, truncated or none.")
        if options.data_connections not in ("given", "refused", "ignored"):
            raise ValueError("Option data_connections is given, refused or ignored.")
        self._tokens.lifetime = options.token_lifetime
        self._tokens.strict = options.token_strict
        self._tokens.minimum_interval = options.token_interval
        self._tokens.status = options.token_status
        self._tokens.refusals = options.token_refusals
        for table in self.account.tables.values():
            table.records.set_lag(
                int(options.index_lag_seconds * 1000), int(options.late_seconds * 1000), options.late_share
            )

    def is_too_heavy(self, request: Request) -> bool:
        """Never here: the lists judge it, collection by collection."""
        return False

    def authorise(self, request: Request) -> Response | None:
        """A bearer token, then the media type."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_app = self.installs is not None and self.installs.valid(token)
        if scheme != "Bearer" or not (is_app or self._tokens.valid(token)):
            return json_response(
                {"error": "Invalid JWT token.", "description": "The JWT token could not be decoded."}, 401
            )
        given = request.headers.get("content-type", "").partition(";")[0]
        if self.options.require_content_type and given != MEDIA_TYPE.decode():
            return problem(415, "unsupportedMediaType", "Unsupported Media Type", "Use application/vnd.api+json.")
        return self._beyond_scope(request.path) if is_app else None

    def _beyond_scope(self, path: str) -> Response | None:
        """The refusal of what the app's scopes do not hold."""
        plural = path.removeprefix(API).strip("/").partition("/")[0]
        scope = "customObjectRecords" if plural == "customObjects" else plural
        if scope in ("", "schema.json", "types") or scope in self.options.s2s_scopes:
            return None
        return lacking_scope(scope)

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
        """Flat records, hidden attributes included; `record_ids`: the ids of every collection that can be listed."""
        if stream == "record_ids":
            return self.account.ids()
        table = self.account.tables.get(stream)
        return None if table is None else table.truth(all_fields=all_fields)

    def truth_counts(self) -> dict[str, int]:
        """Records per stream."""
        return {stream: len(table.records) for stream, table in self.account.tables.items()}

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """See `Account.touch`; ids are integers for most resources."""
        return cast("dict[str, list[str]]", self.account.touch(stream, update, create, delete))

    def ready(self, origin: str) -> dict[str, Any]:
        """Configs by way of signing in; `import_ids` are those of the account."""
        first = min(
            (table.records.created[0] for table in self.account.tables.values() if len(table.records)), default=0
        )
        imports = len(self.account.tables["imports"].records)
        oauth = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": "https://example.com/callback",
            "refresh_token": self._tokens.first_refresh_token,
        }
        common = {"start_date": date(first - 2 * DAY_MS).decode(), "api_url": f"{origin}{API}/"}
        rest: dict[str, Any] = {}
        if self.options.largest_page != 1000:
            rest["page_size"] = self.options.largest_page
        if not self.options.imports_listed:
            rest["import_ids"] = ",".join(str(number + 1) for number in range(imports))
        said: dict[str, Any] = {"api_url": common["api_url"], "config": oauth | common | rest}
        said["oauth_config"] = {"credentials": {"auth_type": "oauth2.0", **oauth}, **common, **rest}
        if self.installs is not None:
            for name, credentials in self.installs.credentials.items():
                said[name] = {"credentials": credentials, **common, **rest}
        return said

    def extra_statistics(self) -> dict[str, Any]:
        """Tokens, and what was used of the plan, a number a day."""
        found: dict[str, Any] = {"tokens_minted": self._tokens.minted, "token_refusals": self._tokens.refused}
        found["requests_by_day"] = [self.plan.used[day] for day in sorted(self.plan.used)]
        if self.installs is not None:
            found["s2s"] = {
                "set_up": self.installs.set_up, "minted": self.installs.minted, "refused": self.installs.refused,
            }  # fmt: skip
        return found

    def _closed(self, group: str) -> Response | None:
        """Missing scopes and forbidding profiles; option `refuse` counts as a missing scope."""
        parts = group.split(" ", 1)[1].strip("/").split("/")
        plural = parts[0]
        scope = "customObjectRecords" if plural == "customObjects" else plural
        if scope in self.options.deny_scopes or self.options.refuse.get(group) == 403:
            return lacking_scope(scope)
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
            try:
                wanted = fieldset(request.params, resource, self.options, table.names)
                projection = table.projection(wanted, connections=wants_connections(request.params, self.options))
            except BadQuery as error:
                return refusal(error)
            for number in records.numbers():
                if id_text(resource, number).strip('"') == values["id"]:
                    record = records.render(number, projection)
                    return Response(200, b'{"data":' + record + b"}", MEDIA_TYPE)
            detail = f"Could not find '{resource.type}' with ID '{values['id']}'."
            return problem(404, "resourceNotFound", "Resource Not Found", detail)

        return endpoint
