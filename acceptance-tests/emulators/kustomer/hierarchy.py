"""Trees of companies: `kedge` records tie a company (`targetId`) to its parent (`sourceId`).

Which paths read them is documented in words only: a company's parent, its children, the way up to the root. A list of
all edges is inferred, and can be switched off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulators.kustomer.shapes import EDGES, ORGANISATION_ID, stamp, to

if TYPE_CHECKING:
    from emulators.kustomer.account import Account

Record = dict[str, Any]
BRANCHES = 5
TREE = BRANCHES**3
"""A root, its children and theirs."""


class Hierarchy:
    """The edges between the companies of an account, worked out from their numbers."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._companies = account.collections["companies"]
        self._size = account.options.companies * 2 // 3

    def parent(self, number: int) -> int | None:
        """The company above one; None for a root, for one outside of all trees, or next to a deleted one."""
        if number >= self._size or number % TREE == 0 or self._companies.is_deleted(number):
            return None
        step = BRANCHES if number % BRANCHES else BRANCHES**2 if number % BRANCHES**2 else TREE
        above = number - number % step
        return None if self._companies.is_deleted(above) else above

    def edge(self, number: int) -> Record | None:
        """The edge that leads to a company."""
        above, companies = self.parent(number), self._companies
        if above is None:
            return None
        key, created = EDGES.id(number).decode(), stamp(companies.created[number]).decode()
        attributes = {
            "name": "company_hierarchy", "sourceType": "company", "sourceId": companies.ids.id(above).decode(),
            "targetType": "company", "targetId": companies.ids.id(number).decode(), "createdAt": created,
            "updatedAt": created,
        }  # fmt: skip
        return {
            "type": "kedge", "id": key, "attributes": attributes,
            "relationships": {"org": to("org", "orgs", ORGANISATION_ID)}, "links": {"self": f"/v1/kedge/{key}"},
        }  # fmt: skip

    def edges(self) -> list[Record]:
        """All of them."""
        return [edge for edge in map(self.edge, range(self._size)) if edge is not None]

    def children(self, number: int) -> list[Record]:
        """The edges to the companies directly below one."""
        nearby = range(number + 1, min(number + TREE, self._size))
        return [edge for child in nearby if self.parent(child) == number and (edge := self.edge(child)) is not None]

    def below(self, number: int) -> list[Record]:
        """The edges of the whole tree below a company."""
        found, waiting = [], [number]
        while waiting:
            edges = self.children(waiting.pop(0))
            found += edges
            ids = self._companies.ids
            waiting += [child for edge in edges if (child := ids.number(edge["attributes"]["targetId"])) is not None]
        return found

    def above(self, number: int) -> list[Record]:
        """The edges from the root down to a company."""
        found: list[Record] = []
        at: int | None = number
        while at is not None and (edge := self.edge(at)) is not None:
            found.insert(0, edge)
            at = self.parent(at)
        return found
