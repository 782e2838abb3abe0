"""Reads of an index that may show some changes hours late.

Most reads go on from the last one; once in a while one looks back for what came late (`source_kit.lookback`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from source_kit.lookback import Lookback
from source_kit.stream import TimeCursor
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.base import KustomerStream
from source_kustomer.wanted import Checkpoint, Wanted

NO_MARK: Mapping[str, Any] = {}


def looking_back(
    stream: KustomerStream,
    start: Start,
    walk: Callable[[datetime | None, Wanted], Plan],
    *,
    field: str = "",
    checkpoint: Checkpoint | None = None,
    mark: Mapping[str, Any] = NO_MARK,
) -> Plan:
    """A walk by two marks in incremental reads, by the cursor alone in others, or where that is switched off.

    `field` is what the cursor is called in the records of the walk, where it has another name; `checkpoint` makes the
    states of a walk by the cursor, if not the cursor itself; `mark` is what else states must hold.
    """
    cursor, settings = stream.time_cursor, stream.settings

    def marked(make: Checkpoint) -> Checkpoint:
        def state(value: str, asked_at: datetime) -> Mapping[str, Any] | None:
            found = make(value, asked_at)
            return None if found is None else {**found, **mark}

        return state

    if not start.incremental or not settings.deep_lookback_hours:
        yield from walk(cursor.lower(start), Wanted(cursor.end_date, marked(checkpoint or cursor.checkpoint)))
        return
    stream.client.meet()
    began = stream.client.clock.now()
    deep_lag = max(cursor.lag, timedelta(hours=settings.deep_lookback_hours))
    lookback = Lookback(
        stream.name,
        TimeCursor(cursor.field, cursor.start_date, deep_lag, cursor.end_date),
        start,
        every=timedelta(hours=settings.lookback_interval_hours),
        now=stream.client.clocks.earliest(began),
        near_lag=cursor.lag,
    )

    def fresh(records: list[Record]) -> list[Record]:
        for record in records if field else ():
            record[cursor.field] = record.get(field)
        return lookback.fresh(records)

    yield from walk(lookback.lower, Wanted(cursor.end_date, marked(lookback.checkpoint), emit=fresh))
    yield Fork()
    yield Page((), {**lookback.final(stream.client.clocks.earliest(began)), **mark})
