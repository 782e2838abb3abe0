"""Bodies that are damaged, or that are no page."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

from emulators.messages import HTML, Response
from mutator.answers import Change, Document, Mutation, RowChange

PAGE_OF_A_PROXY = b"<html><head><title>Sign in</title></head><body>Your network needs you.</body></html>"
NO_PAGES = (
    b"{}", b"null", b'"text"', b"42", b"true", b'{"data": null}', b'{"data": {}}', b'{"data": "x"}', b'{"data": 1}',
    b'{"error": "Internal"}', b'{"errors": [{"detail": "x"}]}', b'{"status": "failure", "errors": ["x"]}', b"[null]",
    b'{"data": [[]]}', b'{"data": [[{"id": "1"}]]}',
)  # fmt: skip
CONTENT_TYPES = (
    b"text/html",
    b"",
    b"application/octet-stream",
    b"text/plain; charset=utf-16",
    b"application/json;;",
    b"\xff",
)
CHARSETS = (b"application/json; charset=latin-1", b"application/json; charset=no-such", b"application/vnd.api+json")


def empty(right: Response, random: Random) -> Change:
    return Change(replace(right, body=b""))


def spaces(right: Response, random: Random) -> Change:
    return Change(replace(right, body=random.choice((b" ", b"\n" * 50, b"\x00" * 50))))


def html(right: Response, random: Random) -> Change:
    return Change(replace(right, body=PAGE_OF_A_PROXY, content_type=HTML))


def cut(right: Response, random: Random) -> Change:
    """JSON that does not end, in a complete HTTP message."""
    return Change(replace(right, body=right.body[: random.randrange(1, max(2, len(right.body)))]))


def cut_off(right: Response, random: Random) -> Change:
    """The connection ends inside the body."""
    return Change(replace(right, truncate=True))


def reset(right: Response, random: Random) -> Change:
    return Change(replace(right, reset=True))


def slow(right: Response, random: Random) -> Change:
    return Change(replace(right, slow=0.5))


def one_byte(right: Response, random: Random) -> Change:
    """One byte is another one. Mostly this is no JSON any more; else a row, or the envelope, has another value."""
    at = random.randrange(len(right.body)) if right.body else 0
    body = right.body[:at] + bytes([random.choice(b'\xff\x00"{}[],:\\')]) + right.body[at + 1 :]
    before, after = Document.of(right), Document.of(replace(right, body=_readable(body)))
    if before is None or after is None:
        return Change(replace(right, body=body))
    pairs = zip(_records(before), _records(after), strict=False)
    rows = tuple(
        RowChange(old, new, gone=not isinstance(new, dict), fields=changed_fields(old, new))
        for old, new in pairs
        if old != new
    )
    is_elsewhere = before.envelope != after.envelope or len(before.rows or ()) != len(after.rows or ())
    return Change(replace(right, body=body), rows, may_lose=is_elsewhere)


def _records(document: Document) -> list[Any]:
    """What becomes records: the rows or the one object, and what is included beside them."""
    included = document.envelope.get("included")
    return [*(document.rows or document.objects), *(included if isinstance(included, list) else ())]


def changed_fields(before: Any, after: Any) -> tuple[str, ...]:
    """The fields, of a row or of its attributes, that differ; none where more than fields does."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ()
    names = tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
    if names == ("attributes",):
        return changed_fields(before["attributes"], after.get("attributes"))
    return () if {"attributes", "relationships", "id", "type"} & set(names) else names


def _readable(body: bytes) -> bytes:
    """A byte that is no UTF-8, or a control character, spoils one text, and the JSON can still be read."""
    try:
        return json.dumps(json.loads(body.decode("utf-8", "replace"), strict=False)).encode()
    except ValueError:
        return body


def byte_order_mark(right: Response, random: Random) -> Change:
    return Change(replace(right, body=b"\xef\xbb\xbf" + right.body))


def framed_by_space(right: Response, random: Random) -> Change:
    return Change(replace(right, body=b"\n\t  " + right.body + b"\r\n \n"))


def more_behind(right: Response, random: Random) -> Change:
    return Change(replace(right, body=right.body + random.choice((b"]", b"}", b"\x00", b"<!-- 12 ms -->", right.body))))


def no_page(right: Response, random: Random) -> Change | None:
    """JSON that is not what was asked for, under status 200."""
    document = Document.of(right)
    if document is None or document.rows is None or not document.rows:
        return None
    body = random.choice(NO_PAGES)
    # A list of rows that are no objects says nothing of others.
    return Change(replace(right, body=body), may_lose=body.startswith(b'{"data": [['))


def not_compressed(right: Response, random: Random) -> Change:
    """Says that it is compressed, and is not."""
    encoding = random.choice(("gzip", "deflate", "gzip, gzip"))
    return Change(replace(right, headers=[*right.headers, ("Content-Encoding", encoding)]))


def another_type(right: Response, random: Random) -> Change:
    return Change(replace(right, content_type=random.choice(CONTENT_TYPES)))


def another_charset(right: Response, random: Random) -> Change:
    return Change(replace(right, content_type=random.choice(CHARSETS)))


MUTATIONS = (
    Mutation("body", "empty", empty),
    Mutation("body", "only spaces", spaces),
    Mutation("body", "HTML", html),
    Mutation("body", "cut", cut),
    Mutation("body", "connection ends inside", cut_off),
    Mutation("body", "connection reset", reset),
    Mutation("body", "slow", slow, harmless=True),
    Mutation("body", "one byte is another", one_byte, weight=2),
    Mutation("body", "byte order mark", byte_order_mark, harmless=True),
    Mutation("body", "white space around it", framed_by_space, harmless=True),
    Mutation("body", "more behind it", more_behind),
    Mutation("body", "no page", no_page, weight=3),
    Mutation("body", "not compressed as announced", not_compressed),
    Mutation("body", "another content type", another_type),
    Mutation("body", "another charset", another_charset, harmless=True),
)
