"""What is asked of Close, and what its answers hold: lists by offset, and single objects by their ids.

Searches have their own form (`search`). Every path ends in a slash: without it Close redirects, and a redirected POST
loses its body. Close limits each endpoint group, method and path, on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from source_closeio.mending import AS_THEY_COME, Mending
from source_kit import rows
from source_kit.endpoint import Ask, Endpoint
from source_kit.rows import Record, Settled


@dataclass(frozen=True)
class ListAsk(Ask):
    """A page of the rows that fit `filters`, from the row with the number `skip` on."""

    skip: int = 0
    filters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ListEndpoint(Endpoint[ListAsk]):
    """`GET <resource>`: a list by offset. `fields`: what is asked for, by commas, where not all is wanted."""

    resource: str
    mending: Mending = AS_THEY_COME
    page_size: int = 100
    fields: str = ""
    usual = ListAsk()

    @property
    def bucket(self) -> str:  # type: ignore[override]  # follows from the path
        return f"GET {self.resource}"

    def path(self, asked: ListAsk) -> str:
        return self.resource

    def params(self, asked: ListAsk) -> Mapping[str, Any]:
        return {
            "_limit": asked.limit or asked.size or self.page_size,
            **asked.filters,
            **({"_skip": asked.skip} if asked.skip else {}),
            **({"_fields": self.fields} if self.fields else {}),
        }

    def records(self, content: Any, asked: ListAsk) -> list[Record]:
        return self.mending.mend(content[self.rows_key])


@dataclass(frozen=True)
class ObjectAsk(Ask):
    """The object with this `id`; where not all of it is wanted, the `fields` to give, by commas."""

    id: str = ""
    fields: str = ""


@dataclass(frozen=True)
class ObjectEndpoint(Endpoint[ObjectAsk]):
    """`GET <resource><id>/`: a single object. The answer itself is the row."""

    resource: str
    mending: Mending = AS_THEY_COME
    usual = ObjectAsk()
    rows_key = ""

    @property
    def bucket(self) -> str:  # type: ignore[override]  # one group for all ids
        return f"GET {self.resource}{{id}}/"

    def path(self, asked: ObjectAsk) -> str:
        return f"{self.resource}{asked.id}/"

    def params(self, asked: ObjectAsk) -> Mapping[str, Any]:
        return {"_fields": asked.fields} if asked.fields else {}

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and "id" in content

    def records(self, content: Any, asked: ObjectAsk) -> list[Record]:
        return self.mending.mend([content])


class MembersEndpoint(ObjectEndpoint):
    """The members in an organisation, present and former; `is_active` says which of its two lists each comes from."""

    lists = MappingProxyType({"memberships": True, "inactive_memberships": False})

    def is_whole(self, content: Any) -> bool:
        """Also with the list of members, which holds the user of the key at least; nobody may have left."""
        left = content.get("inactive_memberships") if isinstance(content, dict) else None
        has_left = left is None or rows.has_list(content, "inactive_memberships")
        return super().is_whole(content) and has_left and rows.has_list(content, "memberships")

    def settle(self, content: Any) -> Settled:
        parts = [rows.settle(content, name) for name in self.lists]
        return Settled(sum(part.size for part in parts), sum(part.not_objects for part in parts))

    def records(self, content: Any, asked: ObjectAsk) -> list[Record]:
        """Each with its user's id where it has none of its own."""
        records = [
            {"organization_id": asked.id, **membership, "is_active": is_active}
            for name, is_active in self.lists.items()
            for membership in content.get(name) or ()
        ]
        for record in records:
            if record.get("id") is None:
                record["id"] = record.get("user_id")
        return self.mending.mend(records)


@dataclass(frozen=True)
class FieldSchemaEndpoint(ObjectEndpoint):
    """The custom fields of an object type in order: one record, whose id is the type as it stands in the address.

    `typed`: the object types whose own types have fields each, and the column that names the type.
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    rows_key = "fields"

    def is_whole(self, content: Any) -> bool:
        """An answer without its list is asked for again."""
        return rows.has_list(content, self.rows_key)

    def records(self, content: Any, asked: ObjectAsk) -> list[Record]:
        object_type, _, type_id = asked.id.partition("/")
        columns = {column: type_id if type_id and kind == object_type else None for kind, column in self.typed.items()}
        return self.mending.mend([{"object_type": object_type, **content, "id": asked.id, **columns}])
