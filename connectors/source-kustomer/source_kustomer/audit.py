"""The audit log: its entries, what they tell of deletions and merges, and the history of the main records.

developer.kustomer.com/api/core-resources/query-events-associated-with-your-organization. The newest entries come first,
1,000 a page; each is kept until its `expiresAt`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

from source_kit import dates, rows, timestamps
from source_kit.client import HttpClient
from source_kit.pages import endless, every
from source_kit.rules import Rejected
from source_kit.timestamps import MILLISECOND, within
from source_kit.windows import Fetched, Window
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.base import KustomerStream
from source_kustomer.config import Settings
from source_kustomer.deletions import deletion_of
from source_kustomer.endpoints import ListAsk, ListEndpoint
from source_kustomer.envelope import next_link, query_of
from source_kustomer.fetcher import KustomerFetcher
from source_kustomer.times import latest

LOG = ListEndpoint("audit_logs", "audit-logs", "audit_logs", page_size=1000, size_parameter="count", is_numbered=False)
WINDOW_DAYS = 30
MOST_WINDOWS = 60
# Entries of other objects in a small answer to a filter show that it is ignored.
PROBED_ENTRIES = 100
OBJECT_TYPE = "filter[objectType]"
EVERYTHING: Mapping[str, str] = {}


class LogFetcher(KustomerFetcher[ListAsk]):
    """Asks the log along its links."""

    def page(self, asked: ListAsk, link: str | None = None) -> Fetched:
        """The first page by filters, others by `link`, the parameters of the link to them."""
        asked = replace(asked, query=link or "")
        answer = self.fetch(asked)
        if link and not answer.size and next_link(answer.body) is None:
            answer = self.fetch(asked)  # it was announced, and may have lost its rows on the way
        following = next_link(answer.body)
        query = query_of(following) or None
        if following is not None and query is None:
            raise endless(f"{self.endpoint.path(asked)}: a link without parameters")
        return Fetched(answer.records, answer.asked_at, query, rows=answer.size)


class AuditLogs(KustomerStream):
    """Who changed what: windows over the time of creation, newest first inside."""

    name = "audit_logs"
    cursor_field = "created_at"
    pages: LogFetcher
    # Made of entries: looked at again for as long as the index of searches lags, which they may do as well.
    is_derived: ClassVar[bool] = False

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(LogFetcher(client, LOG, self.name), settings)
        self._lifetime = timedelta(0)
        self._lock = threading.Lock()

    @property
    def lag(self) -> timedelta:
        """How long after its time an entry may not be in the log yet (`publishedAt` is later than `createdAt`)."""
        return super().lag if self.is_derived else timedelta(0)

    def work(self, start: Start) -> Plan:
        """Windows of 30 days from the cursor to now; everything before the first of them in one go.

        A log of one page is read with one request. What has expired by the lifetime that entries tell is one window.
        """
        wanted, now = self.time_cursor.window(start), self.client.clock.now()
        if wanted.is_empty:
            return
        lower, upper = wanted.lower, wanted.upper
        first = self.pages.page(ListAsk(filters=_bounds(lower, upper)))
        kept = lifetime(first.records) or timedelta(days=WINDOW_DAYS * MOST_WINDOWS)
        oldest = timestamps.before(now, kept)
        begin, end = oldest if lower is None else max(lower, oldest), now if upper is None else min(now, upper)
        # In the precision of the filters, so that what they give is what lies between the borders.
        inner = [timestamps.floor(bound, MILLISECOND) for bound in dates.steps(begin, end, days=WINDOW_DAYS)]
        inner = [bound for bound in inner if bound != lower]
        is_all = first.token is None and first.size < LOG.page_size
        passes = [EVERYTHING] if is_all else self.passes(wanted, first.records)
        windows = list(pairwise([lower, *(() if is_all else inner), upper]))
        is_only = len(windows) == 1 and passes == [EVERYTHING]
        yield Fork([self._window(*pair, passes, first if is_only else None) for pair in windows])
        self._tell_how_far_back(lower)

    def passes(self, wanted: Window, newest: Sequence[Record]) -> list[Mapping[str, str]]:
        """The filters under which each window is read, one after the other, where the log is longer than a page."""
        return [EVERYTHING]

    def chosen(self, records: Sequence[Record], filters: Mapping[str, str]) -> list[Record]:
        """Of the entries that came under these filters, what leaves."""
        return list(records)

    def _window(
        self,
        lower: datetime | None,
        upper: datetime | None,
        passes: Sequence[Mapping[str, str]],
        first: Fetched | None,
    ) -> Plan:
        """Every entry of `[lower, upper)`; then the state, which speaks also of those that stay here."""
        began_at = self.client.clock.now()
        top = None
        for filters in passes:
            asked = ListAsk(filters={**filters, **_bounds(lower, upper)})
            before: set[Any] = set()
            for fetched in every(partial(self._page_or, first, asked), LOG.path(asked)):
                # Both ends may be inclusive: the later window has the record.
                found = since(lower, within(list(fetched.records), "created_at", None, upper))
                # A row may stand on both sides of the border of two pages.
                ids = set(map(rows.identity, found))
                records, before = rows.unseen(found, before), ids
                top = latest(records, "created_at", top)
                self._note_lifetime(records)
                yield Page(self.chosen(records, filters))
        began_at = self.client.clocks.earliest(began_at)
        yield Page((), None if top is None else self.time_cursor.checkpoint(top, began_at))

    def _page_or(self, first: Fetched | None, asked: ListAsk, link: str | None) -> Fetched:
        """A page, or the first one if it is there."""
        return first if first is not None and link is None else self.pages.page(asked, link)

    def _note_lifetime(self, records: Sequence[Record]) -> None:
        found = lifetime(records)
        with self._lock:
            self._lifetime = max(self._lifetime, found)

    def _tell_how_far_back(self, lower: datetime | None) -> None:
        """What the entries say of how long they are kept; a warning where some that were wanted have expired."""
        if not self.is_derived or not self._lifetime:
            return
        days = round(self._lifetime / timedelta(days=1))
        oldest = timestamps.before(self.client.clock.now(), self._lifetime)
        kept = f"Kustomer keeps entries of the audit log for {days} days here"
        if lower is None or lower >= oldest:
            self.pages.say("INFO", f"{kept} (expires_at): what is synced more often than that misses nothing.")
            return
        lost = f"{timestamps.milliseconds_z(lower)} and {timestamps.milliseconds_z(oldest)}"
        self.pages.say("WARN", f"{kept}: those between {lost} cannot be read any more.")


class DeletedRecords(AuditLogs):
    """What was deleted or merged away, for as long as the audit log tells of it."""

    name = "deleted_records"
    cursor_field = "deleted_at"
    is_derived = True

    def chosen(self, records: Sequence[Record], filters: Mapping[str, str]) -> list[Record]:
        """One record for each entry that tells that an object is gone."""
        return [found for entry in records if (found := deletion_of(entry)) is not None]


class RecordHistory(AuditLogs):
    """Every change of conversations, customers and companies: thousands of entries in the time of a request."""

    name = "record_history"
    is_derived = True
    kinds = ("conversation", "customer", "company")

    def passes(self, wanted: Window, newest: Sequence[Record]) -> list[Mapping[str, str]]:
        """By type of object, where that filter is honoured."""
        told = {record.get("object_type") for record in newest}
        kind = next((kind for kind in self.kinds if kind in told), None)
        if kind is None or not self._filters(kind, wanted):
            return [EVERYTHING]
        return [{OBJECT_TYPE: kind} for kind in self.kinds]

    def _filters(self, kind: str, wanted: Window) -> bool:
        """Whether the log can be asked for one type of objects, of which it has some."""
        filters = {OBJECT_TYPE: kind, **_bounds(wanted.lower, wanted.upper)}
        try:
            found = self.pages.page(ListAsk(filters=filters, limit=PROBED_ENTRIES)).records
        except Rejected as rejected:
            if rejected.status != 400:
                raise
            return False
        return {record.get("object_type") for record in found} == {kind}

    def chosen(self, records: Sequence[Record], filters: Mapping[str, str]) -> list[Record]:
        """Each entry under its own type only: so it leaves once, whatever becomes of the filter."""
        kinds = (filters[OBJECT_TYPE],) if filters else self.kinds
        return [record for record in records if record.get("object_type") in kinds]


def since(lower: datetime | None, records: list[Record]) -> list[Record]:
    """The entries from `lower` on, should the log ignore that filter. It may also go by the time of publication, which
    is later: what was published since then stays."""
    if lower is None:
        return records

    def is_later(record: Record) -> bool:
        published = timestamps.instant(record.get("published_at"))
        return timestamps.is_within(record.get("created_at"), lower, None) or (
            published is not None and published >= lower
        )

    return list(filter(is_later, records))


def lifetime(records: Sequence[Record]) -> timedelta:
    """How long entries are kept: the longest time between `created_at` and `expires_at`; zero where none tells."""
    found = timedelta(0)
    for record in records:
        created, expires = map(timestamps.instant, (record.get("created_at"), record.get("expires_at")))
        if created is not None and expires is not None:
            found = max(found, expires - created)
    return found


def _bounds(lower: datetime | None, upper: datetime | None) -> dict[str, str]:
    bounds = {"filter[start]": lower, "filter[end]": upper}
    return {name: timestamps.milliseconds_z(value) for name, value in bounds.items() if value is not None}
