"""What is asked once per conversation or customer. State: the time of the last parent whose children are all out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.pages import endless
from source_kit.rules import Unavailable
from source_kit.stream import TimeCursor
from source_kit.windows import WalkExpired, Window
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.base import KustomerStream
from source_kustomer.config import Settings
from source_kustomer.late_index import looking_back
from source_kustomer.paging import MOST_WALKS, Listing, unseen
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


class ChildStream(KustomerStream):
    """Children of everything that changed since the state; a child of a parent that changed again comes again."""

    cursor_field = CURSOR
    worker_share = 0.5
    parent_column = "conversation_id"
    # What a record must have to be asked for its children.
    parent_key = "id"
    starts_after = ("conversations", "customers", "messages")

    def __init__(self, client: HttpClient, settings: Settings, parents: SearchStream) -> None:
        super().__init__(client, settings)
        self.parents = parents.renamed(self.name)

    @property
    def time_cursor(self) -> TimeCursor:
        """The cursor of the parents, under this stream's name for it."""
        common = self.settings.common
        lag = timedelta(seconds=common.lookback_window_seconds)
        return TimeCursor(CURSOR, common.start_date, lag, common.end_date)

    def work(self, start: Start) -> Plan:
        """The parents' walk, each page of it followed by its children."""
        self.begin()
        yield from self.below(start, lambda lower, wanted: self.fan_out(self.parents.walk(lower, wanted)))

    def below(self, start: Start, walk: Callable[[datetime | None, Wanted], Plan]) -> Plan:
        """A walk over parents, some of which the index may show late."""
        return looking_back(self, start, walk, field="updated_at", checkpoint=self.checkpoint, mark=self.marked)

    def marked(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """A state with all that it must tell."""
        return state

    def probe(self) -> None:
        """The children of the newest parent, if it can have some; one that is gone has none."""
        for record in self.parents.fetch_window(Window(descending=True), limit=1).records[:1]:
            parent = self.parent(record)
            if parent is not None:
                next(self._pages(parent), None)

    def begin(self) -> None:
        """Note when the read began."""
        self._began = self.client.clock.now()
        self._late: set[Any] = set()

    @property
    def began_at(self) -> datetime:
        """When the read began; on the server's clock if that is behind, as far as answers have told by now."""
        return self.client.clocks.earliest(self._began)

    def checkpoint(self, value: str, asked_at: datetime) -> Mapping[str, Any] | None:
        """The state after the children of a parent that changed then; never later than the beginning of the read."""
        return self.marked(self.time_cursor.checkpoint(value, min(asked_at, self.began_at)))

    def is_due(self, parent: Parent) -> bool:
        """False for a parent that changed since the read began and was asked since then: parents may change faster than
        they can be asked. The state stays before them, so the next read asks them again."""
        changed_at = timestamps.instant(parent.updated_at)
        if changed_at is None or changed_at < self.began_at:
            return True
        is_due = parent.id not in self._late
        self._late.add(parent.id)
        return is_due

    def fan_out(self, parents: Plan) -> Plan:
        """A walk of parents, with the children of each page in the page's place."""
        for step in parents:
            if isinstance(step, Fork):
                yield Fork([self.fan_out(each) for each in step.plans], step.goes_on)
                continue
            found = [parent for record in step.records if (parent := self.parent(record)) is not None]
            due = [parent for parent in found if self.is_due(parent)]
            nameless = sum(1 for record in step.records if not is_id(record.get(self.parent_key)))
            step = replace(step, records=(), estimate=None)
            yield Fork(
                [self._children(due[first : first + PARENTS_A_PLAN]) for first in range(0, len(due), PARENTS_A_PLAN)],
                goes_on=True,
            )
            if nameless:
                yield Page(holds=True, warning=_nobody_to_ask(nameless, self.parent_key))
            yield step

    def parent(self, record: Record) -> Parent | None:
        """Whom to ask for; None for a record that can have no children."""
        key = record.get(self.parent_key)
        return Parent(key, str(key), record.get("updated_at")) if is_id(key) else None

    def _children(self, parents: Sequence[Parent]) -> Plan:
        for parent in parents:
            for records in self._pages(parent):
                yield Page(self.found(parent, records))

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        """The children as they leave: with the id and the time of their parent."""
        columns = {self.parent_column: parent.id, CURSOR: parent.updated_at}
        return [record | columns for record in records]

    def _pages(self, parent: Parent) -> Iterator[list[Record]]:
        """The children of one parent, each once; none of a parent that is gone."""
        seen: set[Any] = set()
        asked = {"path": self.resource.format(id=quote(parent.asked, safe="", errors="replace"))}
        for _ in range(MOST_WALKS):
            try:
                for fetched in Listing(self, asked).pages():
                    fresh = unseen(fetched.records, seen)
                    if fresh:
                        yield fresh
            except WalkExpired:
                continue
            except Unavailable as unavailable:
                if unavailable.status != 404:
                    raise
            return
        raise endless(asked["path"])


class ConversationEvents(ChildStream):
    """What happened to a conversation, with values before and after."""

    name = "conversation_events"
    resource = "conversations/{id}/events"
    permission = "org.permission.conversation.read"


class WorkItems(ChildStream):
    """How a conversation was routed."""

    name = "work_items"
    resource = "routing/conversations/{id}/work-items"
    permission = "org.permission.work_item.read"


class CustomerMerges(ChildStream):
    """Merges of a customer with others."""

    name = "customer_merges"
    resource = "customers/{id}/merges"
    permission = "org.permission.customer.read"
    parent_column = "customer_id"


class SatisfactionResponses(ChildStream):
    """Answers to surveys: no list has them, their ids are on the conversations."""

    name = "satisfaction_responses"
    resource = "satisfaction-responses/{id}"
    permission = "org.permission.satisfaction.read"
    page_size = 0
    may_be_one = True

    def parent(self, record: Record) -> Parent | None:
        level = record.get("satisfaction_level")
        response = level.get("formResponse") if isinstance(level, Mapping) else None
        response = response.get("id") if isinstance(response, Mapping) else response
        response = response or record.get("satisfaction_response_id")
        parent = super().parent(record)
        return replace(parent, asked=response) if parent and isinstance(response, str) and response else None

    def is_whole(self, content: Any) -> bool:
        """The answer is one record, with or without an id."""
        data = content.get("data") if isinstance(content, dict) else None
        return "attributes" in data or "id" in data if isinstance(data, dict) else super().is_whole(content)

    def params(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """None: the answer is one record."""
        return {}

    def records_of(self, content: Any, asked: Mapping[str, Any]) -> list[Record]:
        """The one record."""
        if isinstance(content["data"], dict):
            content["data"] = [content["data"]]
        return super().records_of(content, asked)


def is_id(value: Any) -> bool:
    """Whether something can be asked for by it."""
    return isinstance(value, str | int) and value != ""


def _nobody_to_ask(rows: int, key: str) -> str:
    return (
        f"{rows} rows came without {key}: nobody can be asked for what belongs to them. The state stays before them, "
        "so that the next sync looks again."
    )
