"""What the suite knows about source-kustomer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from connectors.closeio import seen
from emulators.oddities.kinds import RELATIONS
from harness.connector import BeyondAList, Connector, Deletions, IdLists, Lateness, Scenario, Stream
from harness.odd_scenarios import IN_ROWS, ON_PAGES, everything, one_by_one
from harness.oddities import sent
from harness.rate_checks import windows_used

LOOKBACK = timedelta(seconds=300)
# Lists know no dates: `start_date` does not narrow them, and a STATE only keeps unchanged rows from being emitted.
WHOLE = timedelta(days=36_500)
SEARCH = "POST /customers/search"

MANY = ("messages", "companies")
SEARCHED = ("companies", "conversations", "customers", "messages", "notes", "kobjects")
LISTED = (
    "users", "teams", "tags", "shortcuts", "klasses", "brands", "queues", "queue_rules", "work_sessions",
    "satisfaction", "schedules", "role_groups", "cards", "notifications", "snoozes", "kb_articles", "kb_categories",
    "routing_settings", "routing_statuses",
)  # fmt: skip
AUDITED = ("audit_logs", "deleted_records", "record_history")
CHILDREN = ("attachments", "conversation_events", "work_items", "satisfaction_responses", "customer_merges")
KLASSES = ("kobject_order", "kobject_retired", "kobject_shopify_order", "kobject_ticket")


def no_writes(statistics: dict[str, Any]) -> list[str]:
    """Nothing was sent that could create a record."""
    return [] if statistics["writes"] == 0 else [f"{statistics['writes']} writes"]


def faults_happened(statistics: dict[str, Any]) -> list[str]:
    """Several kinds of faults were answered."""
    return [] if len(statistics["faults"]) >= 5 else [f"only these faults happened: {statistics['faults']}"]


def refusals(most: int) -> Callable[[dict[str, Any]], list[str]]:
    """At most so many searches were refused, and the searches took more than one window."""

    def judge(statistics: dict[str, Any]) -> list[str]:
        refused, windows = statistics["refusals"]["search"], statistics["window_use"]["search"]
        problems = [f"{refused} searches were refused"] if refused > most else []
        problems += (
            [f"requests in spite of a spent budget: {statistics['violations'][:3]}"] if statistics["violations"] else []
        )
        return problems + ([] if len(windows) > 1 else ["the searches did not exceed one window"])

    return judge


def listed(least: int) -> Callable[[dict[str, Any]], list[str]]:
    """The list of customers was asked at least so often."""

    def judge(statistics: dict[str, Any]) -> list[str]:
        asked = statistics["by_group"].get("GET /customers", 0)
        return [] if asked >= least else [f"the list of customers was asked {asked} times, not {least}"]

    return judge


# So many of the last two years that it is worth asking the list, three pages of which share a timestamp.
LISTABLE = {"customers": 2_600, "days": 700, "ties": [1_600, 600], "lists_show_deleted": True}
SMALL = {
    "customers": 60, "conversations": 60, "messages": 700, "notes": 620, "companies": 150, "kobjects": 150,
    "conversation_times": 150, "audit_logs": 120,
}  # fmt: skip
TIES = {"conversations": 2_600, "messages": 2_600, "ties": [1_600, 600]}
ODD_STREAMS = ("messages", "companies", "notes", "tags", "conversation_events")
LARGE_STREAMS = (*SEARCHED, "conversation_times", *KLASSES)

DELETABLE = ("customers", "conversations", "companies", "messages", "notes", "kobjects")


def is_there(record: dict[str, Any]) -> bool:
    """Searches show deleted records, flagged."""
    return not record.get("deleted")


# Lists end here, not at 10,000 rows, so that small accounts have more. The connector knows the end at 10,000; to find
# this one it asks for a page that is refused.
END_OF_LISTS = 200
LIST_WALK = END_OF_LISTS // 100 + 1
# Two years, and as many days less as the connector allows for a border that is not exactly there. What began later has
# no notes that a search does not find.
OLD = timedelta(days=728)


def asks_for_notes(conversation: dict[str, Any]) -> int:
    """The requests for the notes of one conversation, where it is old and has some."""
    is_old = datetime.fromisoformat(conversation["created_at"]) < datetime.now(UTC) - OLD
    return ceil(conversation["note_count"] / 100) if is_old else 0


def asks_for_edges(company: dict[str, Any]) -> int:
    """The requests for the edges below one company; none of the suite has more than a page of them."""
    return int(is_there(company))


CONNECTOR = Connector(
    name="kustomer",
    script="source-kustomer",
    package="source_kustomer",
    class_name="SourceKustomer",
    emulator="kustomer",
    streams=(
        # A page has 500 records; only messages and companies have many states in the suite's accounts.
        *(
            Stream(name, cursor="updated_at", overlap=LOOKBACK, touch=name, checkpoints_inside=name in MANY)
            for name in SEARCHED
        ),
        *(Stream(name, cursor="updated_at", overlap=LOOKBACK, checkpoints_inside=False) for name in KLASSES),
        Stream("conversation_times", cursor="created_at", overlap=LOOKBACK, checkpoints_inside=False),
        *(Stream(name, cursor="updated_at", overlap=WHOLE, checkpoints_inside=False) for name in LISTED),
        Stream("slas", cursor="created_at", overlap=WHOLE, checkpoints_inside=False),
        Stream("sla_versions", cursor="created_at", overlap=WHOLE, checkpoints_inside=False),
        Stream("custom_attributes"),
        Stream("company_edges", cursor="updated_at", overlap=WHOLE, checkpoints_inside=False),
        Stream("audit_logs", cursor="created_at", touch="audit_logs", sees_updates=False, checkpoints_inside=False),
        Stream("deleted_records", cursor="deleted_at", checkpoints_inside=False),
        Stream("record_history", cursor="created_at", checkpoints_inside=False),
        *(
            Stream(name, cursor="parent_updated_at", overlap=LOOKBACK, checkpoints_inside=False) for name in CHILDREN
        ),
    ),
    small=SMALL,
    full={
        "customers": 2_000, "conversations": 2_000, "messages": 20_000, "notes": 20_000, "companies": 20_000,
        "kobjects": 20_000, "conversation_times": 20_000, "audit_logs": 3_000,
    },
    large={"customers": 20_000, "conversations": 100_000, "messages": 100, "notes": 100, "ties": [1_600, 12_000]},
    large_streams=("customers", "conversations"),
    soak={"customers": 100, "conversations": 100, "messages": 1_000_000, "notes": 100},
    soak_stream="messages",
    invalid_config={"api_key": "eyJhbGciOiJIUzI1NiJ9.wrong.0123456789"},
    # Records move after requests, and children are asked again for parents that moved: without an end to it, a large
    # account would be read for ever.
    drift={
        "drift": [
            {"stream": "conversations", "every": 3, "update": 5, "create": 1, "delete": 1, "times": 60},
            {"stream": "messages", "every": 3, "update": 5, "create": 1, "delete": 1, "times": 60},
            {"stream": "notes", "every": 4, "update": 3, "create": 1, "times": 60},
            {"stream": "customers", "every": 5, "update": 2, "create": 1, "times": 60},
        ]
    },
    many_states={"customers": 300, "conversations": 300, "messages": 6_000, "companies": 4_000, "latency_ms": 5},
    slow_reader={"messages": 12_000, "notes": 9_000},
    refusable=("tags", "GET /tags"),
    asked_for_others={
        **{name: ("search conversation", "search customer") for name in CHILDREN},
        # Entries become records of these only where they tell of what they look for, in windows of their own.
        **dict.fromkeys(("deleted_records", "record_history"), ("/audit-logs",)),
    },
    late_index={"index_lag_seconds": 4.0},
    late_index_seconds=4.0,
    deletions=Deletions(
        stream="deleted_records",
        touches={"customers": 4, "conversations": 3, "companies": 3, "messages": 5},
        merges="customer_merges",
        many_states={"audit_logs": 6_000},
        ways={
            "as documented": {},
            "filters are ignored": {"ignored_audit_filters": ["*"]},
            "deletions are updates": {"deletes_as_updates": ["company", "customer"]},
            "a merge is an entry of the source": {"merge_log": "source"},
            "a merge is an entry of the target": {"merge_log": "target"},
        },
    ),
    lateness=Lateness(
        streams={name: name for name in SEARCHED},
        config={"deep_lookback_hours": 6, "lookback_interval_hours": 0},
        off={"deep_lookback_hours": 0},
        witness=SEARCH,
        most_requests=2 * len(SEARCHED),
    ),
    # By search, of kobjects by class, of archives, from the audit log; lists know no filter and are read whole.
    touching=("customers", "messages", KLASSES[0], "conversation_times", "audit_logs", "record_history"),
    ids=IdLists(
        # Old notes are in no search for ids: lists have them, in pages of a hundred that are walked twice.
        streams={name: (name, 50 if name == "notes" else 500) for name in DELETABLE},
        sizes={"customers": 2_400, "conversations": 1_200, "companies": 600},
        # Beyond the 10,000 that a list gives out each old conversation is asked for its notes (`beyond_a_list`).
        full={"notes": 6_000},
        # What is counted and whether ids come alone, the border of the archive, and the open end.
        requests_beside=8,
        exists=is_there,
        ways={"ids only are ignored": {"ids_only": "ignored"}, "ids only are refused": {"ids_only": "refused"}},
        # The README's table of requests; no search has more than a page.
        beyond_a_list={
            "notes": BeyondAList(
                {"conversations": 200, "notes": 300, "list_cap": END_OF_LISTS},
                parents="conversations", group="GET /conversations/{id}/notes", asks=asks_for_notes,
                requests_beside=LIST_WALK + 10,
            ),
            "company_edges": BeyondAList(
                {"companies": 400, "list_cap": END_OF_LISTS},
                parents="companies", group="GET /kedge/{id}/children", asks=asks_for_edges,
                requests_beside=LIST_WALK + 10,
            ),
        },
    ),
    scenarios=(
        # Beyond the 10,000 edges that a list gives out each company is asked for its own: 20,000 requests, of which
        # each sixth fails.
        Scenario("every fault comes at once", {"faults": {"all": 0.02}}, {"companies": 8_000},
                 statistics=faults_happened),
        Scenario("three pages share one timestamp", TIES, streams=LARGE_STREAMS, statistics=no_writes,
                 quick=True),
        Scenario("records have the shapes of real accounts", {"shape": "real"}),
        Scenario("ties come in another order each time", {**TIES, "unstable_ties": True}, streams=LARGE_STREAMS),
        Scenario("12,000 share one timestamp", {"messages": 13_000, "ties": [12_000]}, streams=("messages",)),
        Scenario("searches come in no order", {"messages": 11_000, "unsorted": ["*"]}, streams=("messages",)),
        Scenario("nothing is capped", {"result_window": 0, "total_cap": 0, "limit_headers": "always"}),
        Scenario("years have 365.5 days", {"archive_days": 731.0}),
        Scenario(
            "companies, times and attachments cannot be searched",
            {"refuse_attributes": ["company_updated_at", "message_attachment_count"], "time_context": ""},
            full={"companies": 8_000},  # a list gives out 10,000
            says="asking every conversation",
        ),
        Scenario("messages with attachments are found", {"days": 700}, streams=("attachments",)),
        # The archive does not know the attribute.
        Scenario("messages with attachments are found, and there are archived ones", {"messages": 70},
            streams=("attachments",)),
        Scenario(
            "attachments are not counted",
            {"unfilled_attributes": ["message_attachment_count"], "days": 700},
            streams=("attachments",),
            says="Kustomer finds no message with attachments",
        ),
        Scenario("klasses have attributes of their own", {"klass_prefix": True}, streams=KLASSES),
        Scenario(
            "klasses have attributes of their own outside the archive",
            {"klass_prefix": True, "klass_prefix_in_archive": False},
            streams=KLASSES,
        ),
        Scenario("lists and children go on by cursors", {"cursor_page": 2}, streams=(*LISTED, *CHILDREN)),
        Scenario("lists end at 500 records", {"list_cap": 500}, says="Kustomer does not list all old notes"),
        Scenario(
            "the other forms are sent",
            {
                "attachment_links": True, "metadata_list": True, "oversize": "refuse", "error_form": "jsonapi",
                "gone_parents": True,
            },
            statistics=seen(status_404=1),
        ),
        Scenario(
            "searches are limited as configured",
            {"messages": 5_500, "rate_limits": {"search": [10, 60]}, "days": 700},
            config={"search_requests_per_minute": 9},
            streams=("messages",),
            statistics=refusals(0),
        ),
        Scenario(
            "searches are limited more than configured",
            {"messages": 5_500, "rate_limits": {"search": [10, 60]}, "days": 700},
            config={"search_requests_per_minute": 95},
            streams=("messages",),
            statistics=refusals(8),
        ),
        # A window takes twenty seconds to fill: whoever waits for a minute after its last request misses every fourth.
        Scenario(
            "the organisation's windows of the clock are told without their end",
            {"conversations": 90, "rate_limit": 60, "rate_window": 60.0, "rate_style": "clock", "latency_ms": 650},
            {"conversations": 360},
            config={"num_workers": 2},
            streams=("conversation_events",),
            statistics=windows_used("organisation", 57),
        ),
        *(
            Scenario(name, {**LISTABLE, **options}, streams=("customers",), statistics=listed(least))
            for name, options, least in (
                ("customers are listed by filters", {"ties": []}, 26),
                ("customers cannot be listed by filters", {"filtered_lists": []}, 1),
                ("filters of customers are refused", {"filtered_lists": [], "unknown_filters": "refused"}, 1),
                ("filtered lists ignore when customers were created", {"ignored_list_filters": ["createdAt"]}, 10),
                ("filtered lists ignore when customers changed", {"ignored_list_filters": ["updatedAt"]}, 1),
                ("filtered lists ignore where windows begin", {"ignored_list_filters": ["[gte]"]}, 1),
                ("filtered lists ignore where windows end", {"ignored_list_filters": ["[lt]"]}, 2),
                ("filtered lists come in no order", {"unsorted": ["GET /customers"]}, 26),
                ("three pages of filtered lists share one timestamp", {}, 26),
                ("12,000 of a filtered list share one timestamp", {"customers": 15_000, "ties": [12_000]}, 26),
                ("ties of filtered lists come in another order each time", {"unstable_ties": True}, 26),
                ("filtered lists hide what is deleted", {"lists_show_deleted": False}, 2),
                (
                    "filtered lists end with the archive",
                    {"customers": 9_000, "days": 1_000, "lists_reach_archive": False}, 26,
                ),
                ("filtered lists end at 500 records", {"list_cap": 500}, 2),
            )
        ),
        # Longer than a page, so that it is read by windows of time.
        *(
            Scenario(
                f"the audit log ignores {what}",
                {"audit_logs": 1_500, "days": 80, "ignored_audit_filters": [ignored]}, streams=AUDITED,
            )
            for what, ignored in (("filters", "*"), ("where windows begin", "start"), ("where windows end", "end"))
        ),
        Scenario("companies are deleted by updates", {"deletes_as_updates": ["company"]}, streams=AUDITED),
        Scenario("entries of the audit log live a month", {"audit_days": 30.0}, streams=AUDITED),
        Scenario("edges of companies are not listed", {"edges_listed": False}, streams=("company_edges",)),
        Scenario(
            "times of conversations are older than two years",
            {"conversation_times": 600},
            config={"archived_conversation_times": True},
            streams=("conversation_times",),
            truths={"conversation_times": "all_conversation_times"},
            says="onversation",
        ),
        # Each of 20,000 companies would be asked for its edges: more than a quarter of an hour.
        everything(full={"companies": 4_000}),
        *one_by_one(
            {**SMALL, "messages": 2_600},
            ODD_STREAMS,
            rows=(*IN_ROWS, *RELATIONS),
            pages=(*ON_PAGES, "timed_out_once"),
        ),
        # Pages that follow a first one are asked for within one instant only.
        *one_by_one({**SMALL, **TIES}, ODD_STREAMS, rows=(), pages=("gap",)),
        # Alone: where others ask for entries that are no records of theirs, nobody can tell whose an entry was.
        Scenario(
            "entries come without an id", {"audit_logs": 1_500, "days": 80, "odd": {"row_without_id": 1.0}},
            streams=("audit_logs",), statistics=sent("row_without_id"), odd=True,
        ),
        *one_by_one({**SMALL, "small": 1}, ("tags", "teams", "brands"), rows=(), pages=("data_object",)),
        Scenario(
            "pages above 40 records are too heavy",
            {**SMALL, "heavy_above": 40, "heavy_status": 504},
            SMALL,
            streams=ODD_STREAMS,
            statistics=sent("heavy"),
        ),
        Scenario("messages are counted that are not there", {"phantoms": 234}, streams=("messages",), says="234"),
    ),
)  # fmt: skip
