"""Asking PersistIQ: pages by number, and whether a filter is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from source_kit.client import HttpClient
from source_kit.errors import SourceError
from source_kit.fetcher import Fetcher
from source_kit.numbered import Listed, NumberedList
from source_kit.rules import Denied
from source_kit.work import Record
from source_persistiq.endpoints import ListAsk, ListEndpoint

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class ListFetcher(Fetcher[ListAsk]):
    """Asks one list in the name of a stream."""

    endpoint: ListEndpoint

    def page(self, number: int, filters: Mapping[str, str] | None = None, campaign: str = "") -> Listed:
        """One page. `has_more` has the say, on an empty page too; only where it is absent or unreadable `next_page`
        tells by being there. What `next_page` holds (URL, number, a foreign host) is never used."""
        answer = self.fetch(ListAsk(page=number, filters=filters or {}, campaign=campaign))
        told = _FLAGS.get(str(answer.body.get("has_more")).lower())
        has_more = bool(answer.body.get("next_page")) if told is None else told
        return Listed(answer.records, has_more, answer.asked_at)

    def whole(self) -> NumberedList:
        """The whole list, to be read."""
        return NumberedList(self.page, warn=self.warn)

    def unasked(self, filters: Mapping[str, str], campaign: str = "") -> Sequence[Record]:
        """What comes although these filters exclude it. A refusal shows that they are looked at: nothing comes; and a
        row without an id may stand in any answer."""
        try:
            return list(filter(is_named, self.page(1, filters, campaign).records))
        except Denied:
            raise
        except SourceError as error:
            self.say("INFO", f"PersistIQ refused {' and '.join(filters)} for a test: {error.internal_message or error}")
            return ()

    def warn(self, text: str) -> None:
        self.say("WARN", text)


def list_of(client: HttpClient, name: str, stream: str) -> ListFetcher:
    """A list that another stream needs, asked in the name of that stream."""
    return ListFetcher(client, ListEndpoint(name), stream)


def is_named(row: Record) -> bool:
    """Whether a row has an id to ask by."""
    return isinstance(row.get("id"), str | int) and str(row["id"]).strip() != ""
