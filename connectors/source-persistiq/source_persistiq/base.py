"""What all streams of PersistIQ share: the envelope, page numbers, and the server's clock."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

import requests

from source_kit import dates, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.errors import SourceError
from source_kit.numbered import Listed, NumberedList
from source_kit.rules import Denied
from source_kit.stream import KitStream
from source_kit.work import Plan, Record, Start
from source_persistiq.config import Settings

# One budget for everything that is asked with the company's key.
BUCKET = "all requests"
# Older than any record of PersistIQ: from there on is everything, asked for without a filter.
FIRST = datetime(2010, 1, 1, tzinfo=UTC)
# Later than any record, whatever a wrong clock says today.
NEVER = "2100-01-01T00:00:00Z"
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class PersistiqStream(KitStream):
    """A list of PersistIQ that is read whole. Subclasses say what is not as usual."""

    package = "source_persistiq"
    name = ""

    def __init__(self, client: HttpClient, settings: Settings, name: str = "") -> None:
        super().__init__(client)
        self.settings = settings
        self.name = name or self.name
        self.rows_key = self.name

    @property
    def bucket(self) -> str:
        return BUCKET

    def path(self, *, stream_slice: Mapping[str, Any] | None = None, **arguments: Any) -> str:
        return str((stream_slice or {}).get("path") or self.name)

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        """The filters of the slice and the page; the first page is what comes without a number, as documented."""
        asked = stream_slice or {}
        number = asked.get("page", 1)
        return {**({"page": number} if number > 1 else {}), **asked.get("filters", {})}

    def is_whole(self, content: Any) -> bool:
        """A 200 can say `status: error`, and an answer without its list is damaged, not empty."""
        return super().is_whole(content) and not is_error(content)

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The records, with a `Z` on date-times without a zone (0.1 µs a value)."""
        records: list[Record] = body(response)[self.rows_key]
        if self.zoned_fields:
            timestamps.fix_zones(records, self.zoned_fields)
        return records

    def page(self, number: int, filters: Mapping[str, str] | None = None, path: str | None = None) -> Listed:
        """One page. `has_more` has the say, on an empty page too; only where it is absent or unreadable `next_page`
        tells by being there. What `next_page` holds (URL, number, a foreign host) is never used."""
        answer = self.fetch({"page": number, "filters": filters or {}, "path": path})
        told = _FLAGS.get(str(answer.body.get("has_more")).lower())
        has_more = bool(answer.body.get("next_page")) if told is None else told
        return Listed(answer.records, has_more, answer.asked_at)

    def work(self, start: Start) -> Plan:
        return NumberedList(self.page, warn=self.warn).read()

    def warn(self, text: str) -> None:
        self.client.log("WARN", f"Stream {self.name}: {text}")

    def probe(self) -> None:
        self.fetch()

    def objects_in(self, record: Record, field: str) -> list[Record]:
        """The objects of a list inside a record, or the one that stands in its place; the rest is counted."""
        given = record.get(field)
        listed = given if isinstance(given, list) else [] if given is None else [given]
        objects = [each for each in listed if isinstance(each, dict)]
        self.client.usage.not_objects += len(listed) - len(objects)
        return objects

    # For streams with a cursor.

    def lower(self, start: Start) -> datetime:
        """Where a read begins, inclusive; never before `start_date` and `FIRST`."""
        reached = start.position.get(self.cursor_name or "")
        begin = max(self.settings.common.start_date or FIRST, FIRST)
        return begin if reached is None else max(dates.read(reached), begin)

    def unasked(self, filters: Mapping[str, str], path: str | None = None) -> Sequence[Record]:
        """What comes although these filters exclude it. A refusal shows that they are looked at: nothing comes; and a
        row without an id may stand in any answer."""
        try:
            return list(filter(is_named, self.page(1, filters, path).records))
        except Denied:
            raise
        except SourceError as error:
            why = error.internal_message or error
            self.client.log("INFO", f"Stream {self.name}: PersistIQ refused {' and '.join(filters)} for a test: {why}")
            return ()

    @property
    def end(self) -> datetime | None:
        """Where the range of the read ends, exclusive; None where that is beyond all times."""
        end = self.settings.common.end_date
        return None if end is None or end >= timestamps.parse(NEVER) else end

    def settled(self, at: datetime) -> datetime:
        """Up to where what was asked for at `at` is surely known, by whichever clock is behind, ours or PersistIQ's."""
        return timestamps.floor(dates.earlier(at, self.settings.lag), timestamps.SECOND)

    def reached(self, at: datetime) -> datetime:
        """How far a state may go for it: not beyond the end of the range. A state knows whole seconds."""
        settled = self.settled(at)
        return settled if self.end is None else min(settled, timestamps.floor(self.end, timestamps.SECOND))


def is_error(content: Any) -> bool:
    """Whether a 200 says that it is none."""
    return isinstance(content, dict) and content.get("status") == "error"


def is_named(row: Record) -> bool:
    """Whether a row has an id to ask by."""
    return isinstance(row.get("id"), str | int) and str(row["id"]).strip() != ""


def is_list_of_users(content: Any) -> bool:
    """Whether this is what only PersistIQ answers: its users."""
    users = content.get("users") if isinstance(content, dict) and not is_error(content) else None
    return isinstance(users, list) and (not users or any(isinstance(user, dict) for user in users))


def after(name: str, instant: datetime) -> dict[str, str]:
    """An exclusive lower bound that keeps everything from `instant` on; nothing where that is everything."""
    return {name: timestamps.seconds_z(instant - timestamps.SECOND)} if instant > FIRST else {}
