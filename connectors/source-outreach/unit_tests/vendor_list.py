"""A collection of Outreach in memory, as its list answers: filters inclusive at both ends, orders, cursors, counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from source_kit import timestamps
from unit_tests.outreach_account import API


class VendorList:
    """Rows by id, with their time and when a request shows them. Give `answer` to requests-mock."""

    def __init__(self, plural: str, field: str = "updatedAt") -> None:
        self.plural, self.field = plural, field
        self.rows: dict[int, tuple[datetime, datetime]] = {}
        self.now = datetime(2100, 1, 1, tzinfo=UTC)
        self.requests = 0
        # Rows beyond the upper bound of a query that come all the same.
        self.beyond = False

    def put(self, number: int, at: datetime, shows: datetime | None = None) -> None:
        """A row, new or changed."""
        self.rows[number] = (at, at if shows is None else shows)

    def answer(self, request: Any, context: Any) -> dict[str, Any]:
        """One page."""
        self.requests += 1
        asked = {name: values[0] for name, values in request.qs.items()}
        if asked.get(f"filter[{self.field.lower()}]") == "__null__":
            return {"data": []}
        lower, upper = (asked.get(f"filter[{self.field.lower()}]") or "neginf..inf").split("..")
        found = sorted(
            (at, number)
            for number, (at, shows) in self.rows.items()
            if shows <= self.now
            and (lower == "neginf" or at >= timestamps.parse(lower.upper()))
            and (upper == "inf" or self.beyond or at <= timestamps.parse(upper.upper()))
        )
        if asked.get("sort", "").startswith("-"):
            found.reverse()
        size, begin = int(asked["page[size]"]), int(asked.get("page[after]", 0))
        content: dict[str, Any] = {
            "data": [
                {"type": "row", "id": number, "attributes": {self.field: timestamps.milliseconds_z(at)}}
                for at, number in found[begin : begin + size]
            ],
            "meta": {"count": len(found) if asked.get("count") == "true" else None},
        }
        if begin + size < len(found):
            content["links"] = {"next": f"{API}/{self.plural}?page%5Bafter%5D={begin + size}"}
        return content
