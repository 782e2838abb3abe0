"""What the suite knows about source-closeio."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson

from emulators.oddities.kinds import RELATIONS
from harness.connector import Connector, Deletions, IdLists, Lateness, OAuth, Scenario, Stream
from harness.odd_scenarios import ON_PAGES, everything, one_by_one
from harness.oddities import sent

LOOKBACK = timedelta(seconds=300)
ACTIVITIES_WINDOW = timedelta(seconds=86_400)
SEARCH = "POST /data/search/"
ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def event_of_the_vendor(record: dict[str, Any]) -> dict[str, Any]:
    """An event as the vendor gives it: `data` and `previous_data` as objects, timestamps without zone."""
    encoded = {
        name: orjson.loads(record[name]) for name in ("data", "previous_data") if isinstance(record.get(name), str)
    }
    event: dict[str, Any] = zoneless(record | encoded)
    return event


def zoneless(value: Any) -> Any:
    """A value with its times as the newer services give them: without zone."""
    if isinstance(value, dict):
        return {name: zoneless(part) for name, part in value.items()}
    if isinstance(value, list):
        return [zoneless(part) for part in value]
    if isinstance(value, str) and ZONED.fullmatch(value):
        return value.removesuffix("Z")
    return value


def seen(**least: int) -> Callable[[dict[str, Any]], list[str]]:
    """The scenario happened: the emulator answered with these statuses at least so often (`status_429=3`)."""

    def judge(statistics: dict[str, Any]) -> list[str]:
        counts = {name: statistics["statuses"].get(name.removeprefix("status_"), 0) for name in least}
        return [
            f"{name}: {counts[name]} times, not {number}" for name, number in least.items() if counts[name] < number
        ]

    return judge


def faults_happened(statistics: dict[str, Any]) -> list[str]:
    """Several kinds of faults were answered."""
    return [] if len(statistics["faults"]) >= 5 else [f"only these faults happened: {statistics['faults']}"]


def paced(statistics: dict[str, Any]) -> list[str]:
    """The read needed more than one window, and no request was sent while the budget was known to be spent."""
    violations = statistics["violations"]
    problems = [f"{len(violations)} requests in spite of a spent budget: {violations[:3]}"] if violations else []
    spans = [last - first for first, last in statistics["first_last"].values()]
    return problems + ([] if max(spans) > 1.0 else ["the read did not exceed the limit"])


def rate_limited(form: str) -> Scenario:
    options = {"rate_limit": 4, "rate_window": 1.0, "rate_headers": form}
    full = {"rate_limit": 40}
    return Scenario(f"it exceeds the rate limit, headers {form}", options, full, statistics=paced)


TIES = {
    "leads": 900, "activities": 600, "tasks": 400, "events": 400,
    "ties": [650], "activity_ties": [350], "task_ties": [120], "event_ties": [170],
}  # fmt: skip

# One import that no cursor gets through, and nothing to part it by.
UNPARTED_TIES = {**TIES, "leads": 1_000, "contacts": 800, "ties": [900], "contact_ties": [700]}

# Leads of the second cluster differ in date_created: the way out where a cursor does not get through one instant.
PARTED_TIES = {**TIES, "ties": [5, 650]}

ODD_SIZE = {"leads": 450, "activities": 500, "tasks": 200, "events": 200}
ODD_STREAMS = ("leads", "activities", "tasks", "event_log", "lead_statuses", "pipelines")

# Their custom fields are listed first.
WITH_FIELDS = ("leads", "contacts", "opportunities", "activities", "custom_activity_instances", "custom_objects")
FIELD_LISTS = tuple(
    f"/custom_field/{kind}/" for kind in ("lead", "contact", "opportunity", "activity", "shared", "custom_object_type")
)

ACTIVITY_TYPES = (
    "call", "email", "email_thread", "note", "sms", "meeting", "created", "task_completed", "lead_status_change",
    "opportunity_status_change", "lead_merge", "whatsapp_message", "form_submission",
)  # fmt: skip
TASK_TYPES = (
    "lead", "incoming_email", "email_followup", "missed_call", "answered_detached_call", "voicemail", "opportunity_due",
    "incoming_sms",
)  # fmt: skip
TYPED_ACTIVITIES = (*(f"{kind}_activities" for kind in ACTIVITY_TYPES), "custom_activity_instances")
TYPED_TASKS = tuple(f"{kind}_tasks" for kind in TASK_TYPES)

# Read whole in every sync.
LISTS = (
    "lead_custom_fields", "contact_custom_fields", "opportunity_custom_fields", "activity_custom_fields",
    "shared_custom_fields", "custom_object_custom_fields", "roles", "groups", "memberships", "lead_statuses",
    "opportunity_statuses", "email_templates", "sms_templates", "smart_views", "dialer", "send_as",
    "connected_accounts", "google_connected_accounts", "custom_email_connected_accounts", "zoom_connected_accounts",
    "phone_numbers", "blocked_phone_numbers", "email_bulk_actions", "edit_bulk_actions", "delete_bulk_actions",
    "sequence_subscription_bulk_actions", "integration_links", "webhooks", "outcomes", "forms",
    "scheduling_links", "shared_scheduling_links", "exports", "unsubscribed_emails", "comment_threads",
    "custom_field_schemas",
)  # fmt: skip
LISTS_WITHOUT_ZONES = (
    "custom_activities", "custom_object_types", "pipelines", "email_sequences", "sequence_subscriptions", "playbooks",
    "organizations",
)  # fmt: skip


def activities(name: str, touch: str = "", *, checkpoints_inside: bool = False) -> Stream:
    return Stream(
        name,
        cursor="date_created",
        overlap=ACTIVITIES_WINDOW,
        edited="date_updated",
        touch=touch,
        checkpoints_inside=checkpoints_inside,
    )


TOUCHING = (
    "leads", "custom_objects", "opportunities", "activities", "call_activities", "user_posts", "tasks", "event_log",
    "deleted_records",
)  # fmt: skip
LATE = ("leads", "contacts", "opportunities", "custom_objects", "activities", "tasks")

CONNECTOR = Connector(
    name="closeio",
    script="source-closeio",
    package="source_closeio",
    class_name="SourceCloseio",
    emulator="close",
    streams=(
        Stream("custom_fields"),
        Stream("leads", cursor="date_updated", overlap=LOOKBACK, touch="leads"),
        Stream("contacts", cursor="date_updated", overlap=LOOKBACK, touch="contacts"),
        Stream("opportunities", cursor="date_updated", overlap=LOOKBACK, touch="opportunities"),
        Stream(
            "custom_objects",
            cursor="date_updated",
            overlap=LOOKBACK,
            touch="custom_objects",
            checkpoints_inside=False,
        ),
        activities("activities", "activities", checkpoints_inside=True),
        Stream("tasks", cursor="date_updated", overlap=LOOKBACK, touch="tasks", checkpoints_inside=False),
        Stream("users"),
        Stream("event_log", cursor="date_updated", overlap=LOOKBACK, comparable=event_of_the_vendor),
        Stream("events", cursor="date_updated", overlap=LOOKBACK, comparable=zoneless),
        Stream("deleted_records", cursor="deleted_at", overlap=LOOKBACK, comparable=zoneless, checkpoints_inside=False),
        activities("user_posts", checkpoints_inside=True),
        activities("call_activities", "call_activities"),
        *(activities(name) for name in TYPED_ACTIVITIES if name != "call_activities"),
        *(Stream(name, cursor="date_updated", overlap=LOOKBACK, checkpoints_inside=False) for name in TYPED_TASKS),
        # In live accounts roles, dialer sessions and webhooks lack zones too.
        *(Stream(name, comparable=zoneless) for name in (*LISTS, *LISTS_WITHOUT_ZONES)),
    ),
    small={"leads": 450, "contacts": 480, "activities": 500, "tasks": 200, "events": 200},
    full={
        "leads": 20_000,
        "contacts": 24_000,
        "opportunities": 8_000,
        "custom_objects": 2_000,
        "activities": 30_000,
        "tasks": 5_000,
        "events": 5_000,
        "subscriptions": 5_000,
        "comment_threads": 200,
    },
    large={"leads": 100_000, "activities": 500, "tasks": 200, "events": 200},
    large_streams=("leads", "users"),
    soak={"leads": 1_000_000, "activities": 100, "tasks": 50, "events": 50},
    soak_stream="leads",
    invalid_config={"credentials": {"auth_type": "api_key", "api_key": "api_wrong.0123456789"}},
    drift={
        "drift": [
            {"stream": "leads", "every": 1, "update": 9, "create": 2, "delete": 1},
            {"stream": "activities", "every": 2, "update": 3, "create": 2, "delete": 1},
            {"stream": "tasks", "every": 2, "update": 5, "create": 1, "delete": 1},
            {"stream": "contacts", "every": 2, "update": 5, "create": 1, "delete": 1},
            {"stream": "opportunities", "every": 2, "update": 5, "create": 1, "delete": 1},
            {"stream": "lead_merges", "every": 20, "create": 1},
        ]
    },
    many_states={
        "leads": 12_000,
        "contacts": 4_000,
        "opportunities": 5_000,
        "activities": 6_000,
        "tasks": 300,
        "events": 600,
        "latency_ms": 20,
    },
    slow_reader={"cursor_seconds": 1.0, "leads": 12_000, "activities": 3_000, "latency_ms": 5},
    refusable=("tasks", "GET /task/"),
    asked_for_others={
        "deleted_records": ("/event/",),
        "user_posts": ("/activity/",),
        # The parents, in windows of its own. Other lists end in the same words.
        "comment_threads": ("/v1/activity/ (few fields)", "/v1/opportunity/ (few fields)"),
        **dict.fromkeys(WITH_FIELDS, FIELD_LISTS),
        # The second witness of what the search brings.
        **{name: (*(FIELD_LISTS if name in WITH_FIELDS else ()), "/event/ (filtered)") for name in LATE},
    },
    refused_with_it=TYPED_TASKS,
    late_index={"index_lag_seconds": 4.0},
    late_index_seconds=4.0,
    deletions=Deletions(
        stream="deleted_records",
        touches={"leads": 3, "contacts": 4, "opportunities": 3, "tasks": 3, "activities": 3},
        merges="lead_merges",
        many_states={"events": 3_000},
        ways={"as documented": {}, "a merge is a deletion too": {"merge_also_deletes": True}},
    ),
    lateness=Lateness(
        streams={name: name for name in LATE},
        config={},
        off={},
        witness="GET /event/",
        # Pages of 50 of what has happened in three hours, once for each stream and each type of its events.
        most_requests=20,
        by_id=tuple(f"GET /{path}/{{id}}/" for path in ("lead", "contact", "opportunity", "custom_object", "task")),
        told_at_once=tuple(name for name in LATE if name != "activities"),
    ),
    # By search, by windows on the creation, by windows on another date, from the event log, children of others.
    touching=TOUCHING,
    ids=IdLists(
        streams={
            "leads": ("leads", 200),
            "contacts": ("contacts", 200),
            "opportunities": ("opportunities", 200),
            "activities": ("call_activities", 100),
            "tasks": ("tasks", 1_000),
        },
        sizes={"leads": 1_200, "contacts": 1_200, "opportunities": 600, "activities": 900},
        requests_beside=5,
        ways={"the search is refused": {"refuse": {SEARCH: 403}}},
        whole_while_late=("leads", "contacts", "opportunities", "tasks"),
    ),
    oauth=OAuth(
        short_lived={"token_lifetime": 0.8, "latency_ms": 50, "leads": 3_000, "activities": 1_500},
        long_lived={"token_lifetime": 3600.0},
        config=lambda emulator: dict(emulator.ready["oauth_config"]),
    ),
    scenarios=(
        Scenario("every fault comes at once", {"faults": {"all": 0.04}}, statistics=faults_happened, quick=True),
        rate_limited("live"),
        Scenario("records have the shapes of real accounts", {"shape": "real"}),
        rate_limited("documented"),
        rate_limited("legacy"),
        rate_limited("only_429"),
        Scenario("three pages share one timestamp", TIES, quick=True),
        Scenario("ties are lost between cursor pages", {**TIES, "tie_loss": True}),
        # Subscriptions are listed per sequence without any filter: more than the cap cannot be read at all.
        Scenario(
            "max_skip is 500",
            {"maximum_skip": 500, "activities": 2_400, "activity_ties": [420]},
            {"subscriptions": 400},
        ),
        Scenario("cursors end early with null", {**PARTED_TIES, "early_null_cursor": 250}),
        Scenario("cursor walks end at 400 objects", {**PARTED_TIES, "cursor_walk": 400}),
        Scenario("cursors end early within one instant", {**UNPARTED_TIES, "early_null_cursor": 500}),
        Scenario("cursor walks end within one instant", {**UNPARTED_TIES, "ties": [600], "cursor_walk": 500}),
        Scenario("cursors move with the rows", {**TIES, "search_cursor": "offset"}),
        Scenario("cursors expire at once", {**PARTED_TIES, "cursor_seconds": 0.01, "latency_ms": 20}),
        Scenario("counts are capped", {**TIES, "count_cap": 100}),
        Scenario("the search refuses unknown fields", {"strict_fields": True}),
        Scenario(
            "the search is refused",
            {"refuse": {SEARCH: 403}},
            streams=("leads", "contacts", "activities", "call_activities"),
            statistics=seen(status_403=1),
            says="earch",
        ),
        Scenario("searches ignore the update of activities", {"search_updates": "ignored"}),
        Scenario("unknown filters of connected accounts are ignored", {"connected_type_filter": False}),
        Scenario("activities come in any order", {"ignore_order_by": True, "activities": 1_200}),
        Scenario("answers are compressed", {"gzip": True}),
        Scenario("events come without data", {"event_data_hours": 1.0}),
        everything(unless=(*RELATIONS, "timed_out_once")),
        *one_by_one(ODD_SIZE, ODD_STREAMS, pages=[kind for kind in ON_PAGES if kind != "twice_over_border"]),
        Scenario(
            "parents of threads come without an id",
            {**ODD_SIZE, "odd": {"row_without_id": 1.0}},
            streams=("comment_threads",),
            statistics=sent("row_without_id"),
            odd=True,
        ),
        # Only events, and searches within one instant, go on by cursors.
        *one_by_one({**TIES, "events": 6_000}, ODD_STREAMS, rows=(), pages=("gap", "twice_over_border")),
        *(
            Scenario(
                f"pages above 40 records are too heavy, {status}",
                {**ODD_SIZE, "heavy_above": 40, "heavy_status": status},
                ODD_SIZE,
                streams=ODD_STREAMS,
                statistics=sent("heavy"),
            )
            for status in (502, 504)
        ),
        Scenario(
            "max_skip is 500 in the newer words",
            {"maximum_skip": 500, "newer_caps": True, "activities": 2_400, "activity_ties": [420]},
            {"subscriptions": 400},
        ),
        Scenario("leads are counted that are not there", {"phantoms": 234}, streams=("leads",), says="234"),
    ),
)


def requests_by_stream(logs: list[str]) -> dict[str, str]:
    """Requests per stream from the summary lines of the log ("Stream leads: 3000 records, 17 requests ...")."""
    found = (re.search(r"Stream (\w+): \d+ records, (\d+) requests", line) for line in logs)
    return {match[1]: match[2] for match in found if match}
