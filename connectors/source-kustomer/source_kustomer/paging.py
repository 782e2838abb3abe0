"""Lists that go by number, or along links that are cursors; where an endpoint sends no links, while pages are full.

A row comes again where others moved, pages may be shorter or longer than was asked for, and an empty page is the end
only where nothing is announced behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from source_kit.errors import StreamUnavailable
from source_kit.pages import MOST_PAGES_WITHOUT_ROWS, endless, every
from source_kit.rows import identity
from source_kit.rules import Rejected
from source_kit.stream import Answer
from source_kit.windows import Fetched, WalkExpired
from source_kit.work import Record

if TYPE_CHECKING:
    from source_kustomer.base import KustomerStream

# What a list of work items answered with, though another size was asked for.
DEFAULT_PAGE_SIZE = 100
MOST_RECORDS = 10_000
# Walks of one list that the size of pages ended.
MOST_WALKS = 20


class TooLong(StreamUnavailable):
    """A list has more rows than Kustomer lists."""


class Step(NamedTuple):
    """One page of a list: its number, at the size that the walk began with; or the parameters of a link.

    `is_announced`: the page before it said that it is there, not only that it was full.
    """

    number: int
    size: int
    query: str = ""
    is_announced: bool = False


class Listing:
    """One walk through a list. `asked` has its path and filters; `is_capped`: no more than 10,000 rows are listed."""

    def __init__(self, stream: KustomerStream, asked: Mapping[str, Any], *, is_capped: bool = False) -> None:
        self._stream = stream
        self._asked = asked
        self._is_capped = is_capped
        # The rows as they came, and the pages since the last that brought one of them.
        self._seen: set[Any] = set()
        self._idle = 0

    def pages(self) -> Iterator[Fetched]:
        """Raises `WalkExpired` where the numbers of pages mean others now, because their size was halved; `TooLong`
        where a cap was met; `TransientError` where rows are announced again and again and none of them is new."""
        return every(self._ask, self._stream.path(stream_slice=self._asked))

    def _ask(self, step: Step | None) -> Fetched:
        step = step or Step(1, self._stream.rows_a_page)
        is_deep = step.number > 1 and self._is_capped
        if is_deep and len(self._seen) >= MOST_RECORDS:
            raise self._too_long(step)
        try:
            answer, step = self._answer(step)
            if step.is_announced and not answer.size and next_link(answer.body) is None:
                # It may have lost its rows on the way.
                answer, step = self._answer(step)
        except Rejected as rejected:
            if is_deep and rejected.status == 400:
                raise self._too_long(step) from rejected
            raise
        total = counted(section(answer.body, "meta").get("total")) if step.number == 1 else None
        return Fetched(answer.records, answer.asked_at, self._after(step, answer), total, answer.size)

    def _answer(self, step: Step) -> tuple[Answer, Step]:
        """One page; another size changes neither the first one nor what a cursor points to."""
        while True:
            query = parse_qs(step.query, keep_blank_values=True)
            try:
                answer = self._stream.fetch({**self._asked, "page": step.number, "query": query, "size": step.size})
            except WalkExpired:
                if step.number > 1 or "page" in query:
                    raise
                step = step._replace(size=self._stream.rows_a_page)
            else:
                return answer, step

    def _after(self, step: Step, answer: Answer) -> Step | None:
        """The page after this one, None after the last."""
        ids = set(map(identity, answer.body[self._stream.rows_key]))
        has_news = not ids <= self._seen
        self._seen |= ids
        self._idle = 0 if has_news or not answer.size else self._idle + 1
        links = section(answer.body, "links")
        link = next_link(answer.body)
        if link is None:
            has_links = "next" in links or "self" in links
            if has_links or not has_news or answer.size < self._full_page(step, answer.body):
                return None
        elif self._idle > MOST_PAGES_WITHOUT_ROWS:
            raise endless(f"{self._idle} pages without a new row")
        query = query_of(link)
        is_cursor = bool(query) and parse_qs(query).get("page") != [str(step.number + 1)]
        if is_cursor:
            return Step(0, step.size, query, is_announced=True)
        return Step(step.number + 1, step.size, is_announced=link is not None)

    def _full_page(self, step: Step, content: Any) -> int:
        """The rows that a full page has at least: what `meta` tells or was asked for, and never above the default."""
        told = counted(section(content, "meta").get("pageSize"))
        return min(told or step.size or DEFAULT_PAGE_SIZE, DEFAULT_PAGE_SIZE)

    def _too_long(self, step: Step) -> TooLong:
        rows = len(self._seen)
        return TooLong(
            f"Stream {self._stream.name} holds more than the {rows} records that Kustomer lists; those were read, the "
            "rest cannot be reached. Remove the stream from the sync if the first ones do not help you.",
            internal_message=f"GET {self._stream.path(stream_slice=self._asked)}: {rows} rows, and page {step.number}",
        )


def unseen(records: Iterable[Record], seen: set[Any]) -> list[Record]:
    """The records that are not in `seen` yet, which has them from then on."""
    fresh = []
    for record in records:
        key = identity(record)
        if key not in seen:
            seen.add(key)
            fresh.append(record)
    return fresh


def section(content: Any, name: str) -> Mapping[str, Any]:
    """An object of the envelope (`meta`, `links`); empty for whatever else stands there."""
    found = content.get(name) if isinstance(content, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def next_link(content: Any) -> Any:
    """What `links.next` says, as a text or as the object that JSON:API allows; None where there is no next page."""
    link = section(content, "links").get("next")
    return (link.get("href") if isinstance(link, Mapping) else link) or None


def query_of(link: Any) -> str:
    """The parameters of a link. Its host and path are never asked: the path stays the stream's own."""
    try:
        return urlsplit(link).query if isinstance(link, str) else ""
    except ValueError:
        return ""


def counted(value: Any) -> int | None:
    """A number of rows, which may come as a text; None for whatever is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
