"""An answer of any of the four APIs as JSON that can be walked, and what a mutation says of its change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import orjson

from emulators.messages import Response

Row = dict[str, Any]
NO_ROWS = frozenset({"errors", "included", "field-errors"})
"""Lists of an envelope that hold no rows."""
RAW = "\x02raw %d\x02"


@dataclass(frozen=True)
class RowChange:
    """A row before and after; `after` is what now stands in its place, `gone` that nothing does."""

    before: Any
    after: Any = None
    gone: bool = False
    fields: tuple[str, ...] = ()
    """The names that changed, where the rest of the row did not."""

    def report(self) -> dict[str, Any]:
        """What the judge needs, as JSON. `ids` and `names` are those of the row and of the objects inside it; where it
        `has_parts`, other streams may have made records of what was changed."""
        after = self.after if isinstance(self.after, dict) else {}
        return {
            "ids": sorted(set(ids_inside(self.before))),
            "id": text_of(self.before.get("id")) if isinstance(self.before, dict) else "",
            "names": sorted(set(texts_under("name", self.before))),
            "nameless": isinstance(self.before, dict) and self.before != {} and "id" not in self.before,
            "has_parts": any(isinstance(value, dict | list) for value in self._changed_values()),
            "after_id": text_of(after.get("id")),
            "after_ids": sorted(set(ids_inside(after))),
            "arrives": not self.gone and isinstance(self.after, dict),
            "fields": list(self.fields),
        }

    def _changed_values(self) -> list[Any]:
        """What the changed fields held, as fields of the row or of its attributes; of odd attributes, all of them."""
        row = self.before if isinstance(self.before, dict) else {}
        attributes = row.get("attributes")
        if not isinstance(attributes, dict):
            return [row.get(name) for name in self.fields]
        is_odd = isinstance(self.after, dict) and not isinstance(self.after.get("attributes"), dict)
        return [attributes.get(name) for name in (attributes if is_odd else self.fields)]


@dataclass(frozen=True)
class Change:
    """What a mutation made of an answer.

    `may_lose`: nobody could know from this answer that rows are missing, so completeness cannot be asked for.
    `withheld`: rows that the answer had and does not show any more; where it lasts, nobody can know of them.
    `shows`: text that must be in the output if the changed row is. `note` says what was changed, for people.
    """

    response: Response
    rows: tuple[RowChange, ...] = ()
    may_lose: bool = False
    withheld: tuple[Any, ...] = ()
    shows: str = ""
    note: str = ""


Apply = Callable[[Response, Random], Change | None]
"""The changed answer; None where the mutation does not fit it."""


@dataclass(frozen=True)
class Mutation:
    """One way to change an answer.

    `harmless`: the stream must be read to its end all the same. `refuses`: the credentials are refused, so nothing else
    can be expected either. `lasting`: it also makes sense as the answer to every attempt. `hides`: where it
    lasts, nobody can know that rows are missing, on that page or behind it.
    """

    kind: str
    name: str
    apply: Apply
    harmless: bool = False
    refuses: bool = False
    lasting: bool = True
    hides: bool = False
    weight: float = 1.0

    @property
    def full_name(self) -> str:
        return f"{self.kind}: {self.name}"


@dataclass
class Document:
    """A JSON answer that is being changed. `raw` puts text into it that no JSON writer would write."""

    value: Any
    _raw: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, response: Response) -> Document | None:
        """None if the answer is no JSON object or list."""
        try:
            value = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            return None
        return cls(value) if isinstance(value, dict | list) else None

    def raw(self, text: bytes) -> str:
        """Stands for `text` in the value."""
        self._raw.append(text)
        return RAW % (len(self._raw) - 1)

    def bytes(self) -> bytes:
        """The document as it is sent."""
        body = orjson.dumps(self.value)
        for number, text in enumerate(self._raw):
            body = body.replace(orjson.dumps(RAW % number), text)
        return body

    def sent_as(self, response: Response) -> Response:
        return replace(response, body=self.bytes())

    @property
    def rows_key(self) -> str | None:
        """The name of the list of rows; None for a list without envelope, and for one object."""
        if not isinstance(self.value, dict):
            return None
        lists = [key for key, value in self.value.items() if isinstance(value, list) and key not in NO_ROWS]
        return "data" if "data" in lists else next(iter(lists), None)

    @property
    def rows(self) -> list[Any] | None:
        """The rows of a page, to be changed in place; None where the answer is no page."""
        if isinstance(self.value, list):
            return self.value
        key = self.rows_key
        return None if key is None else self.value[key]

    @property
    def objects(self) -> list[Row]:
        """The objects of the answer that become records: the rows, or the one object that it is."""
        if (rows := self.rows) is not None:
            return [row for row in rows if isinstance(row, dict)]
        inner = self.value.get("data")
        return [inner if isinstance(inner, dict) else self.value]

    @property
    def envelope(self) -> dict[str, Any]:
        """What stands around the rows."""
        if not isinstance(self.value, dict) or self.rows_key is None:
            return {}
        return {key: value for key, value in self.value.items() if key != self.rows_key}


def places(value: Any, names: frozenset[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects inside `value` that have one of the names, with the name."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name in names:
                yield value, name
            yield from places(part, names)


def ids_inside(value: Any) -> Iterator[str]:
    """Every `id` in a value, however deep."""
    if isinstance(value, dict):
        if value.get("id") is not None:
            yield text_of(value["id"])
        for part in value.values():
            yield from ids_inside(part)
    elif isinstance(value, list):
        for part in value:
            yield from ids_inside(part)


def texts_under(key: str, value: Any) -> Iterator[str]:
    """Every text that stands under a key, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get(key), str):
            yield value[key]
        for part in value.values():
            yield from texts_under(key, part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_under(key, part)


def text_of(identifier: Any) -> str:
    """An id as text; empty for none."""
    return "" if identifier is None else str(identifier)


def is_counted(document: Document) -> bool:
    """Whether the envelope says how many rows the query has, so that whoever stops before them can know."""
    meta, count = (document.envelope.get(name) for name in ("meta", "count"))
    told = [document.envelope.get("total_results")]
    told += [part.get(name) for part in (meta, count) if isinstance(part, dict) for name in ("total", "count")]
    return any(isinstance(number, int) and number > len(document.rows or ()) for number in told)


def announces_more(document: Document) -> bool:
    """Whether the page says that there is another one."""
    envelope = document.envelope
    links = envelope.get("links")
    following = (envelope.get("cursor"), envelope.get("cursor_next"), envelope.get("next_page"))
    linked = links.get("next") if isinstance(links, dict) else None
    return bool(envelope.get("has_more") or linked or any(following))
