"""Options of the Close emulator."""

from __future__ import annotations

from dataclasses import dataclass

from emulators.options import Options, option


@dataclass
class CloseOptions(Options):
    """Sizes, and the ways in which Close differs from account to account or from its documentation."""

    leads: int = option(300, "number of leads", start_only=True)
    activities: int = option(500, "number of activities, email threads included", start_only=True)
    tasks: int = option(200, "number of tasks of all types", start_only=True)
    events: int = option(300, "number of events in the last 30 days", start_only=True)
    contacts: int = option(360, "number of contacts", start_only=True)
    opportunities: int = option(150, "number of opportunities", start_only=True)
    custom_objects: int = option(60, "number of custom objects", start_only=True)
    subscriptions: int = option(150, "number of subscriptions to sequences", start_only=True)
    comment_threads: int = option(20, "number of threads of comments, on activities and opportunities", start_only=True)
    small_lists: bool = option(True, "whether templates, sequences, views and the like exist", start_only=True)
    old_events: int = option(20, "events older than 30 days, which nobody can see", start_only=True)
    users: int = option(12, "number of users", start_only=True)
    custom_fields: int = option(12, "number of custom fields of leads", start_only=True)
    days: int = option(400, "days over which the records were created and updated", start_only=True)
    ties: list[int] = option([], "cluster sizes of leads that share one date_updated", start_only=True)
    contact_ties: list[int] = option([], "cluster sizes of contacts that share one date_updated", start_only=True)
    activity_ties: list[int] = option([], "cluster sizes of activities that share one date_created", start_only=True)
    task_ties: list[int] = option([], "cluster sizes of tasks that share one date_created", start_only=True)
    event_ties: list[int] = option([], "cluster sizes of events that share one date_updated", start_only=True)

    maximum_skip: int = option(250_000, "largest accepted _skip")
    newer_caps: bool = option(False, "caps of _limit and _skip are refused in the words of 2026")
    cursor_seconds: float = option(30.0, "life of a search cursor")
    cursor_walk: int = option(10_000, "objects that one search cursor walk yields")
    search_cursor: str = option("keyset", "how a cursor goes on: keyset (after the last row), offset (rows may move)")
    tie_loss: bool = option(False, "with one sort key, rows sharing the last value of a page are lost at its end")
    early_null_cursor: int = option(0, "end a walk with cursor null after so many rows, 0 for never")
    count_cap: int = option(0, "largest count that include_counts gives, 0 for no cap")
    strict_fields: bool = option(False, "refuse unknown names in _fields of a search with 400")
    unsearchable: list[str] = option([], "object types whose search is refused with 400")
    search_updates: str = option("honoured", "date_updated of activities in searches: honoured, ignored, refused")
    connected_type_filter: bool = option(True, "/connected_account/ knows the filter _type")
    event_type_alone: bool = option(True, "/event/ takes object_type alone, which is not documented")
    merge_also_deletes: bool = option(False, "a merge of leads also logs the source as deleted")
    index_lag_seconds: float = option(0.0, "time after which the search index sees a write")
    late_share: float = option(0.0, "share of the records whose writes it and filtered lists see late")
    late_seconds: float = option(0.0, "how late that is; events, id__in and a GET by id tell at once")
    ignore_order_by: bool = option(False, "/activity/ ignores _order_by")
    event_data_hours: float = option(0.0, "events older at the start come without data (non-admins: 1); 0: all have it")
    consolidate_seconds: float = option(5.0, "an edit so soon after the last moves that event instead")
    rate_body: bool = option(False, "429 with the old body that holds rate_reset")
    bearer_api_key: bool = option(False, "accept the API key as a bearer token")
    token_lifetime: float = option(3600.0, "seconds that an access token lives")
    token_strict: bool = option(True, "a refresh token can be used once")
    token_status: int = option(200, "status of a good answer of the token endpoint")
    token_refusals: int = option(0, "mints refused first, since another process has used the refresh token")
    token_hold_seconds: float = option(0.0, "time that the token endpoint takes")
    token_interval: float = option(0.0, "seconds that must lie between two mints")
