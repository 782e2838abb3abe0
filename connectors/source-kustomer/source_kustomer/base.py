"""What all streams of Kustomer share: envelopes, records, refusals that name a permission."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import requests

from source_kit import timestamps
from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.errors import ConnectorFault
from source_kit.rules import Unavailable
from source_kit.stream import Answer, KitStream
from source_kit.work import Record
from source_kustomer.budget import ORGANISATION
from source_kustomer.config import Settings
from source_kustomer.records import lift

# What a list of work items answered with, though another size was asked for.
DEFAULT_PAGE_SIZE = 100


class KustomerStream(KitStream):
    """One resource of Kustomer. Subclasses give `resource`, and the permission that reading it needs."""

    package = "source_kustomer"
    bucket = ORGANISATION
    resource: str
    permission: str
    page_size: int = 100
    # The part of the envelope that holds the records.
    rows: ClassVar[str] = "data"

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client)
        self.settings = settings

    def path(self, stream_slice: Mapping[str, Any] | None = None, **arguments: Any) -> str:
        """Relative to `/v1/`; a slice may name the path of one parent's children."""
        return (stream_slice or {}).get("path") or self.resource

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and isinstance(content.get(self.rows), list)

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
        return asked.get("query") or {
            "page": asked.get("page", 1),
            "pageSize": asked.get("limit") or self.page_size,
            **asked.get("filters", {}),
        }

    def parse_response(
        self, response: requests.Response, *, stream_slice: Mapping[str, Any] | None = None, **arguments: Any
    ) -> list[Record]:
        """See `records_of`; date-times without a zone get a `Z` (1 µs a record)."""
        records = self.records_of(body(response), stream_slice or {})
        timestamps.fix_zones(records, self.zoned_fields)
        return records

    def records_of(self, content: Any, asked: Mapping[str, Any]) -> list[Record]:
        """The records of a parsed answer, lifted."""
        return [lift(record) for record in content[self.rows]]

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        """As the base; a missing role is named."""
        try:
            return super().fetch(stream_slice, token)
        except Unavailable as unavailable:
            if unavailable.status not in (401, 403):
                raise
            raise self.lacking(unavailable) from unavailable

    def following(self, content: Any, asked: Mapping[str, Any], seen: set[Any]) -> dict[str, Any] | None:
        """The slice of the page after the one that `asked` brought, None after the last; its ids go into `seen`.

        It goes by number, or by `links.next` where that is a cursor; where an endpoint sends no links, while pages are
        full. Pages may be shorter or longer than was asked for. Raises `ConnectorFault` where a link would lead in
        circles.
        """
        rows, links = content[self.rows], content.get("links")
        if not isinstance(rows, list) or not rows:
            return None
        ids = {row.get("id") for row in rows}
        has_news = not ids <= seen
        seen |= ids
        link, has_links = None, isinstance(links, Mapping) and ("next" in links or "self" in links)
        if isinstance(links, Mapping):
            link = links.get("next")
        if not link and (has_links or not has_news or len(rows) < self._full_page(content)):
            return None
        if not has_news:
            raise ConnectorFault(
                f"Stream {self.name} cannot be read to its end: Kustomer says that a list goes on, but its next page "
                "holds nothing new. Report it with the log of the sync.",
                internal_message=f"{self.path(stream_slice=asked)}: page {asked['page']}",
            )
        number, query = asked["page"] + 1, query_of(link)
        is_cursor = bool(query) and query.get("page") != [str(number)]
        return {**asked, "page": number, "query": query if is_cursor else {}}

    def _full_page(self, content: Mapping[str, Any]) -> int:
        """The rows that a full page has at least: what `meta` tells or was asked for, and never above the default."""
        told = (content.get("meta") or {}).get("pageSize")
        return min(told if isinstance(told, int) and told > 0 else self.page_size, DEFAULT_PAGE_SIZE)

    def lacking(self, unavailable: Unavailable) -> Unavailable:
        """The error that tells which permission the key needs."""
        named = Unavailable(
            f"Stream {self.name} cannot be read: the API key lacks the permission {self.permission}. Give the key a "
            "role that has it, or remove the stream from the sync.",
            internal_message=unavailable.internal_message,
        )
        named.status = unavailable.status
        return named


def query_of(link: Any) -> dict[str, list[str]]:
    """The parameters of a link. Its host and path are never asked: the path stays the stream's own."""
    return parse_qs(urlsplit(link).query, keep_blank_values=True) if isinstance(link, str) else {}
