"""Reads of an index that may show some changes hours late.

Most reads go on from the last one; once in a while one looks back for what came late (`source_kit.lookback`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from source_kit.lookback import Lookback
from source_kit.stream import TimeCursor
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.config import Settings
from source_kustomer.wanted import Wanted

if TYPE_CHECKING:
    from source_kustomer.children import ChildStream
    from source_kustomer.searches import SearchStream


def looking_back(
    stream: SearchStream | ChildStream,
    start: Start,
    walk: Callable[[datetime | None, Wanted], Plan],
    *,
    field: str = "",
    checkpoint: Callable[[str, datetime], Mapping[str, Any] | None] | None = None,
    mark: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda state: state,
) -> Plan:
    """A walk by two marks in incremental reads, by the cursor alone in others, or where that is switched off.

    `field` is what the cursor is called in the records of the walk, where it has another name; `checkpoint` makes the
    states of a walk by the cursor, if not the cursor itself; `mark` adds to states what else they must hold.
    """
    cursor, settings = stream.time_cursor, stream.settings
    if not start.incremental or not settings.deep_lookback_hours:
        yield from walk(cursor.lower(start), Wanted(cursor.end_date, checkpoint or cursor.checkpoint))
        return
    stream.client.meet()
    began = stream.client.clock.now()
    lookback = Lookback(
        stream.name,
        TimeCursor(cursor.field, cursor.start_date, _deep_lag(settings, cursor), cursor.end_date),
        start,
        every=timedelta(hours=settings.lookback_interval_hours),
        now=stream.client.clocks.earliest(began),
        near_lag=cursor.lag,
    )

    def fresh(records: list[Record]) -> list[Record]:
        for record in records if field else ():
            record[cursor.field] = record.get(field)
        return lookback.fresh(records)

    def state(value: str, asked_at: datetime) -> Mapping[str, Any] | None:
        found = lookback.checkpoint(value, asked_at)
        return None if found is None else mark(found)

    yield from walk(lookback.lower, Wanted(cursor.end_date, state, emit=fresh))
    yield Fork()
    yield Page((), mark(lookback.final(stream.client.clocks.earliest(began))))


def _deep_lag(settings: Settings, cursor: TimeCursor) -> timedelta:
    return max(cursor.lag, timedelta(hours=settings.deep_lookback_hours))
