"""The custom fields of each object type, shared ones included, in the order in which Close shows them.

developer.close.com/api/resources/custom-fields/custom-field-schemas: of leads, contacts, opportunities, each type of
custom activities and each type of custom objects.
"""

from __future__ import annotations

from collections.abc import Mapping

from source_closeio.base import CloseStream
from source_closeio.children import ids_of, per_parent
from source_closeio.endpoints import FieldSchemaEndpoint, ObjectAsk
from source_closeio.lists import SmallListFetcher, row_of
from source_kit.fetcher import Fetcher
from source_kit.rules import Unavailable
from source_kit.work import Page, Plan, Start

OBJECT_TYPES = ("lead", "contact", "opportunity")
# By the stream that lists the types: the beginning of the address, and the column that names the type.
TYPED: Mapping[str, tuple[str, str]] = {
    "custom_activities": ("activity", "custom_activity_type_id"),
    "custom_object_types": ("custom_object", "custom_object_type_id"),
}


class CustomFieldSchemas(CloseStream):
    """One record for each object type: `GET /custom_field_schema/<object type>/`."""

    pages: Fetcher[ObjectAsk]
    name = "custom_field_schemas"
    resource = "custom_field_schema/"
    nested = ("fields",)

    def fetcher(self) -> Fetcher[ObjectAsk]:
        endpoint = FieldSchemaEndpoint(self.resource, self.mending, dict(TYPED.values()))
        return Fetcher(self.client, endpoint, self.name)

    def work(self, start: Start) -> Plan:
        """The three that every account has, then those of the account's own types."""
        for object_type in OBJECT_TYPES:
            yield from self._one(object_type)
        found: list[str] = []
        for stream, (kind, _) in TYPED.items():
            types = SmallListFetcher(self.client, row_of(stream))
            try:
                found += [f"{kind}/{each}" for page in types.rows() for each in ids_of(page.records)]
            except Unavailable as refused:
                self.client.log(
                    "INFO",
                    f"Stream {self.name}: {stream} cannot be listed (status {refused.status}), nor their fields.",
                )
        yield from per_parent(self, "types", found, self._one)

    def _one(self, object_type: str) -> Plan:
        yield Page(self.pages.fetch(ObjectAsk(id=object_type)).records)

    def probe(self) -> None:
        """That of leads."""
        self.pages.fetch(ObjectAsk(id=OBJECT_TYPES[0]))
