"""The small collections: lists by page that no filter narrows. Each is a row of `LISTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from source_kit import rows, timestamps
from source_kit.client import HttpClient
from source_kit.pages import endless
from source_kit.rules import Unavailable
from source_kit.stream import TimeCursor
from source_kit.windows import WalkExpired
from source_kit.work import Page, Plan, Record, Start
from source_kustomer import custom
from source_kustomer.base import KustomerStream
from source_kustomer.config import Settings
from source_kustomer.paging import MOST_WALKS, Listing, section, unseen
from source_kustomer.records import columns_of, lift

MOST_PASSES = 4


@dataclass(frozen=True)
class Listed:
    """One list. `passes` are the filters under which it is read, one after the other."""

    name: str
    path: str
    permission: str
    cursor: str = "updated_at"
    page_size: int = 100
    passes: tuple[Mapping[str, str], ...] = ({},)


def _permission(resource: str) -> str:
    return f"org.permission.{resource}.read"


KLASSES = Listed(
    "klasses", "klasses", _permission("klass"),
    passes=({"status": "enabled"}, {"status": "disabled"}, {"status": "existing_only"}),
)  # fmt: skip
LISTS = (
    # Deactivated users come only when nothing else is asked for.
    Listed("users", "users", _permission("user"), page_size=500, passes=({}, {"deleted": "true"})),
    Listed("teams", "teams", _permission("team"), page_size=500),
    Listed("tags", "tags", _permission("tag")),
    Listed("shortcuts", "shortcuts", _permission("shortcut")),
    Listed("slas", "slas", _permission("sla"), cursor="created_at"),
    KLASSES,
    Listed("brands", "brands", _permission("brand")),
    Listed("queues", "routing/queues", _permission("queue")),
    Listed("queue_rules", "routing/queue-rules", _permission("queue_rule")),
    Listed("routing_settings", "routing/settings", _permission("routing")),
    Listed("routing_statuses", "routing/statuses", _permission("routing_status")),
    Listed("work_sessions", "routing/work-sessions", _permission("work_session")),
    Listed("satisfaction", "satisfaction", _permission("satisfaction")),
    Listed("schedules", "schedules", _permission("schedule")),
    Listed("role_groups", "role-groups", _permission("role_group")),
    Listed("cards", "cards", _permission("card")),
    Listed("notifications", "notifications", _permission("notification")),
    Listed("snoozes", "snoozes", _permission("snooze")),
    Listed("kb_articles", "kb/articles", _permission("kb_article")),
    Listed("kb_categories", "kb/categories", _permission("kb_category")),
)  # fmt: skip


class ListStream(KustomerStream):
    """A list that is read whole; in incremental reads only what changed since the state leaves."""

    def __init__(self, client: HttpClient, settings: Settings, listed: Listed) -> None:
        self.listed = listed
        self.name = listed.name
        self.resource = listed.path
        self.permission = listed.permission
        self.page_size = listed.page_size
        self.cursor_field = listed.cursor
        super().__init__(client, settings)

    @property
    def time_cursor(self) -> TimeCursor:
        """By the list's own field. Lists are small and come whole, unless `end_date` makes the read a part of one."""
        common = self.settings.common
        start_date = None if common.end_date is None else common.start_date
        return TimeCursor(self.listed.cursor, start_date, timedelta(0), common.end_date)

    def work(self, start: Start) -> Plan:
        """Every row; `start_date` narrows nothing, because the list does not know it."""
        cursor = self.time_cursor
        yield from self.changed(cursor, cursor.lower(start))

    def changed(self, cursor: TimeCursor, lower: datetime | None) -> Iterator[Page]:
        """The rows that changed since `lower`, or show no time; the state when all are out."""
        began_at = self.client.clock.now()
        tops: list[str] = []
        for page in self.rows_once():
            fresh = [record for record in page.records if is_within(record.get(cursor.field), lower, cursor.end_date)]
            tops += times_of(fresh, cursor.field)
            ready = [replace(page, records=fresh)]
            del page, fresh
            yield ready.pop()
        began_at = self.client.clocks.earliest(began_at)
        yield Page((), cursor.checkpoint(timestamps.latest(tops), began_at) if tops else None)

    def rows_once(self) -> Iterator[Page]:
        """Pages of rows not yet given. No order is promised and pages go by number, so a list of several pages is read
        again until nothing new comes: a row that is deleted meanwhile shifts others over the border of a page."""
        seen: set[Any] = set()
        for filters in self.listed.passes:
            yield from self._at_rest(filters, seen)

    def _at_rest(self, filters: Mapping[str, str], seen: set[Any]) -> Iterator[Page]:
        """Passes through one list. A state that passed rows that were missed would hide them for ever: it is held."""
        passes = missing = 0
        for _ in range(MOST_WALKS):
            has_news, pages, came, total = False, 0, 0, 0
            try:
                for fetched in Listing(self, {"filters": filters}, is_capped=True).pages():
                    pages, came, total = pages + 1, came + fetched.size, max(total, fetched.total or 0)
                    fresh = unseen(fetched.records, seen)
                    has_news = has_news or bool(fresh)
                    ready = [Page(fresh)] if fresh else []
                    del fetched, fresh
                    while ready:
                        yield ready.pop()
            except WalkExpired:  # pages of another size begin with other rows
                continue
            passes, missing = passes + 1, total - came
            if missing <= 0 and (pages < 2 or not has_news):
                return
            if passes == MOST_PASSES:
                yield Page(holds=True, warning=_restless(missing))
                return
        raise endless(self.resource)

    def listed_names(self, keep: Callable[[Record], bool] = lambda record: True) -> list[str]:
        """The `name` of the rows, each once, in alphabetical order. What is odd about the list goes to the log; where
        rows came without a name it is read again."""
        names: set[str] = set()
        for _ in range(2):
            nameless = 0
            for page in self.rows_once():
                if page.warning:
                    self.client.log("WARN", f"Stream {self.name}: {page.warning}")
                named = [record for record in page.records if isinstance(record.get("name"), str) and record["name"]]
                names |= {record["name"] for record in named if keep(record)}
                nameless += len(page.records) - len(named)
            if not nameless:
                break
        else:
            self.client.log(
                "WARN", f"{nameless} rows of {self.resource} have no name: what is called after them is left out."
            )
        return sorted(names)


