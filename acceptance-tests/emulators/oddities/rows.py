"""Rows made odd, and the records that a complete read makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson

from emulators.moments import parse_ms
from emulators.oddities import kinds, raw
from emulators.oddities.form import Form
from emulators.oddities.kinds import ATTRIBUTE, CURSORS, OUTSIDE, RELATIONS, SPELLING, SPELLINGS, TIMES, VALUES

Row = dict[str, Any]


class Rows:
    """Changes rows in place. `choose` tells the kind of a row by its identity."""

    def __init__(self, form: Form, counts: Counter[str], choose: Callable[[str], str | None]) -> None:
        self._form, self._counts, self._choose = form, counts, choose

    def twist(self, body: dict[str, Any], key: str) -> None:
        """Every row of an answer that was chosen."""
        rows = body[key] if isinstance(body[key], list) else [body[key]]
        done: set[int] = set()
        for row in rows:
            if isinstance(row, dict) and row.get("id") is not None and id(row) not in done:
                done.add(id(row))
                kind = self._choose(self._form.identity(row))
                if kind is not None and self._twist(row, kind):
                    self._counts[kind] += 1

    def _twist(self, row: Row, kind: str) -> bool:
        form, attributes = self._form, self._form.attributes(row)
        if kind in RELATIONS:
            return form.relations(row, kind)
        flat = attributes | {name: row[name] for name in ("id", "type") if name in row}
        cursor, moment = form.cursor(flat), form.time(flat)
        changed = self._changes(attributes, kind, cursor, moment, str(row["id"]))
        if kind in VALUES:
            attributes[ATTRIBUTE] = VALUES[kind].sent
            return True
        return changed

    def _changes(self, record: Row, kind: str, cursor: str | None, moment: str | None, identity: str) -> bool:
        """What is the same in a row and in its record; whether anything has changed."""
        if kind in CURSORS and cursor is not None and cursor in record:
            kinds.set_cursor(record, cursor, CURSORS[kind])
        elif kind == OUTSIDE and cursor is not None and isinstance(record.get(cursor), str):
            record[cursor] = kinds.earlier(parse_ms(record[cursor]))
        elif kind in TIMES and moment is not None and isinstance(record.get(moment), str):
            record[moment] = kinds.respelt(kind, record[moment])
        elif kind == SPELLINGS:
            record |= {name: f"{SPELLING} {name} {identity}" for name in ("orderID", "orderId")}
        else:
            return False
        return True

    def true(self, text: bytes, *, derived_cursor: str | None = None) -> bytes:
        """A record of the right truth as it must be emitted; `derived_cursor` is as in `Form.derived`."""
        record = orjson.loads(text)
        form = self._form
        kind = self._choose(form.identity(record))
        if kind is None or kind in RELATIONS:
            return text
        if derived_cursor is not None:
            if kind in (*CURSORS, OUTSIDE):
                self._changes(record, kind, derived_cursor, None, "")
            return raw.dumps(record)
        spelt = form.raw_record(record)
        cursor, moment = (name and form.column(name) for name in (form.cursor(spelt), form.time(spelt)))
        self._changes(record, kind, cursor, moment, str(record.get("id")))
        if kind in VALUES:
            record[ATTRIBUTE] = VALUES[kind].true
        if kind == "time_zoneless" and moment is not None and record.get(moment) is not None:
            record[moment] = kinds.with_zone(record[moment])
        return raw.dumps(record)
