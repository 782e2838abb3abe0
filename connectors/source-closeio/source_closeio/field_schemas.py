"""The custom fields of each object type, shared ones included, in the order in which Close shows them.

developer.close.com/api/resources/custom-fields/custom-field-schemas: of leads, contacts, opportunities, each type of
custom activities and each type of custom objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from source_closeio.children import ids_of, per_parent
from source_closeio.lists import LISTS, Listed
from source_closeio.single import CloseObject
from source_kit import rows
from source_kit.answers import body
from source_kit.rules import Unavailable
from source_kit.work import Page, Plan, Record, Start

OBJECT_TYPES = ("lead", "contact", "opportunity")
# By the stream that lists the types: the beginning of the address, and the column that names the type.
TYPED: Mapping[str, tuple[str, str]] = {
    "custom_activities": ("activity", "custom_activity_type_id"),
    "custom_object_types": ("custom_object", "custom_object_type_id"),
}


class CustomFieldSchemas(CloseObject):
    """One record for each object type: `GET /custom_field_schema/<object type>/`."""

    name = "custom_field_schemas"
    resource = "custom_field_schema/"
    nested = ("fields",)
    rows_key = "fields"

    def is_whole(self, content: Any) -> bool:
        """An answer without its list is asked for again."""
        return rows.has_list(content, "fields")

    def parse_response(self, response: requests.Response, **arguments: Any) -> list[Record]:
        """The answer as one record, whose id is the object type as it stands in the address."""
        content = dict(body(response))
        object_type, _, type_id = str(arguments["stream_slice"]["id"]).partition("/")
        record = {"object_type": object_type, **content, "id": arguments["stream_slice"]["id"]}
        for kind, column in TYPED.values():
            record[column] = type_id if type_id and kind == object_type else None
        self.fix_zones([record])
        return [record]

    def work(self, start: Start) -> Plan:
        """The three that every account has, then those of the account's own types."""
        for object_type in OBJECT_TYPES:
            yield from self._one(object_type)
        found: list[str] = []
        for stream, (kind, _) in TYPED.items():
            row = next(row for row in LISTS if row.name == stream)
            types = Listed(self.client, self.settings, self.account, row=row)
            try:
                found += [f"{kind}/{each}" for page in types.rows() for each in ids_of(page.records)]
            except Unavailable as refused:
                self.client.log(
                    "INFO",
                    f"Stream {self.name}: {stream} cannot be listed (status {refused.status}), nor their fields.",
                )
        yield from per_parent(self, "types", found, self._one)

    def _one(self, object_type: str) -> Plan:
        yield Page(self.fetch({"id": object_type}).records)

    def probe(self) -> None:
        """That of leads."""
        self.fetch({"id": OBJECT_TYPES[0]})
