"""How the ids of a stream are listed for `record_ids`: the walk of the stream, with `_fields` that name little else.

All that exist now, whatever `start_date` and `end_date` say: an id that is missing here was deleted. Close's index
shows some records hours late, and these would seem to be deleted when they are new: what the event log says was created
in the last day, and the walk does not bring, is looked up by id. Activities are not: each type has its own address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from source_closeio.activities import Activities, UserPosts
from source_closeio.base import CloseStream, CloseTimeline
from source_closeio.children import Groups, SequenceSubscriptions
from source_closeio.endpoints import ListEndpoint, ObjectAsk, ObjectEndpoint
from source_closeio.errors import is_gone
from source_closeio.events import Events, EventsFetcher, newest_first
from source_closeio.fetcher import ListFetcher, TimelineFetcher
from source_closeio.lists import SmallListStream
from source_closeio.opportunities import Opportunities
from source_closeio.search import CORE_FIELDS
from source_closeio.search_fetcher import SearchRefused
from source_closeio.searched import Searched
from source_closeio.tasks import Tasks
from source_closeio.witness import FETCHED_PER_PLAN, FIRST_LOOK, is_id
from source_kit.fetcher import Fetcher
from source_kit.keyset import Keyset
from source_kit.record_ids import Listing
from source_kit.rules import Rejected, Unavailable
from source_kit.walks import walk
from source_kit.windows import Window
from source_kit.work import Fork, Page, Plan, Record, Start, mapped


def listings(streams: Sequence[CloseStream]) -> dict[str, Listing]:
    """The listings by name of stream. The streams are changed so that they ask for little: they serve nothing else."""
    found: dict[str, Listing] = {}
    for stream in streams:
        plan = _plan_of(stream)
        if plan is not None:
            # Values of custom fields are not asked for, so that nobody needs to know of them.
            stream.custom_type = ""
            found[stream.name] = plan
    return found


def _plan_of(stream: CloseStream) -> Listing | None:
    """How the ids of a stream are listed; None where it has none of its own, or does not end with deletions."""
    if isinstance(stream, Searched):
        return lambda: _with_new(stream, _searched(stream), [stream.object_type], stream.record_resource)
    if isinstance(stream, Opportunities):
        return lambda: _with_new(stream, _walked(stream), ["opportunity"], stream.resource)
    if isinstance(stream, Tasks):
        return lambda: _with_new(stream, _walked(stream), stream.object_types, stream.resource)
    if isinstance(stream, Activities) and not isinstance(stream, UserPosts):
        return partial(_walked, stream)
    if isinstance(stream, Groups):
        return _narrowed(stream.listed, "id").rows
    if isinstance(stream, SmallListStream):
        return _narrowed(stream.pages, "id", stream.row.key, *(["_type"] if stream.row.of_type else [])).rows
    if isinstance(stream, SequenceSubscriptions):
        _narrowed(stream.pages, "id")
        return partial(stream.work, Start(incremental=False))
    return None


def _narrowed(pages: ListFetcher, *fields: str) -> ListFetcher:
    """The same, which asks for these fields alone from now on."""
    pages.endpoint = replace(pages.endpoint, fields=",".join(dict.fromkeys(fields)))
    return pages


def _walked(stream: CloseTimeline) -> Plan:
    filters = {"_type": stream.task_type} if isinstance(stream, Tasks) else {}
    endpoint = replace(stream.pages.endpoint, fields=f"id,{stream.walked_field}")
    pages = TimelineFetcher(stream.client, endpoint, stream.name, stream.walked_field, filters)
    return walk(pages.keyset(stream.lag), Window())


def _searched(stream: Searched) -> Plan:
    stream.pages.fields = list(CORE_FIELDS)
    try:
        yield from walk(replace(stream.keyset(), checkpoint=lambda value, asked_at: None), Window())
    except SearchRefused as refused:
        if stream.other_way is None:
            raise stream.no_way(refused) from refused
        _narrowed(stream.other_way.pages, "id", "date_updated")
        yield from stream.other_way.walk(Window())


def _with_new(stream: CloseStream, plan: Plan, object_types: Sequence[str], resource: str) -> Plan:
    """The plan, and what is too new for the index. `object_types`: the names of the records in the event log."""
    new: set[str] = set()

    def crossed_off(page: Page) -> Page:
        new.difference_update(record["id"] for record in page.records if is_id(record.get("id")))
        return page

    yield from _told_lately(stream, object_types, new)
    yield from mapped(plan, crossed_off)
    yield Fork()
    late = sorted(new)
    parts = range(0, len(late), FETCHED_PER_PLAN)
    yield Fork([_that_exist(stream, resource, late[first : first + FETCHED_PER_PLAN]) for first in parts])


def _told_lately(stream: CloseStream, object_types: Sequence[str], new: set[str]) -> Plan:
    """Adds to `new` the ids of what was created in the last day. A WARN says where the log is refused; where it only
    fails, so does the list, since what is missing in it counts as deleted."""
    first, *others = object_types
    try:
        yield from _created(stream, first, new)
    except (Unavailable, Rejected) as refused:
        stream.pages.say(
            "WARN",
            f"the event log could not be read ({refused.internal_message}): records of the last hours which Close's "
            "index shows late are not in record_ids, as if they were deleted.",
        )
        return
    yield Fork([_told_lately(stream, [each], new) for each in others])


def _created(stream: CloseStream, object_type: str, new: set[str]) -> Plan:
    """The log of one type, by a documented combination of filters. An event is thousands of bytes: none is kept."""
    filters = {"object_type": object_type, "action": "created"}
    endpoint = ListEndpoint(Events.resource, page_size=Events.page_size)
    events = EventsFetcher(stream.client, endpoint, Events.name, Events.walked_field, filters)

    def noted(found: list[Record]) -> list[Record]:
        wanted = [event.get("object_id") for event in found if filters.items() <= event.items()]
        new.update(filter(is_id, wanted))
        return []

    keyset = Keyset(events.window, Events.walked_field, events.page_size, emit=noted, estimates=False)
    yield from walk(keyset, newest_first(stream.client.clock.now() - FIRST_LOOK))


def _that_exist(stream: CloseStream, resource: str, ids: Sequence[str]) -> Iterator[Page]:
    """Those of the ids that were not deleted or merged away meanwhile. What may not be asked for counts as there."""
    one = Fetcher(stream.client, ObjectEndpoint(resource), stream.name)
    for identity in ids:
        try:
            found = [record["id"] for record in one.fetch(ObjectAsk(id=identity, fields="id")).records]
        except (Unavailable, Rejected) as refused:
            found = [] if is_gone(refused) else [identity]
        yield Page([{"id": each} for each in found if each == identity])
