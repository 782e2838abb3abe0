"""What all streams of PersistIQ share: a list that is read whole, ranges of time, and the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime

from source_kit import dates, timestamps
from source_kit.client import HttpClient
from source_kit.stream import KitStream
from source_kit.work import Plan, Start
from source_persistiq.config import Settings
from source_persistiq.endpoints import PACKAGE, ListEndpoint
from source_persistiq.fetcher import ListFetcher

# Older than any record of PersistIQ: from there on is everything, asked for without a filter.
FIRST = datetime(2010, 1, 1, tzinfo=UTC)
# Later than any record, whatever a wrong clock says today.
NEVER = "2100-01-01T00:00:00Z"


class PersistiqStream(KitStream):
    """A stream of PersistIQ; as it is, a list that is read whole."""

    package = PACKAGE
    name = ""
    pages: ListFetcher

    def __init__(
        self, client: HttpClient, settings: Settings, name: str = "", endpoint: ListEndpoint | None = None
    ) -> None:
        super().__init__(client)
        self.settings = settings
        self.name = name or self.name
        self.pages = ListFetcher(client, endpoint or ListEndpoint(self.name), self.name)

    def work(self, start: Start) -> Plan:
        return self.pages.whole().read()

    def warn(self, text: str) -> None:
        self.pages.warn(text)

    # For streams with a cursor.

    def lower(self, start: Start) -> datetime:
        """Where a read begins, inclusive; never before `start_date` and `FIRST`."""
        reached = start.position.get(self.cursor_name or "")
        begin = max(self.settings.common.start_date or FIRST, FIRST)
        return begin if reached is None else max(dates.read(reached), begin)

    @property
    def end(self) -> datetime | None:
        """Where the range of the read ends, exclusive; None where that is beyond all times."""
        end = self.settings.common.end_date
        return None if end is None or end >= timestamps.parse(NEVER) else end

    def settled(self, at: datetime) -> datetime:
        """Up to where what was asked for at `at` is surely known, by whichever clock is behind, ours or PersistIQ's."""
        return timestamps.floor(timestamps.before(at, self.settings.common.lag), timestamps.SECOND)

    def reached(self, at: datetime) -> datetime:
        """How far a state may go for it: not beyond the end of the range. A state knows whole seconds."""
        settled = self.settled(at)
        return settled if self.end is None else min(settled, timestamps.floor(self.end, timestamps.SECOND))


def after(name: str, instant: datetime) -> dict[str, str]:
    """An exclusive lower bound that keeps everything from `instant` on; nothing where that is everything."""
    return {name: timestamps.seconds_z(instant - timestamps.SECOND)} if instant > FIRST else {}
