"""What all streams of Close share: envelopes, page sizes, offsets, and pages that cannot be read as asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar

import requests

from source_closeio.account import Account
from source_closeio.config import Settings
from source_closeio.custom_fields import BY_NAME, by_name, fix_zones_of_lists
from source_closeio.errors import cap, is_deleted_document
from source_closeio.zones import fix_nested
from source_kit import schemas, timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.errors import ConnectorFault
from source_kit.offsets import OffsetList
from source_kit.page_size import PageSize
from source_kit.rows import identity
from source_kit.rules import Rejected
from source_kit.stream import Answer, KitStream, TimeCursor
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Page, Plan, Record, Start

DELETED_RETRIES = 3
DELETED_RETRY_SECONDS = 0.4
MOST_DELETED_IN_A_ROW = 20


class CloseStream(KitStream):
    """One resource of Close. Subclasses give `resource`, `page_size` and, where they have one, the cursor."""

    package = "source_closeio"
    resource: str
    page_size: int = 100
    # The object type whose custom fields the records carry.
    custom_type: str = ""
    adds_custom_by_name: bool = True
    # Fields with objects inside whose date-times may lack a zone.
    nested: Sequence[str] = ()
    # The fields to ask for, by commas, where not all are wanted.
    only_fields: str = ""
    # Requests for single rows, each one row further, when a list begins with deleted ones; 0: it is one object.
    most_deleted_at_start: ClassVar[int] = MOST_DELETED_IN_A_ROW

    def __init__(self, client: HttpClient, settings: Settings, account: Account | None = None) -> None:
        """All streams of a source share one `account`."""
        super().__init__(client)
        self.settings = settings
        self.account = account or Account(client)
        self.sizes = PageSize(self.page_size) if self.most_deleted_at_start else None

    @property
    def bucket(self) -> str:
        """Close limits each endpoint group, path and method, on its own."""
        return f"{self.http_method} {self.resource}"

    def path(self, **arguments: Any) -> str:
        """Every path ends in a slash: without it Close redirects, and a redirected POST loses its body."""
        return self.resource

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The records, with a `Z` on date-times that Close's newer services send without a zone (they are UTC)."""
        records: list[Record] = body(response)["data"]
        self.fix_zones(records)
        return records

    def fix_zones(self, records: list[Record]) -> None:
        """Give the zone-less date-times of these records a `Z`, in place."""
        timestamps.fix_zones(records, self.zoned_fields)
        fix_nested(records, self.nested)
        if self.custom_type:
            custom = self.account.custom_fields(self.custom_type)
            timestamps.fix_zones(records, custom.zoned)
            fix_zones_of_lists(records, custom.zoned_lists)

    def schema(self) -> schemas.Schema:
        """The schema file and the account's custom fields, typed."""
        schema = schemas.load(self.package, self.schema_name)
        if not self.custom_type:
            return schema
        extra = self.account.custom_fields(self.custom_type).properties()
        if self.adds_custom_by_name and self.settings.custom_by_name:
            extra["custom"] = BY_NAME
        return schemas.extended(schema, extra)

    def chosen(self, records: list[Record]) -> list[Record]:
        """The records of a page as they leave."""
        if self.custom_type and self.adds_custom_by_name and self.settings.custom_by_name:
            by_name(records, self.account.custom_fields(self.custom_type).names)
        return records

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        """Offset paging; a slice may bring filters, an offset and a smaller limit."""
        asked = stream_slice or {}
        params: dict[str, Any] = {"_limit": self.limit_of(asked), **asked.get("filters", {})}
        if asked.get("skip"):
            params["_skip"] = asked["skip"]
        if self.only_fields:
            params["_fields"] = self.only_fields
        return params

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        """As the base; survives caps that Close names only in its refusals, and pages with a deleted record."""
        # At entry: a request in parallel may learn a smaller size meanwhile.
        asked = stream_slice or {}
        limit_asked = self.limit_of(asked)
        try:
            return super().fetch(asked, token)
        except Rejected as rejected:
            limit = cap(rejected, "max_limit")
            if limit and limit < limit_asked:
                self._learn_limit(limit)
                return self.fetch({**asked, "limit": None}, token)
            if asked.get("skip") and cap(rejected, "max_skip") is not None:
                raise WalkExpired from rejected
            can_pass = self.most_deleted_at_start and not asked.get("around")
            if is_deleted_document(rejected) and can_pass:
                return self._around_deleted(asked, token)
            raise

    def limit_of(self, asked: Mapping[str, Any]) -> int:
        """How many rows a slice asks for: so many as it says, else a page of the present size."""
        limit: int = asked.get("limit") or asked.get("size") or (self.sizes.current if self.sizes else self.page_size)
        return limit

    def _learn_limit(self, limit: int) -> None:
        self.page_size = min(self.page_size, limit)
        if self.sizes is None or self.sizes.largest > limit:
            self.sizes = PageSize(limit)

    def _around_deleted(self, stream_slice: Mapping[str, Any], token: Mapping[str, Any] | None) -> Answer:
        """The page again, then ever shorter pages, then past the deleted rows; a shorter page is never the last."""
        limit = self.limit_of(stream_slice)
        skip = stream_slice.get("skip", 0)
        attempts = [(limit, skip)] * DELETED_RETRIES
        while limit > 1:
            limit //= 2
            attempts.append((limit, skip))
        most = MOST_DELETED_IN_A_ROW if skip else self.most_deleted_at_start
        attempts += [(1, skip + passed) for passed in range(1, most)]
        for number, (few, offset) in enumerate(attempts):
            try:
                return self.fetch({**stream_slice, "limit": few, "skip": offset, "around": True}, token)
            except Rejected as rejected:
                if not is_deleted_document(rejected) or number == len(attempts) - 1:
                    raise
                if number < DELETED_RETRIES:
                    self.client.clock.sleep(DELETED_RETRY_SECONDS * 2**number)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def fetch_offset(self, filters: Mapping[str, Any], token: tuple[int, Any] | None, limit: int | None) -> Fetched:
        """One page by offset, beginning with the last row of the page before; `WalkExpired` if the rows moved.

        A page of one row cannot overlap and move on, and one with rows that were left out shows no last row: the page
        behind those begins anew.
        """
        skip, last = token or (0, None)
        answer = self.fetch({"filters": filters, "skip": skip, "limit": limit})
        records, size, has_more = answer.records, answer.size, bool(answer.body.get("has_more"))
        is_odd = size != len(records)
        if not size and has_more:
            return Fetched((), answer.asked_at, token or (0, None))
        known = 0 if last is None or is_odd else 1
        if last is not None and not is_odd and (not records or identity(records[0]) != last):
            raise WalkExpired
        overlap = 1 if len(records) > 1 and not is_odd else 0
        # As far as its rows reach at the least: one that came twice has one place.
        reach = skip + (len(records) or size) - overlap
        following = (reach, identity(records[-1]) if overlap else None) if has_more else None
        total = None if skip else list_total(answer.body, size)
        return Fetched(records[known:], answer.asked_at, following, total, rows=size - known)

    def fetch_at(self, skip: int, filters: Mapping[str, Any]) -> Fetched:
        """One page of a list that is read whole; its token is None at the end."""
        try:
            answer = self.fetch({"skip": skip, "filters": filters})
        except WalkExpired as expired:
            raise ConnectorFault(
                f"Stream {self.name} has more rows than Close lets anybody page through, and no filter to split them.",
                internal_message=f"{self.resource}: max_skip below {skip}",
            ) from expired
        # Some small resources return everything and leave has_more out.
        has_more = bool(answer.body.get("has_more"))
        return Fetched(answer.records, answer.asked_at, True if has_more else None, rows=answer.size)

    def probe(self) -> None:
        """One row."""
        self.fetch({"limit": 1})


