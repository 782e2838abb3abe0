"""The second witness of streams that go by `date_updated`: what the event log says changed and the index does not show.

Close's index of searches lags, and not for all records alike: its status page told of 36 and 108 minutes, once "for
some users" only. A state that has passed such a record would lose its change. So an incremental read first asks the log
what has changed since the read before. What the walk brings is crossed off; what it did not bring is fetched by its id
at the end. Until then no STATE passes the first change that is missing.

Where nothing has happened since, it costs no request but the look at the newest event, which all streams share.
"""

from __future__ import annotations

import heapq
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from source_closeio.base import CloseStream
from source_closeio.changes import ChangeLog
from source_closeio.endpoints import ObjectAsk, ObjectEndpoint
from source_closeio.errors import is_gone
from source_closeio.events import event_lag, oldest_event
from source_kit import dates, timestamps
from source_kit.errors import ConnectorFault, SourceError, StreamUnavailable, TransientError
from source_kit.fetcher import Fetcher
from source_kit.rules import Rejected, Unavailable
from source_kit.state import EVENTS_UNTIL_KEY
from source_kit.stream import TimeCursor
from source_kit.work import Fork, Page, Plan, Record, Start, mapped

# How far back a first read looks: records may be late in it as well.
FIRST_LOOK = timedelta(days=1)
# An event may be written, or merged with the next one, a little later than its object changed; without `data` it does
# not tell when that was.
WRITTEN_WITHIN = timedelta(seconds=5)
# So many changes are kept in mind (60 MB); of more only the newer ones are looked for.
MOST_TOLD = 200_000
FETCHED_PER_PLAN = 10
# What ends the hearing of the log and not the stream.
FAILURES = (StreamUnavailable, TransientError, ConnectorFault)
_names_one = re.compile(r"\w+", re.ASCII).fullmatch


def is_id(value: Any) -> TypeGuard[str]:
    """Whether it may stand in an address."""
    return isinstance(value, str) and _names_one(value) is not None


