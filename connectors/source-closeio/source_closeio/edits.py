"""What changed behind the bookmark of activities: found by search or in the event log, then fetched again by id.

That is what was edited, and what is new but carries an old `date_created`: an e-mail that is synced from a mailbox
keeps the time at which it was sent (recorded: a mailbox connected in November 2022 brought one of September 2021).

REST filters activities by creation only. Advanced Filtering very probably filters them by `date_updated` (seen as a
sort field in production): two small searches prove it for the account, once a run. The event log of 30 days tells what
changed where it does not, and is the second witness where it does: the index of searches may be late for some records.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from source_closeio.base import CloseTimeline
from source_closeio.changes import ChangeLog
from source_closeio.events import event_lag, oldest_event
from source_closeio.mending import Mending
from source_closeio.search import CORE_FIELDS, SearchEndpoint
from source_closeio.search_fetcher import SearchFetcher, SearchRefused
from source_kit import timestamps
from source_kit.keyset import Keyset
from source_kit.rules import Rejected, Unavailable
from source_kit.state import EVENTS_UNTIL_KEY
from source_kit.walks import walk
from source_kit.windows import Window
from source_kit.work import Fork, Plan, Record

# In the state, beside EVENTS_UNTIL_KEY: true where searches find the edits, false where the event log does.
BY_SEARCH_KEY = "__edits_found_by_search"
# Close advises against addresses of more than about 2,000 characters.
IDS_CHARACTERS = 1_700
IDS_MOST = 100
PROVING_TYPES = ("activity.call", "activity.email", "activity.note", "activity.lead_status_change")
PROOF_LOWER = datetime(1971, 1, 1, tzinfo=UTC)


class Edits:
    """One run's look for what changed behind the bookmark. Nothing is asked before `look`."""

    def __init__(
        self,
        stream: CloseTimeline,
        object_types: Sequence[Sequence[str]],
        began_at: datetime,
        chosen: Callable[[list[Record]], list[Record]],
    ) -> None:
        """`object_types`: for each type of the stream, its names in the event log. `chosen` picks the stream's own."""
        self._stream = stream
        self._object_types = object_types
        self._chosen = chosen
        self._began_at = began_at
        self._lock = threading.Lock()
        # Fetched, or read by the walk.
        self._settled: set[str] = set()
        self._refused: list[Sequence[str]] = []
        self._before = began_at
        self._until: datetime | None = None
        self._uses_search: bool | None = None

    def look(self) -> None:
        """Note how far this run sees: to the newest event, less the time in which log and index may be late."""
        account = self._stream.account
        if account.log_refused_with is None or self.by_search:
            known = [at for at in (account.latest_event, account.looked_at) if at is not None]
            newest = min([*known, self._began_at])
            self._until = timestamps.floor(
                timestamps.before(newest, event_lag(self._stream.settings)), timestamps.MILLISECOND
            )

    def checkpoint(self) -> dict[str, object]:
        """The second position of the state, and which way is used if that is known yet; empty where there is none."""
        if self._until is None:
            return {}
        way = {} if self._uses_search is None else {BY_SEARCH_KEY: self._uses_search}
        return {EVENTS_UNTIL_KEY: timestamps.microseconds_offset(self._until), **way}

    def prove(self) -> Plan:
        """Find out, beside the walk, which way the account allows: the next run's state says it."""
        if self._until is not None:
            self._uses_search = self.by_search
        yield from ()

    def walk(self, since: datetime, before: datetime) -> Plan:
        """Pages of records that changed since then, each as it is now; at most once a run.

        Activities created from `before` on are left out: they are read anyway.
        """
        self._before = before
        if since >= self._began_at:
            return
        self._uses_search = self.by_search
        if self._uses_search:
            yield Fork([self._searched(names, since) for names in self._object_types])
        yield from self._logged(since)

    @property
    def by_search(self) -> bool:
        """Whether searches of this account filter activities by `date_updated`; tried once for all streams."""
        return not self._doubt

    @property
    def _doubt(self) -> str:
        """Why they do not; empty where they do."""
        return self._stream.account.doubt_of_search(self._prove)

    def _prove(self) -> str:
        doubt = ""
        for object_type in PROVING_TYPES:
            doubt = self._doubt_of(object_type)
            if not doubt:
                return ""
        return doubt

    def _doubt_of(self, object_type: str) -> str:
        """What speaks against searches; empty where the newest change is found, and nothing that lies before it is
        found after it."""
        pages = self._pages(object_type)
        try:
            first = pages.window(Window(PROOF_LOWER, descending=True), limit=1)
            self._stream.account.saw(first.asked_at)
            found = named(first.records)
            newest = timestamps.instant(found[0].get("date_updated")) if found else None
            if newest is None:
                return "they show none with a time"
            lower = newest + timestamps.MILLISECOND
            later = named(pages.window(Window(lower), limit=1).records)
        except SearchRefused as refused:
            return str(refused)
        except (Rejected, Unavailable) as refused:
            return f"status {refused.status}"
        times = [timestamps.instant(row.get("date_updated")) for row in later]
        return "" if all(time is not None and time >= lower for time in times) else "they ignore date_updated"

    def _pages(self, object_type: str) -> SearchFetcher:
        """Asks which activities of one type changed: ids and dates only."""
        endpoint = SearchEndpoint(object_type, Mending(self._stream.schema_name))
        return SearchFetcher(self._stream.client, endpoint, self._stream.name, lambda: CORE_FIELDS)

    def _searched(self, names: Sequence[str], since: datetime) -> Plan:
        """Changes of one type, from the search index."""
        pages = self._pages(names[0])
        keyset = Keyset(
            fetch=pages.window,
            field="date_updated",
            page_size=pages.page_size,
            lag=self._stream.settings.common.lag,
            emit=self._fetch_again,
            estimates=False,
            tie=Keyset(fetch=pages.window, field="date_created", page_size=pages.page_size),
        )
        try:
            yield from walk(keyset, Window(timestamps.floor(since, timestamps.MILLISECOND)))
        except SearchRefused as refused:
            self._stream.pages.say(
                "INFO", f"searching {names[0]} is refused ({refused}): the event log tells what changed."
            )
            with self._lock:
                self._refused.append(names)

    def _logged(self, since: datetime) -> Plan:
        """Changes from the event log: what searches did not show, because they cannot or because their index is late
        for some records."""
        say, name, account = self._stream.client.log, self._stream.name, self._stream.account
        is_only_witness = not self._uses_search or self._refused
        if account.log_refused_with is not None:
            if not is_only_witness:
                account.tell_log_refused()
                return
            say(
                "WARN",
                f"Neither searches ({self._doubt or 'refused for this type'}) nor the event log (status "
                f"{account.log_refused_with}) show which old records of stream {name} were edited, or which new ones "
                "have an old date, as e-mails synced from a mailbox do. Both are missed: only those created in the "
                "last activities_window_seconds are read again.",
            )
            return
        if self._doubt:
            self._stream.pages.say(
                "INFO", f"searches do not tell what changed ({self._doubt}): it is looked up in the event log."
            )
        floor = oldest_event(self._began_at)
        if since < floor and is_only_witness:
            say(
                "WARN",
                f"Close keeps events for 30 days: what changed in old records of stream {name}, or is new with an old "
                f"date, between {timestamps.milliseconds_z(since)} and {timestamps.milliseconds_z(floor)} cannot be "
                "found any more. Refresh the stream to get them.",
            )
        if account.latest_event is None or account.latest_event < since:
            return
        names = [name for names in self._object_types for name in names]
        yield from ChangeLog(self._stream, names, self._edited).walk(max(since, floor))

    def _edited(self, events: list[Record]) -> list[Record]:
        # Deletions have a stream of their own.
        return self._fetch_again([_changed(event) for event in events if event.get("action") != "deleted"])

    def _fetch_again(self, rows: list[Record]) -> list[Record]:
        """The old ones of these records as they are now; deleted ones do not come."""
        before, first = self._before, self._stream.settings.common.start_date
        # A row without an id names nothing that could be fetched.
        usable = named(rows)
        old = [row["id"] for row in timestamps.within(usable, "date_created", None, before)]
        with self._lock:
            fresh = [identity for identity in dict.fromkeys(old) if identity not in self._settled]
            # Those created later are read anyway, whoever tells of them next.
            self._settled.update(row["id"] for row in usable)
        records = [record for chunk in chunks(fresh) for record in self._by_ids(chunk)]
        return self._chosen(timestamps.within(records, "date_created", first, before))

    def _by_ids(self, ids: Sequence[str]) -> Iterator[Record]:
        """The activities with these ids, whatever else comes. One page, but for a maximum below ours or a deletion at
        that moment."""
        for page in self._stream.pages.rows({"id__in": ",".join(ids)}):
            yield from (record for record in page.records if record.get("id") in ids)


def named(rows: Sequence[Record]) -> list[Record]:
    """The rows with an id: one without may stand in any answer, and proves nothing."""
    return [row for row in rows if isinstance(row.get("id"), str)]


def _changed(event: Record) -> Record:
    """The id of the record and, of a creation, the `date_created` that it has: the walk over it finds the new ones.

    Those without the admin role see no `data` of events older than an hour, so that they tell nothing.
    """
    data = event.get("data") if event.get("action") == "created" else None
    created = data.get("date_created") if isinstance(data, dict) else None
    return {"id": event.get("object_id"), "date_created": created}


def chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """Ids that fit into one address; a comma takes three characters there."""
    chunk: list[str] = []
    size = 0
    for identity in ids:
        if chunk and (size + len(identity) + 3 > IDS_CHARACTERS or len(chunk) == IDS_MOST):
            yield chunk
            chunk, size = [], 0
        chunk.append(identity)
        size += len(identity) + 3
    if chunk:
        yield chunk
