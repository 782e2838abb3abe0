"""The small collections: lists by page that no filter narrows. Each is a row of `LISTS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.errors import StreamUnavailable
from source_kit.rules import Rejected, Unavailable
from source_kit.stream import TimeCursor
from source_kit.work import Page, Piece, Record, Start, Work
from source_kustomer import custom
from source_kustomer.base import KustomerStream, query_of
from source_kustomer.config import Settings
from source_kustomer.records import lift, snake

MOST_RECORDS = 10_000
MOST_PASSES = 4
AUDIT_WINDOW = timedelta(days=30)
MOST_AUDIT_WINDOWS = 60


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

    def work(self, start: Start) -> Work:
        """Every row; `start_date` narrows nothing, because the list does not know it."""
        cursor = TimeCursor(self.listed.cursor, None, timedelta(0))
        began_at, lower = self.client.clock.now(), cursor.lower(start)
        tops: list[str] = []
        for records in self.rows_once():
            fresh = [record for record in records if _is_since(record.get(cursor.field), lower)]
            tops += [record[cursor.field] for record in fresh if record.get(cursor.field)]
            yield Page(fresh)
        yield Page((), cursor.checkpoint(timestamps.latest(tops), began_at) if tops else None)
        return None

    def rows_once(self) -> Iterator[list[Record]]:
        """Pages of rows not yet given. No order is promised and pages go by number, so a list of several pages is read
        again until nothing new comes: a row that is deleted meanwhile shifts others over the border of a page."""
        seen: set[Any] = set()
        for filters in self.listed.passes:
            for _ in range(MOST_PASSES):
                has_news, pages = False, 0
                for records in self._pages(filters):
                    pages += 1
                    fresh = [record for record in records if record["id"] not in seen]
                    seen.update(record["id"] for record in fresh)
                    has_news = has_news or bool(fresh)
                    if fresh:
                        yield fresh
                if pages < 2 or not has_news:
                    break

    def _pages(self, filters: Mapping[str, str]) -> Iterator[list[Record]]:
        seen: set[Any] = set()
        asked: dict[str, Any] | None = {"page": 1, "filters": filters}
        while asked is not None:
            is_numbered = asked["page"] > 1 and not asked["query"]
            if is_numbered and len(seen) >= MOST_RECORDS:
                raise self._too_long()
            try:
                answer = self.fetch(asked)
            except Rejected as rejected:
                if is_numbered and rejected.status == 400:
                    raise self._too_long() from rejected
                raise
            yield answer.records
            asked = self.following(answer.body, asked, seen)

    def _too_long(self) -> StreamUnavailable:
        return StreamUnavailable(
            f"Stream {self.name} holds more than the {MOST_RECORDS} records that Kustomer lists; those were read, the "
            "rest cannot be reached. Remove the stream from the sync if the first ones do not help you.",
        )


class SlaVersions(ListStream):
    """The versions of all SLAs, which come beside the list of SLAs."""

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(
            client,
            settings,
            Listed("sla_versions", "slas", _permission("sla"), "created_at", passes=({"versions": "all"},)),
        )

    def records_of(self, content: Any, asked: Mapping[str, Any]) -> list[Record]:
        """A list of versions, or a single one."""
        included = content.get("included") or []
        listed = included if isinstance(included, list) else [included]
        return [lift(record) for record in listed if record.get("type") == "sla_version"]


class CustomAttributes(KustomerStream):
    """The definitions of custom attributes, one record each: no cursor, read whole."""

    name = "custom_attributes"
    resource = "metadata/customer"
    permission = _permission("metadata")
    resources = ("company", "conversation", "customer", "message")

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and "data" in content

    def work(self, start: Start) -> Work:
        """The fixed resources, then every klass; the former also for a key that may not list klasses."""
        for resource in self.resources:
            yield Page(self._of(resource))
        klasses = ListStream(self.client, self.settings, replace(KLASSES, name=self.name))
        names = [record["name"] for records in klasses.rows_once() for record in records if record.get("name")]
        for name in names:
            yield Page(self._of(f"kobject.{name}"))
        return None

    def _of(self, resource: str) -> list[Record]:
        try:
            return self.fetch({"path": f"metadata/{resource}"}).records
        except Unavailable as unavailable:
            if unavailable.status != 404:  # a klass without custom attributes
                raise
            return []

    def params(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """None: an answer holds everything."""
        return {}

    def records_of(self, content: Any, asked: Mapping[str, Any]) -> list[Record]:
        """One record per definition; its id is the resource and the name."""
        resource = asked.get("path", self.resource).partition("/")[2]
        return [
            {"id": f"{resource}.{name}", "resource": resource, "name": name}
            | {snake(key): value for key, value in details.items()}
            for name, details in custom.properties(content).items()
        ]


class AuditLogs(KustomerStream):
    """Who changed what: windows over the time of creation, newest first inside."""

    name = "audit_logs"
    cursor_field = "created_at"
    resource = "audit-logs"
    permission = _permission("audit_logs")
    page_size = 1000

    def work(self, start: Start) -> Work:
        """Windows of 30 days from the cursor to now; everything before the first of them in one go."""
        cursor = TimeCursor("created_at", self.settings.common.start_date, timedelta(0))
        lower, now = cursor.lower(start), self.client.clock.now()
        bounds: list[datetime | None] = [lower]
        upper = now - AUDIT_WINDOW * MOST_AUDIT_WINDOWS if lower is None else lower + AUDIT_WINDOW
        while upper < now:
            bounds.append(upper)
            upper += AUDIT_WINDOW
        bounds.append(None)
        return [Piece(self._window(cursor, *pair)) for pair in pairwise(bounds)]
        yield  # a plan without pages of its own

    def _window(self, cursor: TimeCursor, lower: datetime | None, upper: datetime | None) -> Work:
        filters = {"filter[start]": lower, "filter[end]": upper}
        asked: dict[str, Any] = {
            "filters": {name: timestamps.milliseconds_z(value) for name, value in filters.items() if value is not None}
        }
        began_at = self.client.clock.now()
        tops: list[str] = []
        while True:
            answer = self.fetch(asked)
            # Both ends may be inclusive: the later window has the record.
            records = [record for record in answer.records if upper is None or _is_before(record["created_at"], upper)]
            tops += [timestamps.latest([record["created_at"] for record in records])] if records else []
            yield Page(records)
            following = (answer.body.get("links") or {}).get("next")
            if not following or not answer.records:
                break
            asked = {"query": query_of(following)}
        yield Page((), cursor.checkpoint(timestamps.latest(tops), began_at) if tops else None)
        return None

    def params(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The first page by filters; a link holds everything already."""
        return asked.get("query") or {"count": asked.get("limit") or self.page_size, **asked.get("filters", {})}


def _is_since(value: Any, lower: datetime | None) -> bool:
    return lower is None or not isinstance(value, str) or timestamps.parse(value) >= lower


def _is_before(value: str, upper: datetime) -> bool:
    return timestamps.parse(value) < upper
