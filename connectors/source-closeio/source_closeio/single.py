"""Single objects, by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from source_closeio.base import CloseStream
from source_kit.answers import body
from source_kit.errors import ConnectorFault
from source_kit.work import Plan, Record, Start


class CloseObject(CloseStream):
    """Single objects: `GET <resource><id>/`."""

    most_deleted_at_start = 0
    # The answer itself is the row.
    rows_key = ""

    def path(self, **arguments: Any) -> str:
        """The slice names the object."""
        return f"{self.resource}{arguments['stream_slice']['id']}/"

    @property
    def bucket(self) -> str:
        """One endpoint group for all ids."""
        return f"GET {self.resource}{{id}}/"

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Fields, where a slice names some."""
        return dict((stream_slice or {}).get("filters", {}))

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and "id" in content

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The one object."""
        record = dict(body(response))
        self.fix_zones([record])
        return [record]


class RecordOf(CloseObject):
    """One record of a large stream, as the stream emits it."""

    def __init__(self, stream: CloseStream, resource: str) -> None:
        """`resource`: where the records can be asked for by id."""
        self.name = stream.name
        self.resource = resource
        self.custom_type = stream.custom_type
        self.nested = stream.nested
        self._schema_name = stream.schema_name
        super().__init__(stream.client, stream.settings, stream.account)

    @property
    def schema_name(self) -> str:
        return self._schema_name

    def work(self, start: Start) -> Plan:
        """Only single records are asked for."""
        raise ConnectorFault("RecordOf is a part of other streams, not a stream of its own.")