class CloseList(CloseStream):
    """A small collection that is read whole, by offset."""

    page_size = 100
    filters: Mapping[str, Any] = MappingProxyType({})

    def work(self, start: Start) -> Plan:
        """All rows, each page overlapping the one before."""
        return self.rows()

    def rows(self, **filters: Any) -> Iterator[Page]:
        """All rows that fit `filters`, beside those of the stream."""
        wanted = {**self.filters, **filters}

        def chosen(page: Page) -> Page:
            return replace(page, records=self.chosen(list(page.records)))

        return map(chosen, OffsetList(lambda skip: self.fetch_at(skip, wanted)).walk())


class CloseTimeline(CloseStream):
    """A collection that is filtered by a time field in the query string: `<field>__gte` and `<field>__lt`."""

    walked_field: ClassVar[str]
    step: ClassVar[timedelta] = timestamps.MILLISECOND
    fixed_filters: Mapping[str, Any] = MappingProxyType({})

    @property
    def time_cursor(self) -> TimeCursor:
        """The arithmetic of this stream's cursor."""
        assert self.cursor_name is not None, "timelines have a cursor"
        common = self.settings.common
        return TimeCursor(self.cursor_name, common.start_date, self.lag, common.end_date)

    @property
    def lag(self) -> timedelta:
        """How far the state stays behind the time of the request."""
        return timedelta(0)

    def filters(self, window: Window) -> dict[str, Any]:
        """The query parameters of a window."""
        filters: dict[str, Any] = dict(self.fixed_filters)
        if window.lower is not None:
            filters[f"{self.walked_field}__gte"] = timestamps.milliseconds_z(window.lower)
        if window.upper is not None:
            filters[f"{self.walked_field}__lt"] = timestamps.milliseconds_z(window.upper)
        filters["_order_by"] = f"-{self.walked_field}" if window.descending else self.walked_field
        return filters

    def fetch_window(
        self,
        window: Window,
        token: Any = None,
        *,
        count: bool = False,
        limit: int | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> Fetched:
        """One page of a window; inside one instant by offset."""
        return self.fetch_offset({**self.filters(window), **(filters or {})}, token, limit)


def cursor_of(value: Any) -> Any:
    """The cursor of an answer; None where it is the end, or nothing that could be sent back."""
    return value if isinstance(value, str | int) and value else None


def list_total(content: Mapping[str, Any], rows: int) -> int | None:
    """`total_results` of a list for planning, or None. `has_more` decides what the end is, whatever was counted."""
    if not content.get("has_more"):
        return rows
    total = content.get("total_results")
    return max(total, rows + 1) if isinstance(total, int) else None
