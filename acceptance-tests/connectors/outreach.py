"""What the suite knows about source-outreach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from emulators.oddities.kinds import RELATIONS
from emulators.outreach.resources import BY_ID_ONLY, custom_objects, resources
from harness.connector import Connector, IdLists, OAuth, Scenario, Stream
from harness.odd_scenarios import IN_ROWS, ON_PAGES, everything, one_by_one

LOOKBACK = timedelta(hours=6)
# Large enough for several windows; the others are one page each.
WINDOWED = ("prospects", "mailings", "events", "calls")
CUSTOM = tuple(f"custom_object_{each.stream}" for each in custom_objects(2))


def streams() -> tuple[Stream, ...]:
    """All collections and custom objects, with the cursors that the documentation allows."""
    standard = [(each.stream, each) for each in resources().values()]
    custom = list(zip(CUSTOM, custom_objects(2), strict=True))
    return tuple(
        Stream(
            name,
            cursor=each.order,
            overlap=LOOKBACK if each.order else timedelta(0),
            touch=name if each.plural not in BY_ID_ONLY else "",
            sees_updates=each.order == "updatedAt",
            checkpoints_inside=name in WINDOWED,
            asked_for={"dataConnections": "provideDataConnections=true"},
        )
        for name, each in standard + custom
    )


def faults_happened(statistics: dict[str, Any]) -> list[str]:
    """Several kinds of faults were answered."""
    return [] if len(statistics["faults"]) >= 5 else [f"only these faults happened: {statistics['faults']}"]


def paced(statistics: dict[str, Any]) -> list[str]:
    """The read needed more than one window, and no request was sent while the budget was known to be spent."""
    violations = statistics["violations"]
    problems = [f"{len(violations)} requests in spite of a spent budget: {violations[:3]}"] if violations else []
    times = [moment for span in statistics["first_last"].values() for moment in span]
    return problems + ([] if max(times) - min(times) > 2.0 else ["the read did not exceed the limit"])


def answered(status: str) -> Callable[[dict[str, Any]], list[str]]:
    """The emulator gave such an answer, so the scenario happened."""
    return lambda statistics: [] if statistics["statuses"].get(status) else [f"no answer {status}"]


def rate_limited(form: str) -> Scenario:
    options = {"rate_limit": 40, "rate_window": 2.0, "rate_headers": form}
    return Scenario(f"it exceeds the rate limit, headers {form}", options, statistics=paced)


# Of each kind of order one, what an administrator has made, and what knows no filter. Audit logs have texts as ids, and
# nobody deletes them.
ID_STREAMS = ("prospects", "mailings", "events", "custom_object_my_custom_object", "recipients")
ODD_SIZE = {"prospects": 700, "mailings": 60, "sizes": {"calls": 300, "events": 60}, "largest_page": 50}

CONNECTOR = Connector(
    name="outreach",
    script="source-outreach",
    package="source_outreach",
    class_name="SourceOutreach",
    emulator="outreach",
    streams=streams(),
    # The emulator's largest page is also the page size of its config.
    small={"prospects": 1_500, "mailings": 1_200, "sizes": {"events": 700, "calls": 400}, "largest_page": 50},
    full={"prospects": 20_000, "mailings": 20_000, "sizes": {"events": 9_000, "calls": 9_000}, "others": 300},
    large={"prospects": 100_000, "mailings": 100},
    large_streams=("prospects", "users"),
    soak={"prospects": 1_000_000, "mailings": 100},
    soak_stream="prospects",
    # Pages of 1,000 prospects have 7 to 9 MB, 30 MB as objects.
    most_megabytes=160,
    invalid_config={"refresh_token": "refresh-wrong-0123456789"},
    drift={
        "drift": [
            {"stream": "prospects", "every": 1, "update": 9, "create": 2, "delete": 1},
            {"stream": "mailings", "every": 2, "update": 5, "create": 2, "delete": 1},
            {"stream": "calls", "every": 3, "update": 5, "create": 1, "delete": 1},
            {"stream": "users", "every": 9, "update": 1},
        ]
    },
    many_states={
        "prospects": 2_000,
        "mailings": 1_500,
        "sizes": {"events": 1_000, "calls": 1_000},
        "latency_ms": 20,
        "largest_page": 50,
    },
    slow_reader={"prospects": 3_000, "latency_ms": 5},
    refusable=("calls", "GET /calls"),
    late_index={"index_lag_seconds": 4.0},
    late_index_seconds=4.0,
    oauth=OAuth(
        short_lived={"token_lifetime": 2.0, "token_strict": True, "latency_ms": 120},
        long_lived={"token_strict": True, "token_interval": 60.0},
        config=lambda emulator: dict(emulator.config),
    ),
    # By updatedAt, by createdAt, by timestamp, and of what an administrator has made.
    touching=("prospects", "mailings", "events", "account_notes", "audit_logs", "custom_object_my_custom_object"),
    ids=IdLists(
        streams={name: (name, 1_000) for name in ID_STREAMS},
        sizes={"prospects": 3_500, "mailings": 2_200, "largest_page": 1_000},
        requests_beside=2,
        ways={
            "fieldsets are ignored": {"sparse_fields": False},
            "unknown names of a fieldset are refused": {"unknown_fields": 400},
            "nothing is counted": {"count_mode": "none"},
            "links point to the vendor": {"vendor_links": True},
        },
    ),
    scenarios=(
        Scenario("every fault comes at once", {"faults": {"all": 0.04}}, statistics=faults_happened),
        replace(rate_limited("epoch"), quick=True),
        Scenario("records have the shapes of real accounts", {"shape": "real"}),
        rate_limited("doubled"),
        rate_limited("delta"),
        rate_limited("iso"),
        rate_limited("only_429"),
        Scenario("twelve pages share one timestamp", {"ties": [600, 300]}, quick=True),
        Scenario("most changes are recent", {"recent_share": 0.7}),
        Scenario("rows are out of order", {"disorder_seconds": 7200}),
        Scenario("ranges return rows beyond their bound", {"beyond_bound": 7}, repeats_allowed=True),
        Scenario(
            "ranges are ignored", {"ignore_ranges": True, "prospects": 700, "mailings": 500}, says="ignored the filter"
        ),
        Scenario("nothing is counted", {"count_mode": "none"}),
        Scenario("counts are given up under load", {"count_mode": "truncated"}),
        Scenario("counts are capped", {"count_cap": 200}),
        Scenario(
            "pages above 13 records are too heavy",
            {"heavy_above": 13},
            {"heavy_above": 130},
            statistics=answered("502"),
        ),
        Scenario(
            "pages above 13 records end in time-outs",
            {"heavy_above": 13, "heavy_status": 504},
            {"heavy_above": 130},
            statistics=answered("504"),
        ),
        everything(unless=("timed_out_once",)),
        *one_by_one(
            {**ODD_SIZE, "others": 9},
            ("prospects", "calls", "users", "tasks"),
            rows=(*IN_ROWS, *RELATIONS),
            pages=(*ON_PAGES, "gap"),
        ),
        *one_by_one({**ODD_SIZE, "others": 1}, ("users", "tasks", "stages"), rows=(), pages=("data_object",)),
        Scenario("prospects are counted that are not there", {"phantoms": 234}, streams=("prospects",), says="234"),
        Scenario("links point to the vendor", {"vendor_links": True}),
        Scenario("imports are listed", {"imports_listed": True}),
        Scenario(
            "the root tells the organisation",
            {"root_tells_organisation": True, "sizes": {"audit_logs": 0}},
            streams=("org_settings",),
        ),
        Scenario("links to a CRM are refused", {"data_connections": "refused"}, says="onnections"),
        Scenario("links to a CRM are never given", {"data_connections": "ignored"}),
        Scenario(
            "unknown names of a fieldset are refused",
            {"unknown_fields": 400, "shape": "real"},
            streams=("prospects", "kaia_recordings", "accounts", "users"),
        ),
        Scenario("refresh tokens do not rotate", {"rotates": False}),
        Scenario("answers are compressed", {"gzip": True}),
    ),
)
