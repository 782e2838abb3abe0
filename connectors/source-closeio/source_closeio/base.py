"""What all streams of Close share: the account's custom fields, whole lists, and timelines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

from source_closeio.account import AccountFacts
from source_closeio.config import Settings
from source_closeio.custom_fields import BY_NAME, CustomFields
from source_closeio.endpoints import ListEndpoint
from source_closeio.fetcher import ListFetcher, TimelineFetcher
from source_closeio.mending import PACKAGE, Mending
from source_kit import schemas
from source_kit.client import HttpClient
from source_kit.fetcher import Fetcher
from source_kit.stream import KitStream, TimeCursor
from source_kit.work import Plan, Start


class CloseStream(KitStream):
    """A stream of Close. Subclasses give `resource`, where its records are, and who asks there."""

    package = PACKAGE
    resource: str
    page_size: int = 100
    # The object type whose custom fields the records carry, and their `_type` if other records carry none.
    custom_type: str = ""
    named_type: ClassVar[str] = ""
    adds_custom_by_name: ClassVar[bool] = True
    # Fields with objects inside whose date-times may lack a zone.
    nested: Sequence[str] = ()

    def __init__(self, client: HttpClient, settings: Settings, account: AccountFacts | None = None) -> None:
        """All streams of a source share one `account`."""
        super().__init__(client)
        self.settings = settings
        self.account = account or AccountFacts(client)
        self.pages = self.fetcher()

    @abstractmethod
    def fetcher(self) -> Fetcher[Any]:
        """Who asks for its pages. Nothing is asked here."""

    @cached_property
    def mending(self) -> Mending:
        """What its records need, wherever they come from."""
        return Mending(self.schema_name, self.nested, self.custom_fields, self.custom_names, self.named_type)

    def custom_fields(self) -> CustomFields:
        """Those that the records carry."""
        return self.account.custom_fields(self.custom_type) if self.custom_type else CustomFields()

    def custom_names(self) -> Mapping[str, str]:
        """The names by which custom values leave beside their flat keys; none where that is not wanted."""
        wanted = self.custom_type and self.adds_custom_by_name and self.settings.custom_by_name
        return self.custom_fields().names if wanted else {}

    def schema(self) -> schemas.Schema:
        """The schema file and the account's custom fields, typed."""
        schema = schemas.load(self.package, self.schema_name)
        if not self.custom_type:
            return schema
        extra = self.custom_fields().properties()
        if self.adds_custom_by_name and self.settings.custom_by_name:
            extra["custom"] = BY_NAME
        return schemas.extended(schema, extra)

    @property
    def lag(self) -> timedelta:
        """How far the state stays behind the time of the request: Close's index may be late."""
        return self.settings.common.lag

    @property
    def time_cursor(self) -> TimeCursor:
        """The arithmetic of this stream's cursor."""
        assert self.cursor_name is not None, "only streams with a cursor go by time"
        common = self.settings.common
        return TimeCursor(self.cursor_name, common.start_date, self.lag, common.end_date)


class CloseList(CloseStream):
    """A small collection that is read whole, by offset."""

    pages: ListFetcher

    def fetcher(self) -> ListFetcher:
        return ListFetcher(self.client, ListEndpoint(self.resource, self.mending, self.page_size), self.name)

    def work(self, start: Start) -> Plan:
        """All rows."""
        return self.pages.rows()


class CloseTimeline(CloseStream):
    """A collection that is filtered by a time field in the query string."""

    pages: TimelineFetcher
    walked_field: ClassVar[str]

    def fetcher(self) -> TimelineFetcher:
        endpoint = ListEndpoint(self.resource, self.mending, self.page_size)
        return TimelineFetcher(self.client, endpoint, self.name, self.walked_field)
