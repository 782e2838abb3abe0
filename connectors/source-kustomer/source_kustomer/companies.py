"""Companies, and the edges of their hierarchies.

developer.kustomer.com/docs/guides/company-hierarchy: an edge links a parent (`sourceId`) with a child (`targetId`), in
a tree that has a name.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from typing import Any

from source_kit.client import HttpClient
from source_kit.rules import Rejected, Unavailable
from source_kit.timestamps import within
from source_kit.work import Page, Plan, Record, Start, mapped
from source_kustomer.children import Children, Parent
from source_kustomer.config import Settings
from source_kustomer.endpoints import ListEndpoint
from source_kustomer.lists import ListStream, changed
from source_kustomer.paging import ListFetcher, TooLong
from source_kustomer.search import Scope
from source_kustomer.search_fetcher import SearchRefused
from source_kustomer.searches import SearchStream
from source_kustomer.times import latest

COMPANIES = ListEndpoint("companies", "companies", "company")
EDGES = ListEndpoint("company_edges", "kedge", "company")
EDGES_BELOW = ListEndpoint("company_edges", "kedge/{id}/children", "company")
# What an edge is called in a tree that names no other.
TREE = "company_hierarchy"
# Answers that say that edges cannot be listed.
NO_LIST = (400, 404, 405)


class Companies(SearchStream):
    """Companies: searched by an attribute that is in use but not documented, else listed."""

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        scope = Scope("company", "company")
        super().__init__(client, settings, "companies", scope, custom_resource="company", is_doubtful=True)
        self._listed = ListFetcher(client, COMPANIES, self.name)

    def work(self, start: Start) -> Plan:
        """As the base; a list, which ends at 10,000 companies, where the search is refused."""
        try:
            yield from super().work(start)
        except SearchRefused as refusal:
            self.pages.say(
                "WARN",
                "Kustomer does not search companies by their last change here "
                f"({refusal.internal_message}): listing them instead.",
            )
            yield from changed(self._listed, self.time_cursor, self.time_cursor.lower(start))

    def everyone(self) -> Plan:
        """Every company, without states: for what is asked once for each."""
        try:
            self.pages.find_scope()
        except SearchRefused:
            return self._listed.whole()
        return self.walk(None)


class EdgesOf(Children):
    """Edges from each company that is not deleted to those below it, as far as they changed in `[lower, upper)` and are
    not `listed`."""

    def __init__(
        self, pages: ListFetcher, lower: datetime | None, upper: datetime | None, listed: Set[tuple[Any, ...]]
    ) -> None:
        super().__init__(pages)
        self._range = (lower, upper)
        self._listed = listed

    def parent(self, record: Record) -> Parent | None:
        return None if record.get("deleted") is True else super().parent(record)

    def found(self, parent: Parent, records: list[Record]) -> list[Record]:
        fresh = within([edge_of(parent.id, record) for record in records], "updated_at", *self._range)
        self.latest = latest(fresh, "updated_at", self.latest)
        return [edge for edge in fresh if link_of(edge) not in self._listed]


class CompanyEdges(ListStream):
    """Who belongs to whom. Whether edges can be listed is not documented, and a list ends at 10,000: then every company
    is asked for its children."""

    def __init__(self, companies: Companies) -> None:
        super().__init__(companies.client, companies.settings, EDGES)
        self.companies = companies

    def work(self, start: Start) -> Plan:
        """The list; per company where there is none, and for what it does not reach."""
        listed: set[tuple[Any, ...]] = set()

        def noted(page: Page) -> Page:
            listed.update(map(link_of, page.records))
            return page

        try:
            yield from mapped(super().work(start), noted)
        except TooLong as cap:
            why = f"lists no more edges of hierarchies than {len(listed)} ({cap.internal_message})"
        except (Rejected, Unavailable) as refusal:
            if refusal.status not in NO_LIST:
                raise
            why = f"does not list the edges of hierarchies here ({refusal.internal_message})"
        else:
            return
        self.pages.say("WARN", f"Kustomer {why}: asking every company for its children, one request each.")
        cursor = self.time_cursor
        below = ListFetcher(self.client, EDGES_BELOW, self.name)
        edges = EdgesOf(below, cursor.lower(start), cursor.end_date, listed)
        yield from edges.whole(self.companies.everyone(), cursor)

    def probe(self) -> None:
        """One edge, or one company."""
        try:
            super().probe()
        except (Rejected, Unavailable) as refusal:
            if refusal.status not in NO_LIST:
                raise
            self.companies.probe()


def link_of(edge: Record) -> tuple[Any, ...]:
    """What tells an edge from others, whether it was listed or made of a child."""
    return tuple(str(edge.get(name)) for name in ("name", "source_id", "target_id"))


def edge_of(parent: Any, child: Record) -> Record:
    """An edge, also where the children of a company come as companies: then it has no id and no time of its own."""
    if child.get("type") == "kedge" or "target_id" in child:
        return child
    gone = child.get("id")
    return {"id": f"{parent}.{gone}", "type": "kedge", "name": TREE, "source_id": parent, "target_id": gone}
