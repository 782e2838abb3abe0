"""Options of the Outreach emulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulators.options import Options, option

S2S_SCOPES = [
    "accounts", "auditLogs", "calls", "events", "imports", "kaiaRecordings", "mailings", "opportunities", "prospects",
    "sequenceStates", "sequences", "snippets", "tasks", "templates", "users", "webhooks",
]  # fmt: skip
"""What the portal offers an app: webhooks as `all`, the others as `read`."""


@dataclass
class OutreachOptions(Options):
    """Sizes of the account, and one option for each point on which the documentation is silent or sources differ."""

    rate_headers: str = option("epoch", "header form: epoch, doubled, delta, iso, none, only_429")
    prospects: int = option(450, "number of prospects", start_only=True)
    mailings: int = option(400, "number of mailings", start_only=True)
    others: int = option(36, "number of records of each other collection", start_only=True)
    sizes: Any = option({}, "stream name to another number of records", start_only=True)
    custom_objects: int = option(2, "number of custom objects, 0 to 2", start_only=True)
    custom_object_names: list[str] = option([], "names of further custom objects", start_only=True)
    entities: str = option("many", "toEntitiesId and its like of mailings are: many, one", start_only=True)
    timeless: int = option(
        0, "records of each collection with an updatedAt of null; no range has them", start_only=True
    )
    null_filter: bool = option(True, "filters know __null__ and __notnull__, instead of a 422")
    days: int = option(400, "days over which the records were created and updated", start_only=True)
    ties: list[int] = option([], "cluster sizes of records that share one updatedAt", start_only=True)
    recent_share: float = option(
        0.0, "part of the records whose updatedAt lies in the last hundredth of the time", start_only=True
    )
    largest_page: int = option(1000, "largest page[size]")
    clamp_page: bool = option(False, "a page[size] above it counts as the largest, instead of a 422")
    heavy_streams: list[str] = option([], "only these collections are heavy; empty: all")
    count_mode: str = option("exact", "count=true gives: exact, truncated (0 under load), none (null)")
    count_cap: int = option(2_000_000, "largest count")
    ignore_filters: bool = option(False, "filters that a collection does not know are ignored, instead of a 422")
    ignore_ranges: bool = option(False, "filters on times are ignored too, and the whole collection is returned")
    disorder_seconds: int = option(0, "one row in nine is indexed so many seconds before or after its updatedAt")
    shown_ranges: bool = option(False, "ranges go by the updatedAt of such a row, and only the order by its index")
    beyond_bound: int = option(0, "rows beyond its upper bound that a range returns too")
    index_lag_seconds: float = option(0.0, "time after which lists see a write")
    late_share: float = option(0.0, "part of the writes that lists see later than that")
    late_seconds: float = option(21_600.0, "how much later at most; each by chance")
    clock_ahead: float = option(0.0, "seconds by which the vendor's clock is ahead of this machine's")
    data_connections: str = option("given", "provideDataConnections is: given, refused (400), ignored")
    more_connections: bool = option(False, "every record has one more link to the CRM, and the updatedAt it had")
    sparse_fields: bool = option(True, "fields[type] is honoured, instead of ignored")
    unknown_fields: int = option(0, "status where fields[type] has an unknown name, 0 to ignore the name")
    vendor_links: bool = option(False, "links point to api.outreach.io, whatever host was asked")
    require_content_type: bool = option(True, "415 for requests without the media type of JSON:API")
    deny_scopes: list[str] = option([], "resources whose read scope the token lacks")
    deny_profile: list[str] = option([], "resources that the user's governance profile forbids")
    imports_listed: bool = option(False, "GET /imports answers with a list")
    root_tells_organisation: bool = option(False, "GET /api/v2 names the organisation")
    token_lifetime: float = option(7200.0, "seconds that an access token lives")
    token_strict: bool = option(False, "a refresh token can be used once")
    token_status: int = option(200, "status of a good answer of the token endpoint")
    token_refusals: int = option(0, "mints refused first, since another process has used the refresh token")
    token_hold_seconds: float = option(0.0, "time that the token endpoint takes")
    token_interval: float = option(0.0, "seconds that must lie between two mints (60 at Outreach)")
    rotates: bool = option(True, "a refresh gives a new refresh token")
    s2s: bool = option(False, "an app can sign in server to server; makes a key pair", start_only=True)
    s2s_host: str = option("", "the organisation's API in the answer to a sign-in; empty: this one")
    s2s_scopes: list[str] = option(S2S_SCOPES, "resources that an app may read")
    s2s_lifetime: float = option(3600.0, "seconds that an app's access token lives")
    s2s_status: int = option(0, "status that refuses an app its access token: 401, 403, 404, 410, 429")
    s2s_refusals: int = option(0, "how often it does; 0 for ever")
    setup_lifetime: float = option(900.0, "seconds that the setup token lives", start_only=True)
    uninstalled: bool = option(False, "the organisation has removed the app")
    requests_per_day: int = option(0, "requests after which the plan answers 429 until midnight, 0 for no limit")
