"""The Close API: authentication, endpoints, and what it answers to mistakes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from emulators.app import VendorApp
from emulators.close import identity
from emulators.close.account import Account
from emulators.close.activities import OBJECT_TYPES, PATTERN, THREAD, TYPED_PATHS, lead_of, user_of
from emulators.close.field_schemas import field_schemas
from emulators.close.leads import LEAD_IDS
from emulators.close.lists import (
    BadParameter,
    Selection,
    filtered,
    list_response,
    numbers_in,
    one_response,
    read_page,
    read_ranges,
    small_list,
)
from emulators.close.odd import CloseForm
from emulators.close.query import parse_query
from emulators.close.rules import RuledLists
from emulators.close.search import Searchable, SearchEndpoint
from emulators.close.settings import CloseOptions
from emulators.close.small import SMALL
from emulators.close.tasks import due_ms
from emulators.close.touching import Touching
from emulators.close.truth import Truth
from emulators.faults import FaultSettings
from emulators.messages import Request, Response, error_response, json_response
from emulators.moments import DAY_MS, date
from emulators.oauth import TokenServer
from emulators.rate_limits import Budget
from emulators.recorded import Owned
from emulators.router import Endpoint, Route

API = "/api/v1"
LARGEST_LEAD_PAGE, LARGEST_ACTIVITY_PAGE, LARGEST_PAGE = 200, 100, 1000
NOT_FOUND = (
    "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
ALL_TYPES = frozenset(PATTERN)
WITHOUT_THREADS = ALL_TYPES - {THREAD}
DELETED = "deleted_404"


def _document_deleted(right: Response, settings: FaultSettings) -> Response:
    """A record inside the requested page has just been deleted."""
    return error_response(404, "Empty query: Document has been deleted.")


class CloseApp(VendorApp):
    """One organization behind `/api/v1/`, and its token endpoint beside it."""

    api_prefix = API
    identity_group = "GET /me/"
    options: CloseOptions

    def __init__(self, options: CloseOptions) -> None:
        self.account = Account(options)
        self._truth, self._touching = Truth(self.account), Touching(self.account)
        self._tokens = TokenServer(identity.CLIENT_ID, identity.CLIENT_SECRET)
        self._tokens.extra = {
            "scope": "all.full_access offline_access", "user_id": identity.user_id(0),
            "organization_id": identity.ORGANIZATION_ID,
        }  # fmt: skip
        self._search = SearchEndpoint(options, self._searchable())
        self._basic = "Basic " + base64.b64encode(f"{identity.API_KEY}:".encode()).decode()
        super().__init__(options, {DELETED: _document_deleted}, CloseForm())

    def routes(self) -> list[Route]:
        """Every path that answers."""
        account, options = self.account, self.options
        ruled = RuledLists(account, options)

        def small(records: Callable[[], list[dict[str, Any]]], largest: int = LARGEST_PAGE) -> Endpoint:
            return lambda request, values: small_list(records(), request, largest, options)

        get: dict[str, Endpoint] = {
            "/me/": self._me,
            "/user/{id}/": self._one_user,
            "/lead/{id}/": lambda request, values: one_response(account.leads, values["id"], request),
            "/activity/{id}/": lambda request, values: one_response(account.activities, values["id"], request),
            "/task/{id}/": lambda request, values: one_response(account.tasks, values["id"], request),
            "/event/{id}/": account.events.one,
            "/custom_field_schema/{object_type}/": self._field_schema,
            "/custom_field_schema/{object_type}/{type_id}/": self._field_schema,
            "/organization/{id}/": ruled.organization,
            "/group/{id}/": ruled.group,
            "/contact/{id}/": lambda request, values: one_response(account.contacts, values["id"], request),
            "/opportunity/{id}/": lambda request, values: one_response(account.opportunities, values["id"], request),
            "/custom_object/{id}/": lambda request, values: one_response(account.custom_objects, values["id"], request),
        }
        lists: dict[str, Endpoint] = {
            "/user/": small(lambda: account.users),
            "/lead/": self._leads,
            "/activity/": self._activities,
            "/task/": self._tasks,
            "/event/": account.events.answer,
            "/custom_field/lead/": small(lambda: account.lead_fields),
            "/custom_fields/lead/": small(lambda: account.lead_fields),
            "/custom_field/shared/": small(lambda: account.shared_fields),
        }
        for resource in SMALL:
            lists[resource.path] = small(partial(account.small.__getitem__, resource.stream), resource.largest)
        lists |= {
            "/contact/": ruled.contacts,
            "/opportunity/": ruled.opportunities,
            "/custom_object/": ruled.custom_objects,
            "/saved_search/": ruled.smart_views,
            "/connected_account/": ruled.connected_accounts,
            "/group/": ruled.groups,
            "/send_as/": ruled.send_as,
            "/sequence_subscription/": ruled.subscriptions,
            "/comment_thread/": ruled.comment_threads,
            "/comment/": ruled.comments,
        }
        for fields_of, fields in account.other_fields.items():
            lists[f"/custom_field/{fields_of}/"] = small(lambda fields=fields: fields)  # type: ignore[misc]
        lists["/custom_fields/contact/"] = lists["/custom_field/contact/"]
        for path, kind in TYPED_PATHS.items():
            lists[f"/activity/{path}/"] = self._typed(kind)
        routes = [Route("GET", API + path, endpoint, lists=True) for path, endpoint in lists.items()]
        routes += [Route("GET", API + path, endpoint) for path, endpoint in get.items()]
        routes.append(Route("POST", f"{API}/data/search/", self._search.answer, searches=True))
        routes.append(Route("POST", "/oauth2/token/", self._mint, public=True))
        return routes

    def configure(self) -> None:
        """Take over the options."""
        super().configure()
        options = self.options
        if options.search_cursor not in ("keyset", "offset"):
            raise ValueError("Option search_cursor is keyset or offset.")
        if options.search_updates not in ("honoured", "ignored", "refused"):
            raise ValueError("Option search_updates is honoured, ignored or refused.")
        self._tokens.lifetime = options.token_lifetime
        self._tokens.strict = options.token_strict
        self._tokens.minimum_interval = options.token_interval
        self._tokens.status = options.token_status
        self._tokens.refusals = options.token_refusals
        for collection in self.account.collections.values():
            collection.set_lag(
                int(options.index_lag_seconds * 1000), int(options.late_seconds * 1000), options.late_share
            )

    def handle(self, request: Request) -> Response:
        """Long parameter lists may come as POST with an override of the method."""
        if request.method == "POST" and request.headers.get("x-http-method-override", "").upper() == "GET":
            parameters = request.json_object().get("_params") or {}
            request.method = "GET"
            request.params = request.params | {name: str(value) for name, value in parameters.items()}
        return super().handle(request)

    def authorise(self, request: Request) -> Response | None:
        """Basic with the key as user name and an empty password, or a bearer token."""
        given = request.headers.get("authorization", "")
        if given == self._basic:
            return None
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "bearer":
            if token == identity.ACCESS_TOKEN or self._tokens.valid(token):
                return None
            if self.options.bearer_api_key and token == identity.API_KEY:
                return None
        return error_response(401, "Unauthorized")

    def not_found(self, request: Request) -> Response:
        """A missing slash redirects; the rest as documented."""
        if not request.path.endswith("/") and self._router.knows(request.path + "/"):
            host = request.headers.get("host", "")
            target = f"http://{host}{request.path}/" + (f"?{request.query}" if request.query else "")
            return Response(301, headers=[("Location", target)])
        if self._router.knows(request.path):
            return error_response(405, "The method is not allowed for the requested URL.")
        return error_response(404, NOT_FOUND)

    def too_many(self, budget: Budget) -> Response:
        """With option `rate_body` the body that Close sent before April 2024."""
        if not self.options.rate_body:
            return json_response({}, 429)
        error = {
            "message": "API call count exceeded for this 1 second window", "rate_reset": round(budget.reset, 3),
            "rate_limit": budget.limit, "rate_window": budget.window, "rate_limit_type": "key",
            "rate_endpoint_group": "3f1c0a",
        }  # fmt: skip
        return json_response({"error": error}, 429)

    def truth(self, stream: str, *, all_fields: bool = False) -> Iterator[bytes] | None:
        """See `Truth.of`."""
        return self._truth.of(stream, all_fields=all_fields)

    def truth_counts(self) -> dict[str, int]:
        """See `Truth.counts`."""
        return self._truth.counts()

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """See `Touching.touch`."""
        return self._touching.touch(stream, update, create, delete)

    def touch_earlier(self, stream: str, update: int, create: int, delete: int, ago_ms: int) -> dict[str, list[str]]:
        """See `Touching.touch`."""
        return self._touching.touch(stream, update, create, delete, ago_ms)

    def ready(self, origin: str) -> dict[str, Any]:
        """A config with the API key, and the same with OAuth and with an access token."""
        common = {"start_date": date(self.account.span.first - DAY_MS).decode(), "api_url": f"{origin}{API}/"}
        oauth = {
            "auth_type": "oauth2.0", "client_id": identity.CLIENT_ID, "client_secret": identity.CLIENT_SECRET,
            "refresh_token": self._tokens.first_refresh_token,
        }  # fmt: skip
        bearer = {"auth_type": "access_token", "access_token": identity.ACCESS_TOKEN}
        return {
            "api_url": common["api_url"],
            "config": {"api_key": identity.API_KEY, **common},
            "oauth_config": {"credentials": oauth, **common},
            "access_token_config": {"credentials": bearer, **common},
        }

    def extra_statistics(self) -> dict[str, Any]:
        """Tokens, and records that the index does not show as they are."""
        late = {name: collection.waiting() for name, collection in self.account.collections.items()}
        return {"tokens_minted": self._tokens.minted, "token_refusals": self._tokens.refused, "late": late}

    def _mint(self, request: Request, values: dict[str, str]) -> Response:
        response = self._tokens.answer(request)
        response.delay = self.options.token_hold_seconds
        return response

    def _searchable(self) -> dict[str, Searchable]:
        account = self.account
        found = {
            "lead": Searchable(account.leads), "contact": Searchable(account.contacts),
            "opportunity": Searchable(account.opportunities), "custom_object": Searchable(account.custom_objects),
            "task": Searchable(account.tasks),
        }  # fmt: skip
        for kind, name in OBJECT_TYPES.items():
            found[f"activity.{name}"] = Searchable(account.activities, frozenset({kind}))
        return found

    def _me(self, request: Request, values: dict[str, str]) -> Response:
        user = self.account.users[0] if self.account.users else identity.make_user(0, self.account.span.first)
        organization = self.account.organization()
        memberships = organization.pop("memberships")
        del organization["inactive_memberships"]
        more = {
            "phone": None, "memberships": memberships[:1], "organizations": [organization],
            "phone_numbers": [], "email_accounts": [], "connected_accounts": [],
        }  # fmt: skip
        me = user | more
        return json_response(self.account.recorded.rows("me", [me], Owned(("id", "memberships", "organizations")))[0])

    def _one_user(self, request: Request, values: dict[str, str]) -> Response:
        for user in self.account.users:
            if user["id"] == values["id"]:
                return json_response(user)
        return error_response(404, "Empty query: Document does not exist.")

    def _field_schema(self, request: Request, values: dict[str, str]) -> Response:
        wanted = "/".join(part for part in (values["object_type"], values.get("type_id")) if part)
        fields = field_schemas(self.account).get(wanted)
        return error_response(404, NOT_FOUND) if fields is None else json_response({"fields": fields})

    def _leads(self, request: Request, values: dict[str, str]) -> Response:
        """`GET /lead/`: only `query` filters; anything else is silently ignored."""
        leads = self.account.leads
        try:
            page = read_page(request.params, LARGEST_LEAD_PAGE, self.options)
        except BadParameter as error:
            return error.response()
        query = parse_query(request.params.get("query", ""))
        also: Callable[[int], bool] | None = None
        if query.slice or query.words:
            also = lambda number: _in_slice(number, query.slice) and _named(number, query.words)  # noqa: E731
        key = (query.slice, tuple(query.words))
        view, searched = filtered(leads, None, query.ranges, self.options)
        selection = Selection(view, query.ranges, query.order, query.descending, also, key, searched=searched)
        return list_response(leads, selection, page, total=True)

    def _activities(self, request: Request, values: dict[str, str]) -> Response:
        params = request.params
        threads = params.get("thread_emails", "")
        kinds = {"true": ALL_TYPES, "only": frozenset({THREAD})}.get(threads, WITHOUT_THREADS)
        if params.get("lead_id") and (params.get("_type") or params.get("_type__in")):
            kinds &= frozenset((params.get("_type__in") or params["_type"]).split(","))
        return self._activity_list(request, kinds)

    def _typed(self, kind: str) -> Endpoint:
        kinds = frozenset({kind})
        return lambda request, values: self._activity_list(request, kinds)

    def _activity_list(self, request: Request, kinds: frozenset[str]) -> Response:
        params = request.params
        try:
            page = read_page(params, LARGEST_ACTIVITY_PAGE, self.options)
            ranges = read_ranges(params, ("date_created",))
        except BadParameter as error:
            return error.response()
        ascending = params.get("_order_by") == "date_created" and not self.options.ignore_order_by
        view, searched = filtered(self.account.activities, kinds, ranges, self.options)
        also, key = self._activity_filter(params)
        selection = Selection(view, ranges, "date_created", not ascending, also, key, searched=searched)
        return list_response(self.account.activities, selection, page)

    def _activity_filter(self, params: dict[str, str]) -> tuple[Callable[[int], bool] | None, object]:
        """`id__in` and `lead_id`; `user_id` counts only beside `lead_id`."""
        wanted = params.get("id__in")
        lead = params.get("lead_id") or None
        if not wanted and not lead:
            return None, None
        numbers = numbers_in(wanted, self.account.activities)
        lead_number = LEAD_IDS.number(lead) if lead else None
        lead_number = -1 if lead_number is None else lead_number
        user = params.get("user_id") if lead else None
        leads, users, surviving = self.options.leads, self.options.users, self.account.surviving_lead

        def fits(number: int) -> bool:
            if numbers is not None and number not in numbers:
                return False
            if lead is not None and surviving(lead_of(number, leads)) != lead_number:
                return False
            mine = user_of(number, users)
            return user is None or (mine is not None and identity.user_id(mine) == user)

        return fits, (wanted, lead, user, len(self.account.moved))

    def _tasks(self, request: Request, values: dict[str, str]) -> Response:
        params, tasks = request.params, self.account.tasks
        try:
            page = read_page(params, LARGEST_PAGE, self.options)
            ranges = read_ranges(params, ("date_created", "date_updated"))
        except BadParameter as error:
            return error.response()
        kind = params.get("_type__in") or params.get("_type") or "lead"
        view, searched = filtered(tasks, None if kind == "all" else frozenset(kind.split(",")), ranges, self.options)
        order, by_date = params.get("_order_by", ""), None
        if order not in ("date_created", "-date_created"):
            by_date = lambda number: (due_ms(number, tasks.created[number]), number)  # noqa: E731
        wanted = numbers_in(params.get("id__in") or params.get("id"), tasks)
        selection = Selection(
            view, ranges, "date_created", order in ("-date_created", "-date"),
            None if wanted is None else wanted.__contains__, wanted, by_date, searched,
        )  # fmt: skip
        return list_response(tasks, selection, page, total=True)


def _in_slice(number: int, part: tuple[int, int] | None) -> bool:
    return part is None or number % part[1] == part[0] - 1


def _named(number: int, words: list[str]) -> bool:
    return all(word.isdigit() and int(word) == number for word in words)
