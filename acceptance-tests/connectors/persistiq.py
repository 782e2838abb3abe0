"""What the suite knows about source-persistiq."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.closeio import faults_happened, paced, seen
from emulators.oddities.kinds import OUTSIDE, RELATIONS
from harness.connector import Connector, IdLists, Scenario, Stream
from harness.odd_scenarios import IN_ROWS, ON_PAGES, everything, one_by_one
from harness.rate_checks import windows_used

LAG = timedelta(seconds=120)
REPLY_LOOKBACK = timedelta(days=1)


def lead_of_the_truth(record: dict[str, Any]) -> dict[str, Any]:
    """PersistIQ does not show when a lead changed, so the connector fills `updated_at` by its own clock rule. The
    emulated leads note the true time in a custom field, which judges both."""
    return record | {"updated_at": record["data"]["Revised At"]}


def the_only_one(record: dict[str, Any]) -> str:
    """The settings of the webhook integration are one object without a key."""
    return "settings"


def rate_limited(form: str, **options: Any) -> Scenario:
    # Resets are told by the clock, so it runs.
    limits = {"rate_limit": 12, "rate_window": 1.0, "rate_headers": form, "clock_stands": False, **options}
    # Without headers the documented 100 requests a minute hold, at which a large account takes a quarter of an hour.
    full = {"rate_limit": 60} if form == "epoch" else SMALL
    return Scenario(
        f"it exceeds the rate limit, headers {form} {' '.join(options)}".strip(), limits, full, statistics=paced
    )


def forms_of_next_page() -> list[Scenario]:
    """`has_more` has the say, whatever next_page holds; nothing is asked of a foreign host (there is none here)."""
    forms = ("page_only", "relative", "number", "digits", "foreign", "null", "absent", "same", "always")
    return [Scenario(f"next_page is {form}", {"next_page": form}) for form in forms]


SMALL = {"leads": 950, "events": 1_800, "campaigns": 8, "campaign_leads": 110, "replies": 60, "dnc_domains": 130}
FULL = {"leads": 20_000, "events": 80_000, "campaigns": 40, "campaign_leads": 300, "replies": 90}
ODD_SIZE = {"leads": 450, "events": 1_300, "campaigns": 3, "replies": 60, "dnc_domains": 130}
MANY = {"leads": 1_900, "events": 24_000, "campaigns": 12, "replies": 80, "latency_ms": 20}
DRIFT = [
    {"stream": "leads", "every": 1, "update": 9, "create": 2, "delete": 1},
    {"stream": "campaign_leads", "every": 3, "create": 1, "delete": 1},
    {"stream": "campaign_replies", "every": 2, "create": 1},
    {"stream": "events", "every": 1, "create": 3},
]
MOVES = {
    "move": {"stream": "leads", "every": 2, "update": 5, "times": 4},
    "are deleted": {"stream": "leads", "every": 2, "delete": 3, "times": 4},
}


def moving_leads() -> list[Scenario]:
    """Leads that change or go while their pages are read, in every order that PersistIQ may have."""
    return [
        Scenario(
            f"leads {what}, {order}",
            options={"lead_order": order, "drift": [rule]},
            streams=("leads",),
            repeats_allowed=True,
        )
        for order in ("updated_desc", "updated_asc", "created_desc", "created_asc", "id")
        for what, rule in MOVES.items()
    ]


CONNECTOR = Connector(
    name="persistiq",
    script="source-persistiq",
    package="source_persistiq",
    class_name="SourcePersistiq",
    emulator="persistiq",
    streams=(
        Stream("users"),
        Stream("mailboxes"),
        Stream(
            "leads",
            cursor="updated_at",
            overlap=LAG,
            touch="leads",
            checkpoints_inside=False,
            comparable=lead_of_the_truth,
        ),
        Stream("campaigns"),
        Stream("campaign_leads"),
        Stream(
            "campaign_replies",
            cursor="sent_at",
            overlap=LAG + REPLY_LOOKBACK,
            touch="campaign_replies",
            sees_updates=False,
        ),
        Stream("events", cursor="event_at", overlap=LAG, touch="events", sees_updates=False),
        Stream("lead_statuses"),
        Stream("lead_fields"),
        Stream("dnc_domains"),
        Stream("tags"),
        Stream("webhook_plugin", identity=the_only_one),
    ),
    # The states follow the vendor's clock: it stands where two reads are compared.
    small={**SMALL, "clock_stands": True},
    full={**FULL, "clock_stands": True},
    large={"leads": 100_000, "events": 1_000, "campaigns": 4},
    large_streams=("leads", "users"),
    soak={"leads": 1_000_000, "events": 100, "campaigns": 4},
    soak_stream="leads",
    # Of each lead 30 bytes are kept, to tell what moved.
    most_megabytes=105,
    invalid_config={"api_key": "pk_wrong0123456789"},
    drift={"drift": DRIFT},
    many_states={**MANY, "clock_stands": False},
    slow_reader={"leads": 4_000, "events": 9_000, "latency_ms": 5},
    refusable=("tags", "GET /tags"),
    asked_for_others={
        "campaign_leads": ("/campaigns",),
        "campaign_replies": ("/campaigns", "/replies for a test"),
        "events": ("/events for a test",),
        "leads": ("/leads for a test",),
    },
    # The time of a lead is that of the walk that saw it: it has no past to be parted.
    touching=("events", "campaign_replies"),
    ids=IdLists(
        streams={name: (name, 100) for name in ("leads", "campaigns", "dnc_domains", "users")},
        sizes={"leads": 2_000, "dnc_domains": 300, "campaigns": 20},
        # Pages that are asked for before the end is known, and some of those that have been, again.
        requests_beside=8,
    ),
    scenarios=(
        Scenario("every fault comes at once", {"faults": {"all": 0.04}}, statistics=faults_happened),
        replace(rate_limited("epoch"), quick=True),
        Scenario("records have the shapes of real accounts", {"shape": "real"}),
        rate_limited("epoch_429"),
        rate_limited("none"),
        rate_limited("epoch", rate_style="sliding"),
        rate_limited("none", retry_after=True),
        # A minute takes twenty seconds to fill: whoever waits for a minute after its last request misses every fourth.
        Scenario(
            "a sliding minute is told without its end",
            {
                "campaigns": 90, "campaign_leads": 2, "replies": 0, "rate_limit": 60, "rate_style": "sliding",
                "latency_ms": 650,
            },
            {"campaigns": 360},
            config={"num_workers": 2},
            streams=("campaigns", "campaign_leads"),
            statistics=windows_used("every key", 57),
        ),
        *forms_of_next_page(),
        Scenario("has_more is absent", {"has_more": False}),
        Scenario("leads come oldest change first", {"lead_order": "updated_asc", "event_order": "asc"}),
        Scenario("leads come newest first", {"lead_order": "created_desc", "event_order": "asc"}),
        Scenario("rows come in no order of time", {"lead_order": "id", "event_order": "mixed"}),
        Scenario("all leads share one time of change", {"lead_ties": 950}),
        Scenario("events have the other shape", {"event_shape": "oas"}),
        Scenario("leads carry updated_at", {"send_updated_at": True}),
        Scenario("users carry no mailboxes", {"mailboxes": False}),
        Scenario("pages beyond the end are 404", {"beyond_end": "404", "latency_ms": 5, "latency_jitter_ms": 4}),
        Scenario("time filters are ignored", {"ignore_filters": True}, says="ignored updated_after"),
        *(
            Scenario(
                f"{' and '.join(names)} of events ignored, {order}",
                {"ignored_filters": names, "event_order": order},
                streams=("events",),
                says="ignored start_at or end_at",
            )
            for names in (["start_at", "end_at"], ["end_at"], ["start_at"])
            for order in ("asc", "desc", "mixed")
        ),
        Scenario("times in the future are refused", {"future_dates": "400"}, streams=("leads", "events")),
        Scenario("some campaigns are gone", {"gone_campaigns": 2}, statistics=seen(status_404=4), says="passed over"),
        Scenario("the vendor's clock is three days behind", {"clock_offset": -259_200.0}),
        Scenario("answers have no Date", {"date_header": False}),
        Scenario("answers are compressed", {"gzip": True}),
        *moving_leads(),
        everything(unless=(*RELATIONS, "timed_out_once")),
        *one_by_one(
            {**ODD_SIZE, "tags": 1},
            ("leads", "events", "campaign_replies", "dnc_domains", "tags"),
            rows=(*IN_ROWS, OUTSIDE),
            pages=(*ON_PAGES, "gap", "data_object"),
        ),
    ),
)  # fmt: skip
