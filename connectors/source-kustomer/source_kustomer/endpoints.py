"""The endpoints of Kustomer: how a page is asked for, and what its rows become. Those of searches are in `search`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, quote

from source_kit import rows, schemas, timestamps
from source_kit.addresses import Params
from source_kit.endpoint import A, Ask, Endpoint
from source_kit.rows import Record, Settled
from source_kustomer import custom
from source_kustomer.budget import ORGANISATION
from source_kustomer.envelope import section
from source_kustomer.records import columns_of, lift

PACKAGE = "source_kustomer"


class KustomerEndpoint(Endpoint[A]):
    """One resource of Kustomer, and the permission that reading it needs."""

    bucket = ORGANISATION
    # The schema file of its records.
    schema: str
    # The most rows a page may have; 0: one answer holds everything.
    page_size: int

    @property
    def permission(self) -> str:
        """What the key needs a role for."""
        raise NotImplementedError

    @cached_property
    def times(self) -> tuple[str, ...]:
        """The date-times of the records."""
        return schemas.zoned_fields(schemas.load(PACKAGE, self.schema))

    def records(self, content: Any, asked: A) -> list[Record]:
        """The records, lifted; date-times without a zone get a `Z` (1 µs a record)."""
        records = self.lifted(content, asked)
        timestamps.fix_zones(records, self.times)
        return records

    def lifted(self, content: Any, asked: A) -> list[Record]:
        """The rows in the connector's form."""
        return list(map(lift, content[self.rows_key]))


@dataclass(frozen=True)
class ListAsk(Ask):
    """A page of a list: by its number, or by `query`, the parameters of a link to it.

    `parent`: whose children or which resource's, for paths that name one.
    """

    page: int = 1
    query: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    parent: str = ""


@dataclass(frozen=True, eq=False)
class ListEndpoint(KustomerEndpoint[ListAsk]):
    """`GET /v1/<route>`; `route` may have `{id}` for the parent, and `resource` is what must be readable.

    `is_numbered`: the first page is asked for by its number. `keeps_filters`: filters go with links too, which may have
    lost them. `passes`: the filters under which everything of the list comes, one after the other.
    """

    usual = ListAsk()
    schema: str
    route: str
    resource: str
    page_size: int = 100
    size_parameter: str = "pageSize"
    is_numbered: bool = True
    keeps_filters: bool = False
    passes: Sequence[Mapping[str, str]] = ({},)

    @property
    def permission(self) -> str:
        return f"org.permission.{self.resource}.read"

    def path(self, asked: ListAsk) -> str:
        return self.route.format(id=quote(asked.parent, safe="", errors="replace"))

    def params(self, asked: ListAsk) -> Params:
        """None where one answer holds everything; else the page and the filters. The query of a link has both; where
        pages were too heavy, their size replaces its own."""
        if not self.page_size:
            return {}
        size = asked.limit or asked.size or self.page_size
        given: dict[str, Any] = parse_qs(asked.query, keep_blank_values=True)
        if not given:
            return {**({"page": asked.page} if self.is_numbered else {}), self.size_parameter: size, **asked.filters}
        if size < self.page_size and self.size_parameter in given and "page" not in given:
            given[self.size_parameter] = size
        return {**(asked.filters if self.keeps_filters else {}), **given}


class SlaVersionsEndpoint(ListEndpoint):
    """The versions of all SLAs, which come beside the list of SLAs."""

    def is_whole(self, content: Any) -> bool:
        """Also with the list of versions, where an SLA has some."""
        if not super().is_whole(content):
            return False
        slas = content[self.rows_key]
        has_versions = any(map(_has_versions, slas if isinstance(slas, list) else [slas]))
        return rows.has_list(content, "included") or not has_versions

    def settle(self, content: Any) -> Settled:
        """Versions that are no objects are counted, too."""
        settled = super().settle(content)
        return replace(settled, not_objects=settled.not_objects + rows.settle(content, "included").not_objects)

    def lifted(self, content: Any, asked: ListAsk) -> list[Record]:
        """A list of versions, or a single one."""
        included = content.get("included")
        versions = included if isinstance(included, list) else ()
        return [lift(record) for record in versions if record.get("type") == "sla_version"]


class MetadataEndpoint(ListEndpoint):
    """The definitions of the custom attributes of one resource, one record each."""

    usual = ListAsk(parent="customer")
    may_be_one = True

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and "data" in content and custom.is_readable(content)

    def is_strange(self, content: Any) -> bool:
        return super().is_strange(content) or custom.is_strange(content)

    def settle(self, content: Any) -> Settled:
        """Definitions that are no objects are counted, too."""
        settled = super().settle(content)
        return replace(settled, not_objects=settled.not_objects + custom.definitions_in(content)[1])

    def lifted(self, content: Any, asked: ListAsk) -> list[Record]:
        """One record per definition; its id is the resource and the name."""
        return [
            columns_of(details, {"id": f"{asked.parent}.{name}", "resource": asked.parent, "name": name})
            for name, details in custom.definitions_in(content)[0].items()
        ]


class ResponseEndpoint(ListEndpoint):
    """One record, with or without an id."""

    may_be_one = True

    def is_whole(self, content: Any) -> bool:
        data = content.get("data") if isinstance(content, dict) else None
        return "attributes" in data or "id" in data if isinstance(data, dict) else super().is_whole(content)

    def settle(self, content: Any) -> Settled:
        """A list of the one record, whatever it consists of."""
        if isinstance(content["data"], dict):
            content["data"] = [content["data"]]
        return super().settle(content)


def _has_versions(sla: Any) -> bool:
    """Whether an SLA says that it has versions."""
    versions = section(section(sla, "relationships"), "versions").get("data")
    return bool(versions or section(sla, "attributes").get("currentVersion"))
