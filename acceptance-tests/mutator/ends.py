"""Ends of lists: odd has_more, cursors, links and counts, and pages that are empty though more is announced."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from emulators.messages import Response
from mutator.answers import Change, Document, Mutation, RowChange, announces_more, is_counted, places
from mutator.rows import placed
from mutator.values import BIG, Raw

CURSOR_NAMES = frozenset({"cursor", "cursor_next", "next_page", "next"})
COUNT_NAMES = frozenset({"total", "total_results", "count", "totalPages", "pageSize", "page", "count_truncated"})
TRUTHS: tuple[Any, ...] = ("true", "false", 1, [True], {"a": 1}, 1.5, "yes")
NOTHINGS: tuple[Any, ...] = (None, 0, "", [], {})
CURSORS: tuple[Any, ...] = (
    5, -1, 1.5, True, [], ["x"], {}, {"a": 1}, " ", "x" * 5_000, "http://[", "https://elsewhere.example/v1/leads?page=2",
    "ftp://x/y", "//", "?", "?page=", "/v1/../../etc", "http://user:pass@127.0.0.1/", "caf\u00e9 ?", "\x00",
    "\r\nX-A: b", Raw(b'"\\ud83d"'), Raw(b"NaN"), Raw(BIG.encode()), "2",
)  # fmt: skip
COUNTS: tuple[Any, ...] = (
    0, 1, -1, 1.5, None, "12", "", True, [], {}, 10**9, 2**63, Raw(BIG.encode()), Raw(b"1e400"), Raw(b"NaN"),
    {"total": None},
)  # fmt: skip
ENVELOPES: tuple[tuple[str, Any], ...] = (
    ("meta", None), ("meta", []), ("meta", "x"), ("meta", {}), ("links", []), ("links", "x"),
    ("errors", [{"detail": "x"}]), ("errors", None), ("errors", "x"), ("included", None), ("included", [None, 5, {}]),
    ("status", "failure"), ("status", None), ("count", None), ("count", []), ("count", {}), ("error", "x"),
    ("data", None), ("data", {}),
    ("", 0),
)  # fmt: skip


def empty_though_more_follows(right: Response, random: Random) -> Change | None:
    document = Document.of(right)
    if document is None or not document.rows or not announces_more(document):
        return None
    withheld = () if is_counted(document) else tuple(document.rows)
    document.rows.clear()
    return Change(document.sent_as(right), withheld=withheld)


def more_after_the_end(right: Response, random: Random) -> Change | None:
    """The last page says that another one follows."""
    document = Document.of(right)
    if document is None or document.envelope.get("has_more") is not False:
        return None
    value = random.choice((True, True, *TRUTHS))
    document.value["has_more"] = value
    return Change(document.sent_as(right), note=f"has_more {value!r}")


def odd_has_more(right: Response, random: Random) -> Change | None:
    """`has_more` of a page that is not the last is true in other words, or says nothing."""
    document = Document.of(right)
    if document is None or document.envelope.get("has_more") is not True:
        return None
    value = random.choice((*TRUTHS, *NOTHINGS, "missing"))
    document.value["has_more"] = value
    if value == "missing":
        del document.value["has_more"]
    ends_here = value in ("missing", "false") or not value
    return Change(document.sent_as(right), may_lose=ends_here and not is_counted(document), note=f"has_more {value!r}")


def odd_cursor(right: Response, random: Random) -> Change | None:
    """The way to the next page is no way."""
    document = Document.of(right)
    found = list(places(document.envelope, CURSOR_NAMES)) if document else []
    if document is None or not found:
        return None
    _, name = random.choice(found)
    holder = document.value if name in document.value else document.value["links"]
    value = random.choice(CURSORS)
    holder[name] = placed(document, value)
    return Change(document.sent_as(right), may_lose=not value and not is_counted(document), note=f"{name}: {value!r}")


def no_cursor(right: Response, random: Random) -> Change | None:
    """The way to the next page is missing: often nobody can know that there is one."""
    document = Document.of(right)
    found = list(places(document.envelope, CURSOR_NAMES)) if document else []
    if document is None or not found:
        return None
    _, name = random.choice(found)
    holder = document.value if name in document.value else document.value["links"]
    holder[name] = random.choice(NOTHINGS)
    if random.random() < 0.3:
        del holder[name]
    return Change(document.sent_as(right), may_lose=not is_counted(document), note=f"no {name}")


def leads_to_itself(right: Response, random: Random) -> Change | None:
    """The next page is this one, by its own link."""
    document = Document.of(right)
    links = document.envelope.get("links") if document else None
    if document is None or not isinstance(links, dict) or not isinstance(links.get("self"), str):
        return None
    links["next"] = links["self"]
    return Change(document.sent_as(right))


def odd_count(right: Response, random: Random) -> Change | None:
    """A count is too high, too low or no number."""
    document = Document.of(right)
    found = list(places(document.envelope, COUNT_NAMES)) if document else []
    if document is None or not found:
        return None
    holder, name = random.choice(found)
    value = random.choice(COUNTS)
    if holder.get(name) is not None and isinstance(holder[name], int) and random.random() < 0.4:
        value = random.choice((holder[name] + 1, holder[name] * 2, max(0, holder[name] - 1)))
    note = f"{name}: {value!r} instead of {holder[name]!r}"
    _put(document, holder, name, placed(document, value))
    return Change(document.sent_as(right), note=note)


def _put(document: Document, holder: dict[str, Any], name: str, value: Any) -> None:
    """Set a value inside the envelope, which may be the document itself."""
    if name in document.value and document.value[name] == holder.get(name):
        document.value[name] = value
    else:
        holder[name] = value


def odd_envelope(right: Response, random: Random) -> Change | None:
    """Something around the rows is odd."""
    document = Document.of(right)
    if document is None or document.rows_key is None or not document.rows:
        return None
    name, value = random.choice(ENVELOPES)
    loses_way = name in ("links", "meta") and announces_more(document)
    document.value[name] = deepcopy(value)
    loses_way = loses_way and not is_counted(document)
    return Change(document.sent_as(right), may_lose=loses_way, note=f"{name}: {value!r}")


def timed_out(right: Response, random: Random) -> Change | None:
    """The search gave up half-way and says so."""
    document = Document.of(right)
    meta = document.envelope.get("meta") if document else None
    if document is None or not isinstance(meta, dict) or "timed_out" not in meta or not document.rows:
        return None
    meta["timed_out"] = True
    del document.rows[len(document.rows) // 2 :]
    return Change(document.sent_as(right))


def rows_as_object(right: Response, random: Random) -> Change | None:
    """An object stands where the list belongs."""
    document = Document.of(right)
    if document is None or document.rows_key is None or not document.rows:
        return None
    rows, can_know = document.rows, is_counted(document)
    forms: tuple[Any, ...] = (rows[0], {str(number): row for number, row in enumerate(rows)}, {"data": rows})
    chosen = document.value[document.rows_key] = random.choice(forms)
    changes = tuple(RowChange(row, row) for row in rows)
    # One object in the place of a list is its only row.
    withheld = tuple(rows[1:]) if chosen is rows[0] and not can_know else ()
    return Change(document.sent_as(right), changes if len(rows) == 1 else (), withheld=withheld)


MUTATIONS = (
    Mutation("end", "empty page though more follows", empty_though_more_follows, weight=2),
    Mutation("end", "more after the end", more_after_the_end),
    Mutation("end", "odd has_more", odd_has_more, weight=2),
    Mutation("end", "odd cursor or link", odd_cursor, weight=3),
    Mutation("end", "no cursor or link", no_cursor),
    Mutation("end", "the next page is this one", leads_to_itself),
    Mutation("end", "odd count", odd_count, weight=3),
    Mutation("end", "odd envelope", odd_envelope, weight=2),
    Mutation("end", "the search timed out", timed_out),
    Mutation("end", "an object instead of the list", rows_as_object),
)
