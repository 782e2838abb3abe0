"""Companies, and the edges of their hierarchies.

developer.kustomer.com/docs/guides/company-hierarchy: an edge links a parent (`sourceId`) with a child (`targetId`), in
a tree that has a name.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.rules import Rejected, Unavailable
from source_kit.work import Fork, Page, Plan, Record, Start
from source_kustomer.children import ChildStream, Parent
from source_kustomer.config import Settings
from source_kustomer.lists import Listed, ListStream, is_within, times_of
from source_kustomer.search_requests import SearchRefused
from source_kustomer.searches import SearchStream

PERMISSION = "org.permission.company.read"
LISTED = Listed("companies", "companies", PERMISSION)
EDGES = Listed("company_edges", "kedge", PERMISSION)
# What an edge is called in a tree that names no other.
TREE = "company_hierarchy"


class Companies(SearchStream):
    """Companies: searched by an attribute that is in use but not documented, else listed."""

    is_doubtful = True
    custom_resource = "company"

    def work(self, start: Start) -> Plan:
        """As the base; a list, which ends at 10,000 companies, where the search is refused."""
        try:
            yield from super().work(start)
        except SearchRefused as refusal:
            self.client.log(
                "WARN",
                "Stream companies: Kustomer does not search companies by their last change here "
                f"({refusal.internal_message}): listing them instead.",
            )
            listed = ListStream(self.client, self.settings, LISTED)
            yield from listed.changed(self.time_cursor, self.time_cursor.lower(start))

    def everyone(self) -> Plan:
        """Every company, without states: for what is asked once for each."""
        try:
            self.settle()
        except SearchRefused:
            return ListStream(self.client, self.settings, LISTED).rows_once()
        return self.walk(None)


class CompanyEdges(ListStream):
    """Who belongs to whom. Whether edges can be listed is not documented: if not, every company is asked for its
    children."""

    def __init__(self, client: HttpClient, settings: Settings, companies: Companies) -> None:
        super().__init__(client, settings, EDGES)
        self.companies = companies

    def work(self, start: Start) -> Plan:
        """The list; per company where there is none."""
        try:
            yield from super().work(start)
        except (Rejected, Unavailable) as refusal:
            if getattr(refusal, "status", None) not in (400, 404, 405):
                raise
            self.client.log(
                "WARN",
                f"Stream {self.name}: Kustomer does not list the edges of hierarchies here "
                f"({refusal.internal_message}): asking every company for its children, one request each.",
            )
            yield from self._by_company(self.time_cursor.lower(start))

    def _by_company(self, lower: datetime | None) -> Plan:
        children = _ChildrenOf(self.client, self.settings, self.companies, lower)
        children.begin()
        yield from children.fan_out(self.companies.everyone())
        yield Fork()
        yield Page((), self.time_cursor.checkpoint(children.latest, children.began_at) if children.latest else None)

    def probe(self) -> None:
        """One edge, or the children of one company."""
        try:
            super().probe()
        except (Rejected, Unavailable) as refusal:
            if getattr(refusal, "status", None) not in (400, 404, 405):
                raise
            self.companies.probe()


class _ChildrenOf(ChildStream):
    """Edges from each company to those below it. Not a stream of its own."""

    name = "company_edges"
    resource = "kedge/{id}/children"
    permission = PERMISSION

    def __init__(self, client: HttpClient, settings: Settings, companies: SearchStream, lower: datetime | None) -> None:
        super().__init__(client, settings, companies)
        self.lower = lower
        self.latest: str | None = None

    def parent(self, record: Record) -> Parent | None:
        """Whoever is not deleted."""
        return None if record.get("deleted") is True else super().parent(record)

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        """The edges that changed since the state."""
        edges = [edge_of(parent.id, record) for record in records]
        fresh = [edge for edge in edges if is_within(edge.get("updated_at"), self.lower, self.settings.common.end_date)]
        values = times_of(fresh, "updated_at")
        if values:
            self.latest = timestamps.latest(values if self.latest is None else [*values, self.latest])
        return fresh


def edge_of(parent: Any, child: Record) -> Record:
    """An edge, also where the children of a company come as companies: then it has no id and no time of its own."""
    if child.get("type") == "kedge" or "target_id" in child:
        return child
    gone = child.get("id")
    return {"id": f"{parent}.{gone}", "type": "kedge", "name": TREE, "source_id": parent, "target_id": gone}
