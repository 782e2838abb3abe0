"""What is asked once per conversation or customer. State: the time of the last parent whose children are all out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.stream import TimeCursor
from source_kit.windows import Window
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.base import KustomerStream
from source_kustomer.endpoints import ListEndpoint
from source_kustomer.late_index import NO_MARK, looking_back
from source_kustomer.paging import ListFetcher
from source_kustomer.search import SearchAsk
from source_kustomer.searches import SearchStream
from source_kustomer.wanted import Wanted

PARENTS_A_PLAN = 8
CURSOR = "parent_updated_at"


@dataclass(frozen=True)
class Parent:
    """Whose children to ask for. `id` is the conversation's or customer's, `asked` what the path needs."""

    id: Any
    asked: str
    updated_at: Any


class Children:
    """One read of what belongs to the rows of a walk, each of which is asked for its own."""

    # What a row must have to be asked for its children.
    parent_key = "id"

    def __init__(self, pages: ListFetcher, parent_column: str = "conversation_id") -> None:
        """`parent_column` is where children show the id of their parent."""
        self._pages = pages
        self._parent_column = parent_column
        self._began = pages.client.clock.now()
        self._late: set[Any] = set()
        # The latest time of those children that tell one.
        self.latest: str | None = None

    @property
    def began_at(self) -> datetime:
        """When the read began; on the server's clock if that is behind, as far as answers have told by now."""
        return self._pages.client.clocks.earliest(self._began)

    def fan_out(self, parents: Plan) -> Plan:
        """A walk of parents, with the children of each page in the page's place."""
        for step in parents:
            if isinstance(step, Fork):
                yield Fork([self.fan_out(each) for each in step.plans], step.goes_on)
                continue
            found = [parent for record in step.records if (parent := self.parent(record)) is not None]
            due = [parent for parent in found if self._is_due(parent)]
            nameless = sum(1 for record in step.records if not is_id(record.get(self.parent_key)))
            step = replace(step, records=(), estimate=None)
            yield Fork(
                [self._of_each(due[first : first + PARENTS_A_PLAN]) for first in range(0, len(due), PARENTS_A_PLAN)],
                goes_on=True,
            )
            if nameless:
                yield Page(holds=True, warning=_nobody_to_ask(nameless, self.parent_key))
            yield step

    def whole(self, parents: Plan, cursor: TimeCursor) -> Plan:
        """All children, and when they are out the state, by the latest of them."""
        yield from self.fan_out(parents)
        yield Fork()
        yield Page((), cursor.checkpoint(self.latest, self.began_at) if self.latest else None)

    def parent(self, record: Record) -> Parent | None:
        """Whom to ask for; None for a record that can have no children."""
        key = record.get(self.parent_key)
        return Parent(key, str(key), record.get("updated_at")) if is_id(key) else None

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        """The children as they leave: with the id and the time of their parent."""
        columns = {self._parent_column: parent.id, CURSOR: parent.updated_at}
        return [record | columns for record in records]

    def _is_due(self, parent: Parent) -> bool:
        """False for a parent that changed since the read began and was asked since then: parents may change faster than
        they can be asked. The state stays before them, so the next read asks them again."""
        changed_at = timestamps.instant(parent.updated_at)
        if changed_at is None or changed_at < self.began_at:
            return True
        is_due = parent.id not in self._late
        self._late.add(parent.id)
        return is_due

    def _of_each(self, parents: Sequence[Parent]) -> Plan:
        for parent in parents:
            for records in self._pages.of(parent.asked):
                yield Page(self.found(parent, records))


class ResponsesOf(Children):
    """Answers to surveys: no list has them, their ids are on the conversations."""

    def parent(self, record: Record) -> Parent | None:
        level = record.get("satisfaction_level")
        response = level.get("formResponse") if isinstance(level, Mapping) else None
        response = response.get("id") if isinstance(response, Mapping) else response
        response = response or record.get("satisfaction_response_id")
        parent = super().parent(record)
        return replace(parent, asked=response) if parent and isinstance(response, str) and response else None


class ChildStream(KustomerStream):
    """Children of everything that changed since the state; a child of a parent that changed again comes again."""

    cursor_field = CURSOR
    worker_share = 0.5
    starts_after = ("conversations", "customers", "messages")
    pages: ListFetcher

    def __init__(
        self, parents: SearchStream, endpoint: ListEndpoint, children: Callable[[ListFetcher], Children] = Children
    ) -> None:
        """`children` begins a read of them."""
        super().__init__(ListFetcher(parents.client, endpoint, endpoint.schema), parents.settings)
        self.parents = parents.renamed(self.name)
        self.children = children

    def work(self, start: Start) -> Plan:
        """The parents' walk, each page of it followed by its children."""
        yield from self.below(start, self.children(self.pages), self.parents.walk)

    def below(
        self,
        start: Start,
        children: Children,
        walk: Callable[[datetime | None, Wanted], Plan],
        mark: Mapping[str, Any] = NO_MARK,
    ) -> Plan:
        """The children of a walk over parents, some of which the index may show late. States are never later than the
        beginning of the read; `mark` is what else they must tell."""
        return looking_back(
            self,
            start,
            lambda lower, wanted: children.fan_out(walk(lower, wanted)),
            field="updated_at",
            checkpoint=lambda value, at: self.time_cursor.checkpoint(value, min(at, children.began_at)),
            mark=mark,
        )

    def probe(self) -> None:
        """The children of the newest parent, if it can have some; one that is gone has none."""
        newest = self.parents.pages.page(SearchAsk(window=Window(descending=True), limit=1)).records[:1]
        for parent in map(self.children(self.pages).parent, newest):
            if parent is not None:
                next(self.pages.of(parent.asked), None)


def is_id(value: Any) -> bool:
    """Whether something can be asked for by it."""
    return isinstance(value, str | int) and value != ""


def _nobody_to_ask(rows: int, key: str) -> str:
    return (
        f"{rows} rows came without {key}: nobody can be asked for what belongs to them. The state stays before them, "
        "so that the next sync looks again."
    )
