"""Tasks: all types in one stream, and the types that source-close-com has in streams of their own."""

from __future__ import annotations

from source_closeio.account import AccountFacts
from source_closeio.base import CloseTimeline
from source_closeio.config import Settings
from source_closeio.fetcher import TimelineFetcher
from source_closeio.task_types import COMMON_FIELDS, EVENT_TYPES, TASK_TYPES
from source_closeio.witness import Witness
from source_kit import schemas, timestamps
from source_kit.client import HttpClient
from source_kit.keyset import Keyset
from source_kit.walks import walk
from source_kit.windows import Beginning, Window
from source_kit.work import Page, Plan, Record, Start


class Tasks(CloseTimeline):
    """Tasks of all types, by `date_updated`."""

    name = "tasks"
    cursor_field = "date_updated"
    walked_field = "date_created"
    resource = "task/"
    page_size = 1000
    # Without a type only tasks of type `lead` come.
    task_type = "all"

    def work(self, start: Start) -> Plan:
        """The walk, and what the event log says has changed and the list does not show."""
        witness = Witness(self, self.time_cursor, self.object_types, self.resource)
        return witness.over(self._walked(start), start)

    @property
    def object_types(self) -> list[str]:
        """The names of the tasks in the event log."""
        return [f"task.{each}" for each in EVENT_TYPES]

    def _walked(self, start: Start) -> Plan:
        """Tasks can be filtered by `date_updated` but not ordered by it: the walk goes over `date_created`, which never
        changes, and the state moves when the whole walk is out."""
        beginning = Beginning()
        wanted = self.time_cursor.window(start)
        if wanted.is_empty:
            return
        updated = {"_type": self.task_type}
        if wanted.lower is not None:
            updated["date_updated__gte"] = timestamps.milliseconds_z(wanted.lower)
        if wanted.upper is not None:
            updated["date_updated__lt"] = timestamps.milliseconds_z(wanted.upper)
        tops: list[str | None] = []

        def noted(records: list[Record]) -> list[Record]:
            records = timestamps.within(records, "date_updated", None, wanted.upper)
            tops.append(timestamps.latest_of([record.get("date_updated") for record in records]))
            return records

        pages = TimelineFetcher(self.client, self.pages.endpoint, self.name, self.walked_field, updated)
        keyset = Keyset(beginning.noting(pages.window), self.walked_field, pages.page_size, emit=noted)
        yield from walk(keyset, Window())
        top = timestamps.latest_of(tops)
        yield Page((), None if top is None else self.time_cursor.checkpoint(top, beginning.at))


class TypedTasks(Tasks):
    """Tasks of one type."""

    def __init__(
        self, client: HttpClient, settings: Settings, account: AccountFacts | None = None, *, task_type: str
    ) -> None:
        self.name = f"{task_type}_tasks"
        self.task_type = task_type
        super().__init__(client, settings, account)

    @property
    def object_types(self) -> list[str]:
        return [f"task.{self.task_type}"]

    @property
    def schema_name(self) -> str:
        """All types share one file."""
        return "tasks"

    def schema(self) -> schemas.Schema:
        """Of the schema of all tasks, the fields of this type."""
        schema = super().schema()
        names = (*COMMON_FIELDS.split(), *TASK_TYPES[self.task_type].split())
        return {**schema, "properties": {name: schema["properties"][name] for name in names}}