def _restless(missing: int) -> str:
    cause = f"counts {missing} rows more than come" if missing > 0 else "brought rows that were not there before"
    return (
        f"Kustomer's list {cause}, in {MOST_PASSES} passes one after the other. Some may be missing; the state stays, "
        "so that the next sync looks again."
    )


class SlaVersions(ListStream):
    """The versions of all SLAs, which come beside the list of SLAs."""

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(
            client,
            settings,
            Listed("sla_versions", "slas", _permission("sla"), "created_at", passes=({"versions": "all"},)),
        )

    def is_whole(self, content: Any) -> bool:
        """Also with the list of versions, where an SLA has some."""
        slas = content[self.rows_key] if super().is_whole(content) else None
        listed = slas if isinstance(slas, list) else [slas]
        return slas is not None and (rows.has_list(content, "included") or not any(map(_has_versions, listed)))

    def records_of(self, content: Any, asked: Mapping[str, Any]) -> list[Record]:
        """A list of versions, or a single one."""
        self.client.usage.not_objects += rows.settle(content, "included").not_objects
        included = content.get("included")
        versions = included if isinstance(included, list) else ()
        return [lift(record) for record in versions if record.get("type") == "sla_version"]


def _has_versions(sla: Any) -> bool:
    """Whether an SLA says that it has versions."""
    versions = section(section(sla, "relationships"), "versions").get("data")
    return bool(versions or section(sla, "attributes").get("currentVersion"))


class CustomAttributes(KustomerStream):
    """The definitions of custom attributes, one record each: no cursor, read whole."""

    name = "custom_attributes"
    resource = "metadata/customer"
    permission = _permission("metadata")
    page_size = 0
    may_be_one = True
    resources = ("company", "conversation", "customer", "message")

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and "data" in content and custom.is_readable(content)

    def work(self, start: Start) -> Plan:
        """The fixed resources, then every klass; the former also for a key that may not list klasses."""
        for resource in self.resources:
            yield Page(self._of(resource))
        for name in ListStream(self.client, self.settings, replace(KLASSES, name=self.name)).listed_names():
            yield Page(self._of(f"kobject.{name}"))

    def _of(self, resource: str) -> list[Record]:
        try:
            return self.fetch({"path": custom.path_of(resource), "resource": resource}).records
        except Unavailable as unavailable:
            if unavailable.status != 404:  # a klass without custom attributes
                raise
            return []

    def params(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """None: an answer holds everything."""
        return {}

    def records_of(self, content: Any, asked: Mapping[str, Any]) -> list[Record]:
        """One record per definition; its id is the resource and the name."""
        resource = asked.get("resource", "customer")
        found, others = custom.definitions_in(content)
        self.client.usage.not_objects += others
        return [
            columns_of(details, {"id": f"{resource}.{name}", "resource": resource, "name": name})
            for name, details in found.items()
        ]


def times_of(records: Iterable[Record], field: str) -> list[str]:
    """The values of a field that are times."""
    return [record[field] for record in records if timestamps.instant(record.get(field)) is not None]


def is_within(value: Any, lower: datetime | None, upper: datetime | None) -> bool:
    """Whether a time lies in `[lower, upper)`; what is no time may lie anywhere."""
    instant = timestamps.instant(value)
    return instant is None or ((lower is None or instant >= lower) and (upper is None or instant < upper))
