"""What the event log says has changed: the walk over it that `edits` and `witness` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from source_closeio.base import CloseStream
from source_closeio.endpoints import ListEndpoint
from source_closeio.events import Events, EventsFetcher, newest_first
from source_kit.keyset import Keyset
from source_kit.rules import Unavailable
from source_kit.walks import walk
from source_kit.windows import Beginning
from source_kit.work import Fork, Plan, Record

# Of more types than that the whole log takes fewer requests.
MOST_TYPES_ASKED_ALONE = 9


class ChangeLog:
    """The events of some object types, newest first: asked for by type, or chosen out of the whole log.

    A filter by type alone is not documented: where it is refused, or ignored, the log is read whole, in every stream of
    that sync.
    """

    def __init__(
        self, stream: CloseStream, object_types: Sequence[str], emit: Callable[[list[Record]], list[Record]]
    ) -> None:
        """`emit` makes records to leave of the events of a page, those of the wanted types."""
        self._stream = stream
        self._object_types = object_types
        self._emit = emit
        self._is_whole = False
        self.beginning = Beginning()

    def walk(self, lower: datetime, upper: datetime | None = None) -> Plan:
        """The pages of events from then on, before `upper` if there is one."""
        account, (first, *others) = self._stream.account, self._object_types
        if len(others) < MOST_TYPES_ASKED_ALONE and account.filters_events_by_type:
            yield from self._of_one(first, lower, upper)
            if account.filters_events_by_type:
                yield Fork([self._of_one(each, lower, upper) for each in others])
                return
        if not self._is_whole:
            yield from self._pages({}, lower, upper)

    def _of_one(self, object_type: str, lower: datetime, upper: datetime | None) -> Plan:
        try:
            yield from self._pages({"object_type": object_type}, lower, upper)
        except Unavailable as refused:
            self._stream.client.log(
                "INFO",
                f"Stream {self._stream.name}: the event log takes no filter by type (status {refused.status}): it is "
                "read whole.",
            )
            self._stream.account.filters_events_by_type = False
            yield from self._pages({}, lower, upper)

    def _pages(self, filters: Mapping[str, str], lower: datetime, upper: datetime | None) -> Plan:
        stream = self._stream
        # None of them leaves, so that nothing is mended.
        endpoint = ListEndpoint(Events.resource, page_size=Events.page_size)
        events = EventsFetcher(stream.client, endpoint, Events.name, Events.walked_field, filters)
        self._is_whole = self._is_whole or not filters

        def chosen(found: list[Record]) -> list[Record]:
            if any(_is_foreign(event.get("object_type"), filters) for event in found):
                # What Close ignores without a word gives everything.
                stream.account.filters_events_by_type = False
            return self._emit([event for event in found if event.get("object_type") in self._object_types])

        keyset = Keyset(
            fetch=self.beginning.noting(events.window),
            field="date_updated",
            page_size=events.page_size,
            emit=chosen,
            estimates=False,
        )
        yield from walk(keyset, newest_first(lower, upper))


def _is_foreign(object_type: Any, filters: Mapping[str, str]) -> bool:
    """Whether an event should not have come; one without a type proves nothing."""
    return isinstance(object_type, str) and object_type != filters.get("object_type", object_type)