class Witness:
    """What the log tells of one read of a stream, and what of it has come. Thread-safe."""

    def __init__(self, stream: CloseStream, cursor: TimeCursor, object_types: Sequence[str], resource: str) -> None:
        """`object_types`: the names of the records in the log. `resource`: where one can be asked for by its id."""
        self._stream = stream
        self._cursor = cursor
        self._log = ChangeLog(stream, object_types, self._note)
        self._one = Fetcher(stream.client, ObjectEndpoint(resource, stream.mending), stream.name)
        self._lock = threading.Lock()
        self._since = timestamps.EPOCH
        self._newest: datetime | None = None
        # When each record was last changed, as the log tells; those that came are crossed off.
        self._told: dict[str, datetime] = {}
        self._soonest: list[tuple[datetime, str]] = []
        self._gone: set[str] = set()
        # Versions that came, of records whose change did not.
        self._came: dict[str, datetime] = {}
        self._latest: Mapping[str, Any] | None = None
        self._is_deaf = False
        self._late = 0
        self._refused_with: int | None = None

    def over(self, plan: Plan, start: Start) -> Plan:
        """The plan, and behind it what it did not bring."""
        since = self._beginning(start) if start.incremental else None
        if since is None:
            yield from plan
            return
        self._since = since
        yield from self._heard(self._log.walk(since, self._cursor.end_date))
        yield Fork()
        self._settle()
        # What it brings is crossed off, and what it says of the state waits for what is missing.
        yield from mapped(plan, self._seen)
        yield Fork()
        late = list(self._told)
        parts = range(0, len(late), FETCHED_PER_PLAN)
        yield Fork([self._fetched(late[first : first + FETCHED_PER_PLAN]) for first in parts])
        self._tell()
        yield Page((), {**(self._latest or {}), **self._reached()})

    def _beginning(self, start: Start) -> datetime | None:
        """From where on the log is asked; None where it has nothing to tell, or is refused, which a WARN says."""
        stream, account = self._stream, self._stream.account
        now = stream.client.clock.now()
        bookmark, until = self._cursor.lower(start), start.position.get(EVENTS_UNTIL_KEY)
        if until is not None:
            since = dates.read(until)
        else:
            since = now - FIRST_LOOK if bookmark is None else max(bookmark, now - FIRST_LOOK)
        since = max(since, oldest_event(now))
        if since >= min(now, self._cursor.end_date or now):
            return None
        try:
            is_refused = account.log_refused_with is not None
        except FAILURES as failure:
            self._say_deaf(failure)
            return None
        if is_refused:
            account.tell_log_refused()
            return None
        return since if account.latest_event is not None and account.latest_event >= since else None

    def _heard(self, plan: Plan) -> Plan:
        """The pages of the log. Where it cannot be read to its end the stream is read without it, as far as it was not,
        and the next read hears it from the same place."""
        try:
            for step in plan:
                yield (
                    replace(step, plans=[self._heard(each) for each in step.plans]) if isinstance(step, Fork) else step
                )
        except FAILURES as failure:
            if not self._is_deaf:
                self._is_deaf = True
                self._say_deaf(failure)

    def _say_deaf(self, failure: SourceError) -> None:
        why = failure.internal_message or type(failure).__name__
        self._one.say(
            "WARN",
            f"the event log could not be read ({why}), so that records which Close's index shows late are not looked "
            "for in this read; the next one looks again.",
        )

    def _note(self, events: list[Record]) -> list[Record]:
        """Keep in mind what these events tell; none of them leaves."""
        with self._lock:
            for event in events:
                identity, happened = event.get("object_id"), timestamps.instant(event.get("date_updated"))
                if happened is not None:
                    self._newest = happened if self._newest is None else max(self._newest, happened)
                if not is_id(identity) or happened is None:
                    continue
                if event.get("action") == "deleted":
                    self._gone.add(identity)
                    continue
                data = event.get("data")
                changed = timestamps.instant(data.get("date_updated")) if isinstance(data, dict) else None
                changed = changed or timestamps.before(happened, WRITTEN_WITHIN)
                # The records tell milliseconds, and the log may tell more: they would all seem to be late.
                changed = timestamps.floor(changed, timestamps.MILLISECOND)
                if changed >= self._since - WRITTEN_WITHIN:
                    self._told[identity] = max(changed, self._told.get(identity, changed))
            if len(self._told) > MOST_TOLD:
                self._forget_older()
        return []

    def _forget_older(self) -> None:
        self._since = sorted(self._told.values())[len(self._told) // 2]
        self._told = {identity: changed for identity, changed in self._told.items() if changed >= self._since}
        self._one.say(
            "INFO",
            f"more than {MOST_TOLD:,} records have changed; only for those changed since "
            f"{timestamps.milliseconds_z(self._since)} the event log is asked whether the search index is late.",
        )

    def _settle(self) -> None:
        """The whole log has been heard."""
        for identity in self._gone & self._told.keys():
            del self._told[identity]
        self._soonest = [(changed, identity) for identity, changed in self._told.items()]
        heapq.heapify(self._soonest)

    def _seen(self, page: Page) -> Page:
        with self._lock:
            told = self._told
            for record in page.records if told else ():
                identity = record.get("id")
                if not isinstance(identity, str) or identity not in told:
                    continue
                if (updated := timestamps.instant(record.get(self._cursor.field))) is not None:
                    if updated >= told[identity]:
                        del told[identity]
                    else:
                        self._came[identity] = max(updated, self._came.get(identity, updated))
            if page.checkpoint is None:
                return page
            return replace(page, checkpoint=self._permitted(page.checkpoint))

    def _permitted(self, checkpoint: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A checkpoint of the plan as far as the log was heard; None beyond a change that has not come yet."""
        value = checkpoint.get(self._cursor.field)
        if not isinstance(value, str):
            return checkpoint
        permitted = dict(checkpoint)
        if self._log.beginning.is_known:
            permitted |= self._cursor.checkpoint(value, self._log.beginning.at)
        reached = timestamps.parse(permitted[self._cursor.field])
        if self._latest is None or reached > timestamps.parse(self._latest[self._cursor.field]):
            self._latest = permitted
        while self._soonest and self._soonest[0][1] not in self._told:
            heapq.heappop(self._soonest)
        return permitted if not self._soonest or reached < self._soonest[0][0] else None

    def _fetched(self, ids: Sequence[str]) -> Plan:
        """Records by their ids, as they are now. What was deleted meanwhile, or may not be seen, does not come."""
        for identity in ids:
            try:
                records = self._one.fetch(ObjectAsk(id=identity)).records
            except (Unavailable, Rejected) as refused:
                if not is_gone(refused):
                    self._refused_with = refused.status
                continue
            records = [record for record in records if self._is_late(record)]
            if records:
                with self._lock:
                    self._late += 1
                yield Page(records)

    def _tell(self) -> None:
        if self._late:
            self._one.say("INFO", f"{self._late} records came by id: Close's index does not show their changes yet.")
        if self._refused_with is not None:
            self._one.say(
                "WARN",
                f"changes that Close's index does not show yet are refused by id (status {self._refused_with}): they "
                "are missed until the records change again.",
            )

    def _is_late(self, record: Record) -> bool:
        """Whether this version is a change of the time that was asked for, and has not left yet."""
        updated = timestamps.instant(record.get(self._cursor.field))
        end = self._cursor.end_date
        if updated is None or updated < self._since - WRITTEN_WITHIN or (end is not None and updated >= end):
            return False
        came = self._came.get(record["id"])
        return came is None or updated > came

    def _reached(self) -> dict[str, str]:
        """How far the log has been heard: behind its newest event of these records, but not within the minutes in which
        Close may still insert some."""
        if self._newest is None or self._is_deaf:
            return {}
        settled = timestamps.before(self._log.beginning.at, event_lag(self._stream.settings))
        settled = timestamps.floor(settled, timestamps.MILLISECOND)
        newest = timestamps.floor(self._newest, timestamps.MILLISECOND)
        until = newest + timestamps.MILLISECOND if newest < settled else settled
        return {EVENTS_UNTIL_KEY: timestamps.microseconds_offset(until)}
