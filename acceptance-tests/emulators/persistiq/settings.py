"""Options of the PersistIQ emulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulators.options import Options, option

LEAD_ORDERS = ("updated_desc", "updated_asc", "created_desc", "created_asc", "id")
NEXT_PAGES = ("url", "page_only", "relative", "number", "digits", "foreign", "null", "absent", "same", "always")


@dataclass
class PersistiqOptions(Options):
    """Sizes, and everything that is documented in two ways, or in none."""

    rate_headers: str = option("no_reset", "header form: no_reset, epoch, none, only_429 and others")
    rate_window: float = option(60.0, "seconds of a window")
    retry_after: bool = option(False, "send Retry-After with a 429")

    users: int = option(5, "number of users", start_only=True)
    leads: int = option(300, "number of leads", start_only=True)
    lead_ties: int = option(40, "leads of the start that share one update time, as after an import", start_only=True)
    campaigns: int = option(6, "number of campaigns", start_only=True)
    campaign_leads: int = option(60, "leads of a campaign on average; every fourth campaign has none", start_only=True)
    replies: int = option(12, "replies to a campaign on average", start_only=True)
    events: int = option(400, "number of events", start_only=True)
    dnc_domains: int = option(30, "number of do-not-contact domains", start_only=True)
    tags: int = option(8, "number of tags", start_only=True)
    lead_fields: int = option(26, "number of lead fields, the built-in ones included", start_only=True)
    days: int = option(400, "days over which the data of the start is spread", start_only=True)

    lead_order: str = option("updated_desc", f"order of leads: {', '.join(LEAD_ORDERS)}")
    event_order: str = option("desc", "order of events by time: desc, asc, mixed")
    event_shape: str = option("doc", "doc (kind, event_at) or oas (event_type, created_at)")
    next_page: str = option("url", f"form of next_page: {', '.join(NEXT_PAGES)}")
    foreign_url: str = option("https://elsewhere.invalid", "origin in next_page with next_page=foreign")
    has_more: bool = option(True, "send has_more")
    bare_lists: Any = option(["users", "lead_statuses", "lead_fields"], "short lists without has_more and next_page")
    mailboxes: bool = option(True, "users carry mailboxes")
    send_updated_at: bool = option(False, "leads carry updated_at")
    beyond_end: str = option("empty", "a page beyond the end: empty, 404 or 400")
    ignore_page: bool = option(False, "always the first page, and more to come")
    ignore_filters: bool = option(False, "all time filters are silently ignored")
    ignored_filters: Any = option([], "names of time filters that are silently ignored")
    bad_dates: str = option("400", "a time that cannot be read: 400, 500 or ignore")
    future_dates: str = option("accept", "a time in the future: accept, 400 or 500")
    strict_parameters: bool = option(True, "refuse parameters that nobody documents with 400")
    rate_epoch: bool = option(True, "the text of a 429 names the end of the window")
    date_header: bool = option(True, "send Date")
    clock_offset: float = option(
        0.0, "seconds by which the vendor's clock differs from this machine's", start_only=True
    )
    clock_stands: bool = option(
        False, "the vendor's clock stands still, so that two reads can be compared", start_only=True
    )
    gone_campaigns: int = option(0, "so many campaigns are listed, but their lists are 404")
