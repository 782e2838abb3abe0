"""Activities: all types in one stream, each type in a stream of its own, and the posts of users.

The walk goes by `date_created`. What changes behind it is found in another way (`edits`): edits, and new records with
old dates, since an e-mail that is synced from a mailbox keeps the time at which it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from source_closeio.account import AccountFacts
from source_closeio.activity_types import COMMON_FIELDS, MIXED, ActivityType
from source_closeio.base import CloseTimeline
from source_closeio.config import Settings
from source_closeio.edits import Edits
from source_closeio.lists import SmallListFetcher, row_of
from source_kit import dates, schemas, timestamps
from source_kit.client import HttpClient
from source_kit.keyset import Keyset
from source_kit.state import EVENTS_UNTIL_KEY
from source_kit.walks import walk
from source_kit.windows import Window
from source_kit.work import Fork, Page, Plan, Record, Start


class Activities(CloseTimeline):
    """Activities of all types but e-mail threads, by `date_created`."""

    name = "activities"
    cursor_field = "date_created"
    walked_field = "date_created"
    resource = "activity/"
    object_types: Sequence[Sequence[str]] = tuple(kind.object_types for kind in MIXED)
    custom_type = "activity"
    named_type = "CustomActivity"
    # Whether what Close counts is what is emitted.
    is_counted: ClassVar[bool] = True

    @property
    def schema_name(self) -> str:
        """All types share one file."""
        return "activities"

    @property
    def lag(self) -> timedelta:
        """None: what appears late is older than the bookmark, and found by the look behind it."""
        return timedelta(0)

    def work(self, start: Start) -> Plan:
        """What changed behind the bookmark first; then windows over `date_created`, where those created
        `activities_window_seconds` before the bookmark are read again."""
        began_at = self.client.clock.now()
        bookmark = start.position.get(self.time_cursor.field)
        if not start.incremental:
            yield from self.created(self.time_cursor.lower(start), self.time_cursor.checkpoint)
            return
        edits = Edits(self, self.object_types, began_at, self.chosen)
        edits.look()
        lower = self.time_cursor.lower(start)
        changed: list[Plan] = []
        if bookmark is not None and lower is not None:
            lower = timestamps.before(lower, timedelta(seconds=self.settings.activities_window_seconds))
            since = dates.read(start.position.get(EVENTS_UNTIL_KEY) or bookmark)
            # Those created before `end_date` are this read's, whenever they are edited.
            changed.append(edits.walk(since, min(lower, self.time_cursor.end_date or lower)))

        def checkpoint(value: str, asked_at: datetime) -> dict[str, Any] | None:
            # Until the walk is past the bookmark, a STATE would come before records that are older than it says.
            if bookmark is not None and timestamps.parse(value) <= timestamps.parse(bookmark):
                return None
            return {**self.time_cursor.checkpoint(value, asked_at), **edits.checkpoint()}

        # The edits, which nobody has counted, come on top.
        created = self.created(lower, checkpoint, estimates=bookmark is None)
        yield Fork([*changed, created, edits.prove()])
        yield Page((), edits.checkpoint())

    def created(self, lower: datetime | None, checkpoint: Any, *, estimates: bool = True) -> Plan:
        """The walk over `date_created`."""
        keyset = Keyset(
            fetch=self.pages.window,
            field=self.walked_field,
            page_size=self.pages.page_size,
            emit=self.chosen,
            checkpoint=checkpoint,
            estimates=estimates and self.is_counted,
        )
        return walk(keyset, Window(lower, self.time_cursor.end_date))

    def chosen(self, records: list[Record]) -> list[Record]:
        """The records of a page that belong to the stream."""
        return records


class TypedActivities(Activities):
    """Activities of one type, from their own endpoint."""

    def __init__(
        self, client: HttpClient, settings: Settings, account: AccountFacts | None = None, *, kind: ActivityType
    ) -> None:
        self.name = kind.stream
        self.resource = kind.resource
        self.object_types = (kind.object_types,)
        self.custom_type = "activity" if kind.has_custom_fields else ""
        self._fields = (*COMMON_FIELDS.split(), *kind.fields.split())
        super().__init__(client, settings, account)

    def schema(self) -> schemas.Schema:
        """Of the schema of all activities, the fields of this type."""
        schema = super().schema()
        properties: Mapping[str, Any] = schema["properties"]
        own = {name: properties[name] for name in self._fields}
        extra = {name: value for name, value in properties.items() if name == "custom" or name.startswith("custom.")}
        return {**schema, "properties": {**own, **extra}}


class UserPosts(Activities):
    """What each user posted: the walk of activities, kept where `user_id` is one of the users."""

    name = "user_posts"
    starts_after = ("users",)
    is_counted = False

    def work(self, start: Start) -> Plan:
        """Lists the users first; no request per user."""
        users = SmallListFetcher(self.client, row_of("users"))
        ids = [user.get("id") for page in users.rows() for user in page.records]
        self._user_ids = frozenset(each for each in ids if isinstance(each, str))
        yield from super().work(start)

    def chosen(self, records: list[Record]) -> list[Record]:
        return [record for record in records if self._is_by_user(record.get("user_id"))]

    def _is_by_user(self, user_id: Any) -> bool:
        return isinstance(user_id, str) and user_id in self._user_ids
