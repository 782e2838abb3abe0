"""How the ids of a stream are listed for `record_ids`: the walk of the stream, with `_fields` that name little else.

All that exist now, whatever `start_date` and `end_date` say: an id that is missing here was deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from source_closeio.activities import Activities, UserPosts
from source_closeio.base import CloseStream, CloseTimeline
from source_closeio.children import GroupList, Groups, SequenceSubscriptions
from source_closeio.lists import Listed
from source_closeio.opportunities import Opportunities
from source_closeio.searched import CORE_FIELDS, Searched, SearchRefused
from source_closeio.tasks import Tasks
from source_closeio.users import Users
from source_kit.keyset import Keyset
from source_kit.record_ids import Listing
from source_kit.windows import Window
from source_kit.work import Plan, Record, Start


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
        stream.field_names = list(CORE_FIELDS)
        return partial(_searched, stream)
    if isinstance(stream, Activities | Opportunities | Tasks) and not isinstance(stream, UserPosts):
        stream.only_fields = f"id,{stream.walked_field}"
        return partial(_walked, stream)
    if isinstance(stream, Listed):
        stream.only_fields = ",".join(dict.fromkeys(["id", stream.row.key, *(["_type"] if stream.row.of_type else [])]))
        return partial(stream.work, Start(incremental=False))
    if isinstance(stream, Groups):
        stream = GroupList(stream.client, stream.settings, stream.account)
    if isinstance(stream, Users | GroupList | SequenceSubscriptions):
        stream.only_fields = "id"
        return partial(stream.work, Start(incremental=False))
    return None


def _walked(stream: CloseTimeline) -> Plan:
    filters = {"_type": stream.task_type} if isinstance(stream, Tasks) else {}

    def fetch(window: Window, token: Any = None, *, count: bool = False, limit: int | None = None) -> Any:
        return stream.fetch_window(window, token, count=count, limit=limit, filters=filters)

    lag = stream.lag if stream.walked_field == "date_updated" else Keyset.lag
    return Keyset(fetch=fetch, field=stream.walked_field, page_size=stream.page_size, lag=lag).walk(Window())


def _searched(stream: Searched) -> Plan:
    try:
        yield from replace(stream.keyset(), checkpoint=lambda value, asked_at: None).walk(Window())
    except SearchRefused:
        if stream.other_way is None:
            raise
        way = stream.other_way
        assert isinstance(way, CloseStream), "the other ways are lists of Close"
        way.only_fields, way.custom_type = "id,date_updated", ""

        def as_it_is(records: list[Record]) -> list[Record]:
            return records

        yield from way.walk(Window(), as_it_is)
