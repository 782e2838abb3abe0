"""Rows that are no objects, have odd fields, or come twice. The other rows of the page must arrive as they are."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from emulators.messages import Response
from mutator.answers import Change, Document, Mutation, Row, RowChange
from mutator.values import CURSORS, IDENTIFIERS, NAMES, NO_OBJECTS, RELATIONS, TIMES, VALUES, Raw


def placed(document: Document, value: Any) -> Any:
    """A value of the tables, with raw text as what stands for it."""
    if isinstance(value, Raw):
        return document.raw(value.text)
    return deepcopy(value)


@dataclass
class Edit:
    """A page of which one row is being changed. `holder` is what holds the row's fields."""

    document: Document
    row: Row
    before: Row
    note: str = ""
    shows: str = ""

    @classmethod
    def of(cls, right: Response, random: Random) -> Edit | None:
        """None where the answer has no row."""
        document = Document.of(right)
        if document is None or not document.objects:
            return None
        row = random.choice(document.objects)
        return cls(document, row, deepcopy(row))

    @property
    def holder(self) -> Row:
        attributes = self.row.get("attributes")
        return attributes if isinstance(attributes, dict) else self.row

    def set_or_drop(self, holder: Row, name: str, value: Any, random: Random) -> None:
        """Set a field to an odd value, or take it away."""
        if random.random() < 0.15:
            holder.pop(name, None)
            self.note = f"without {name}"
            return
        holder[name] = placed(self.document, value)
        self.note = f"{name}: {value!r}"
        self.shows = value.shows if isinstance(value, Raw) else ""

    def sent_as(self, right: Response, *fields: str) -> Change:
        """The changed answer; `fields` are the names that changed, where the rest of the row did not."""
        rows = (RowChange(self.before, self.row, fields=fields),)
        note = f"row {self.before.get('id')} {self.note}"
        return Change(self.document.sent_as(right), rows, shows=self.shows, note=note)


def odd_field(right: Response, random: Random) -> Change | None:
    """Any field but the id and the cursors has any value, or is missing."""
    edit = Edit.of(right, random)
    names = sorted(edit.holder.keys() - {"id", "type", "attributes", "relationships", *CURSORS}) if edit else []
    if edit is None or not names:
        return None
    name = random.choice(names)
    edit.set_or_drop(edit.holder, name, random.choice(VALUES), random)
    return edit.sent_as(right, name)


def odd_cursor(right: Response, random: Random) -> Change | None:
    """A time that streams go by is no time, or one of another form."""
    edit = Edit.of(right, random)
    names = sorted(edit.holder.keys() & set(CURSORS)) if edit else []
    if edit is None or not names:
        return None
    name = random.choice(names)
    edit.set_or_drop(edit.holder, name, random.choice(TIMES), random)
    return edit.sent_as(right, name)


def odd_id(right: Response, random: Random) -> Change | None:
    edit = Edit.of(right, random)
    if edit is None or "id" not in edit.row:
        return None
    edit.set_or_drop(edit.row, "id", random.choice(IDENTIFIERS), random)
    return edit.sent_as(right)


def new_field(right: Response, random: Random) -> Change | None:
    """A field that nobody has declared, perhaps of an odd name or of nearly the name of another one."""
    edit = Edit.of(right, random)
    if edit is None:
        return None
    like = random.choice(sorted(edit.holder) or ["name"])
    name = random.choice((*NAMES, like.upper(), like.title(), like.replace("_", ""), f"{like}_"))
    value = random.choice(VALUES)
    if name in edit.holder:
        return None
    edit.holder[name] = placed(edit.document, value)
    edit.note = f"new field {name!r}: {value!r}"
    return edit.sent_as(right, name)


def odd_part(part: str, right: Response, random: Random) -> Change | None:
    """`attributes` or `relationships` of JSON:API are odd, or missing."""
    edit = Edit.of(right, random)
    if edit is None or part not in edit.row:
        return None
    edit.set_or_drop(edit.row, part, random.choice(RELATIONS if part == "relationships" else NO_OBJECTS), random)
    return edit.sent_as(right)


def no_object_among(right: Response, random: Random) -> Change | None:
    """Something that is no row stands among the rows."""
    document = Document.of(right)
    if document is None or not document.rows:
        return None
    added = random.choice(NO_OBJECTS)
    document.rows.insert(random.randint(0, len(document.rows)), placed(document, added))
    return Change(document.sent_as(right), note=f"also {added!r}")


def empty_object_among(right: Response, random: Random) -> Change | None:
    """An object without anything stands among the rows."""
    document = Document.of(right)
    if document is None or not document.rows:
        return None
    added: Row = random.choice(({}, {"foo": 1}, {"id": None}, {"data": []}))
    document.rows.insert(random.randint(0, len(document.rows)), added)
    return Change(document.sent_as(right), (RowChange({}, added),), note=f"also {added!r}")


def no_object_instead(right: Response, random: Random) -> Change | None:
    """Something that is no row stands in the place of one."""
    document = Document.of(right)
    if document is None or not document.rows:
        return None
    at = random.randrange(len(document.rows))
    instead = random.choice(NO_OBJECTS)
    before, document.rows[at] = document.rows[at], placed(document, instead)
    return Change(document.sent_as(right), (RowChange(before, gone=True),), note=f"row {at} is {instead!r}")


def missing(right: Response, random: Random) -> Change | None:
    """A row is not on its page, as if it had just been deleted."""
    document = Document.of(right)
    if document is None or not document.rows or len(document.rows) < 2:
        return None
    before = document.rows.pop(random.randrange(len(document.rows)))
    return Change(document.sent_as(right), (RowChange(before, gone=True),))


def twice(right: Response, random: Random) -> Change | None:
    """A row comes twice in one answer; it must leave once."""
    document = Document.of(right)
    if document is None or not document.rows:
        return None
    at = random.randrange(len(document.rows))
    document.rows.insert(random.choice((at, len(document.rows))), document.rows[at])
    return Change(document.sent_as(right))


def another_order(right: Response, random: Random) -> Change | None:
    document = Document.of(right)
    if document is None or not document.rows or len(document.rows) < 2:
        return None
    document.rows.reverse() if random.random() < 0.5 else random.shuffle(document.rows)
    return Change(document.sent_as(right))


MUTATIONS = (
    Mutation("row", "odd field", odd_field, harmless=True, weight=6),
    Mutation("row", "odd cursor", odd_cursor, harmless=True, weight=6),
    Mutation("row", "odd id", odd_id, harmless=True, weight=2),
    Mutation("row", "new field", new_field, harmless=True, weight=2),
    Mutation("row", "odd attributes", partial(odd_part, "attributes"), harmless=True, weight=2),
    Mutation("row", "odd relationships", partial(odd_part, "relationships"), harmless=True, weight=2),
    Mutation("row", "no object among them", no_object_among, harmless=True, weight=2),
    Mutation("row", "empty object among them", empty_object_among, harmless=True),
    Mutation("row", "no object instead", no_object_instead, harmless=True),
    Mutation("row", "missing", missing),
    Mutation("row", "twice in one answer", twice, harmless=True, weight=2),
    Mutation("row", "another order", another_order),
)
