"""How the ids of a stream are listed for `record_ids`: the walk of the stream, with `_fields` that name little else.

All that exist now, whatever `start_date` and `end_date` say: an id that is missing here was deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from source_closeio.activities import Activities, UserPosts
from source_closeio.base import CloseStream, CloseTimeline
from source_closeio.children import Groups, SequenceSubscriptions
from source_closeio.fetcher import ListFetcher, SearchRefused, TimelineFetcher
from source_closeio.lists import SmallListStream
from source_closeio.opportunities import Opportunities
from source_closeio.search import CORE_FIELDS
from source_closeio.searched import Searched
from source_closeio.tasks import Tasks
from source_kit.keyset import Keyset
from source_kit.record_ids import Listing
from source_kit.walks import walk
from source_kit.windows import Window
from source_kit.work import Plan, Start


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
        return partial(_searched, stream)
    if isinstance(stream, Activities | Opportunities | Tasks) and not isinstance(stream, UserPosts):
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
    lag = stream.lag if pages.field == "date_updated" else Keyset.lag
    return walk(Keyset(pages.window, pages.field, pages.page_size, lag=lag), Window())


def _searched(stream: Searched) -> Plan:
    stream.pages.fields = list(CORE_FIELDS)
    try:
        yield from walk(replace(stream.keyset(), checkpoint=lambda value, asked_at: None), Window())
    except SearchRefused as refused:
        if stream.other_way is None:
            raise stream.no_way(refused) from refused
        _narrowed(stream.other_way.pages, "id", "date_updated")
        yield from stream.other_way.walk(Window())
