"""What all streams of Kustomer share: envelopes, records, refusals that name a permission."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import requests

from source_kit import timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.page_size import PageSize
from source_kit.rules import Unavailable
from source_kit.stream import Answer, KitStream
from source_kit.work import Record
from source_kustomer.budget import ORGANISATION
from source_kustomer.config import Settings
from source_kustomer.errors import ReadOnlyClient
from source_kustomer.records import lift


class KustomerStream(KitStream):
    """One resource of Kustomer. Subclasses give `resource`, and the permission that reading it needs."""

    client: ReadOnlyClient
    package = "source_kustomer"
    bucket = ORGANISATION
    resource: str
    permission: str
    # The most rows a page may have, and the parameter that says so; 0: one answer holds everything.
    page_size: int = 100
    size_parameter = "pageSize"

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client)
        self.settings = settings
        if self.page_size:
            self.sizes = PageSize(self.page_size)

    @property
    def rows_a_page(self) -> int:
        """How many rows to ask for: `page_size`, or fewer where pages were too heavy."""
        return self.sizes.current if self.sizes is not None else self.page_size

    def path(self, stream_slice: Mapping[str, Any] | None = None, **arguments: Any) -> str:
        """Relative to `/v1/`; a slice may name the path of one parent's children."""
        return (stream_slice or {}).get("path") or self.resource

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        """See `params`."""
        return self.params(stream_slice or {})

    def params(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Paging by number, and the filters of the slice `asked`; the query of a link has everything."""
        size = asked.get("limit") or asked.get("size") or self.page_size
        if asked.get("query"):
            return self.of_link(asked["query"], size)
        return {"page": asked.get("page", 1), self.size_parameter: size, **asked.get("filters", {})}

    def of_link(self, query: Mapping[str, Any], size: int) -> dict[str, Any]:
        """The parameters of a link; the size of pages that were too heavy instead of its own."""
        is_smaller = size < self.page_size and self.size_parameter in query and "page" not in query
        return {**query, self.size_parameter: size} if is_smaller else dict(query)

    def parse_response(
        self, response: requests.Response, *, stream_slice: Mapping[str, Any] | None = None, **arguments: Any
    ) -> list[Record]:
        """See `records_of`; date-times without a zone get a `Z` (1 µs a record)."""
        records = self.records_of(body(response), stream_slice or {})
        timestamps.fix_zones(records, self.zoned_fields)
        return records

    def records_of(self, content: Any, asked: Mapping[str, Any]) -> list[Record]:
        """The records of a parsed answer, lifted."""
        return list(map(lift, content[self.rows_key]))

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        """As the base; a missing role is named."""
        try:
            return super().fetch(stream_slice, token)
        except Unavailable as unavailable:
            if unavailable.status not in (401, 403):
                raise
            raise self.lacking(unavailable) from unavailable

    def lacking(self, unavailable: Unavailable) -> Unavailable:
        """The error that tells which permission the key needs."""
        named = Unavailable(
            f"Stream {self.name} cannot be read: the API key lacks the permission {self.permission}. Give the key a "
            "role that has it, or remove the stream from the sync.",
            internal_message=unavailable.internal_message,
        )
        named.status = unavailable.status
        return named
