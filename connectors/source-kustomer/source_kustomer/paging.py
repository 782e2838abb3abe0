"""Lists that go by number, or along links that are cursors; where an endpoint sends no links, while pages are full.

A row comes again where others moved, pages may be shorter or longer than was asked for, and an empty page is the end
only where nothing is announced behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from source_kit.errors import StreamUnavailable
from source_kit.fetcher import Answer
from source_kit.pages import MOST_PAGES_WITHOUT_ROWS, endless, every
from source_kit.rows import identity, unseen
from source_kit.rules import Rejected, Unavailable
from source_kit.windows import Fetched, WalkExpired
from source_kit.work import Page, Record
from source_kustomer.endpoints import ListAsk, ListEndpoint
from source_kustomer.envelope import counted, next_link, query_of, section, total_of
from source_kustomer.fetcher import KustomerFetcher

# What a list of work items answered with, though another size was asked for.
DEFAULT_PAGE_SIZE = 100
MOST_RECORDS = 10_000
# Walks of one list that the size of pages ended.
MOST_WALKS = 20
# Walks of one list that came to its end.
MOST_PASSES = 4


class TooLong(StreamUnavailable):
    """A list has more rows than Kustomer lists."""


class ListFetcher(KustomerFetcher[ListAsk]):
    """Asks a list to its end; rows that come again are given once."""

    endpoint: ListEndpoint

    def of(self, parent: str) -> Iterator[list[Record]]:
        """The children of one parent, by page; none of a parent that is gone."""
        seen: set[Any] = set()
        asked = ListAsk(parent=parent)
        for _ in range(MOST_WALKS):
            try:
                for fetched in _ListWalk(self, asked).pages():
                    fresh = unseen(fetched.records, seen)
                    if fresh:
                        yield fresh
            except WalkExpired:  # pages of another size begin with other rows
                continue
            except Unavailable as unavailable:
                if unavailable.status != 404:
                    raise
            return
        raise endless(self.endpoint.path(asked))

    def whole(self) -> Iterator[Page]:
        """The whole list. No order is promised and pages go by number, so a list of several pages is read again until
        nothing new comes: a row that is deleted meanwhile shifts others over the border of a page."""
        seen: set[Any] = set()
        for filters in self.endpoint.passes:
            yield from self._at_rest(ListAsk(filters=filters), seen)

    def _at_rest(self, asked: ListAsk, seen: set[Any]) -> Iterator[Page]:
        """Passes through one list. A state that passed rows that were missed would hide them for ever: it is held."""
        passes = missing = 0
        for _ in range(MOST_WALKS):
            has_news, pages, came, total = False, 0, 0, 0
            try:
                for fetched in _ListWalk(self, asked, is_capped=True).pages():
                    pages, came, total = pages + 1, came + fetched.size, max(total, fetched.total or 0)
                    fresh = unseen(fetched.records, seen)
                    has_news = has_news or bool(fresh)
                    ready = [Page(fresh)] if fresh else []
                    del fetched, fresh
                    while ready:
                        yield ready.pop()
            except WalkExpired:
                continue
            passes, missing = passes + 1, total - came
            if missing <= 0 and (pages < 2 or not has_news):
                return
            if passes == MOST_PASSES:
                yield Page(holds=True, warning=_restless(missing))
                return
        raise endless(self.endpoint.path(asked))

    def names(self, keep: Callable[[Record], bool] = lambda record: True) -> list[str]:
        """The `name` of the rows, each once, in alphabetical order. What is odd about the list goes to the log; where
        rows came without a name it is read again."""
        names: set[str] = set()
        for _ in range(2):
            nameless = 0
            for page in self.whole():
                if page.warning:
                    self.say("WARN", page.warning)
                named = [record for record in page.records if isinstance(record.get("name"), str) and record["name"]]
                names |= {record["name"] for record in named if keep(record)}
                nameless += len(page.records) - len(named)
            if not nameless:
                break
        else:
            path = self.endpoint.path(self.endpoint.usual)
            self.client.log("WARN", f"{nameless} rows of {path} have no name: what is called after them is left out.")
        return sorted(names)


class _Step(NamedTuple):
    """One page of a walk: its number, at the size that the walk began with; or the parameters of a link.

    `is_announced`: the page before it said that it is there, not only that it was full.
    """

    number: int
    size: int
    query: str = ""
    is_announced: bool = False


class _ListWalk:
    """One walk through a list. `asked` has its parent and filters; `is_capped`: no more than 10,000 rows are listed."""

    def __init__(self, fetcher: ListFetcher, asked: ListAsk, *, is_capped: bool = False) -> None:
        self._fetcher = fetcher
        self._asked = asked
        self._path = fetcher.endpoint.path(asked)
        self._is_capped = is_capped
        # The rows as they came, and the pages since the last that brought one of them.
        self._seen: set[Any] = set()
        self._idle = 0

    def pages(self) -> Iterator[Fetched]:
        """Raises `WalkExpired` where the numbers of pages mean others now, because their size was halved; `TooLong`
        where a cap was met; `TransientError` where rows are announced again and again and none of them is new."""
        return every(self._ask, self._path)

    def _ask(self, step: _Step | None) -> Fetched:
        step = step or _Step(1, self._fetcher.rows_a_page)
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
        total = total_of(answer.body) if step.number == 1 else None
        return Fetched(answer.records, answer.asked_at, self._after(step, answer), total, answer.size)

    def _answer(self, step: _Step) -> tuple[Answer, _Step]:
        """One page; another size changes neither the first one nor what a cursor points to."""
        while True:
            asked = replace(self._asked, page=step.number, query=step.query, size=step.size)
            try:
                return self._fetcher.fetch(asked), step
            except WalkExpired:
                if step.number > 1 or "page" in parse_qs(step.query, keep_blank_values=True):
                    raise
                step = step._replace(size=self._fetcher.rows_a_page)

    def _after(self, step: _Step, answer: Answer) -> _Step | None:
        """The page after this one, None after the last."""
        ids = set(map(identity, answer.body[self._fetcher.endpoint.rows_key]))
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
            return _Step(0, step.size, query, is_announced=True)
        return _Step(step.number + 1, step.size, is_announced=link is not None)

    def _full_page(self, step: _Step, content: Any) -> int:
        """The rows that a full page has at least: what `meta` tells or was asked for, and never above the default."""
        told = counted(section(content, "meta").get("pageSize"))
        return min(told or step.size or DEFAULT_PAGE_SIZE, DEFAULT_PAGE_SIZE)

    def _too_long(self, step: _Step) -> TooLong:
        rows = len(self._seen)
        return TooLong(
            f"Stream {self._fetcher.stream} holds more than the {rows} records that Kustomer lists; those were read, "
            "the rest cannot be reached. Remove the stream from the sync if the first ones do not help you.",
            internal_message=f"GET {self._path}: {rows} rows, and page {step.number}",
        )


def _restless(missing: int) -> str:
    cause = f"counts {missing} rows more than come" if missing > 0 else "brought rows that were not there before"
    return (
        f"Kustomer's list {cause}, in {MOST_PASSES} passes one after the other. Some may be missing; the state stays, "
        "so that the next sync looks again."
    )
