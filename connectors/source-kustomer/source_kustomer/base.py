"""What all streams of Kustomer share: envelopes, records, refusals that name a permission."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import requests

from source_kit.answers import body
from source_kit.client import HttpClient
from source_kit.rules import Unavailable
from source_kit.stream import Answer, KitStream
from source_kit.work import Record
from source_kustomer.budget import ORGANISATION
from source_kustomer.config import Settings
from source_kustomer.records import lift


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
        """Paging by number, and the filters of the slice `asked`."""
        return {
            "page": asked.get("page", 1),
            "pageSize": asked.get("limit") or self.page_size,
            **asked.get("filters", {}),
        }

    def parse_response(
        self, response: requests.Response, *, stream_slice: Mapping[str, Any] | None = None, **arguments: Any
    ) -> list[Record]:
        """See `records_of`."""
        return self.records_of(body(response), stream_slice or {})

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

    def lacking(self, unavailable: Unavailable) -> Unavailable:
        """The error that tells which permission the key needs."""
        named = Unavailable(
            f"Stream {self.name} cannot be read: the API key lacks the permission {self.permission}. Give the key a "
            "role that has it, or remove the stream from the sync.",
            internal_message=unavailable.internal_message,
        )
        named.status = unavailable.status
        return named


def has_next(content: Mapping[str, Any], records: int, page_size: int) -> bool:
    """Whether a list goes on: `links.next`, or, where an endpoint sends no links, a full page."""
    links = content.get("links")
    if isinstance(links, Mapping) and ("next" in links or "self" in links):
        return bool(links.get("next"))
    return records >= page_size
