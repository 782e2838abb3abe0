"""`GET /v1/customers` with filters: the one list that may be asked for a window of time.

developer.kustomer.com/api/core-resources/get-customers has one example, with `filter[updatedAt][lt]`,
`filter[createdAt][gte]` and `sort`. Whether filters are honoured shows at run time: one of the far future must give
nothing, and each row must lie in its window.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from source_kit.errors import ConnectorFault, TransientError
from source_kit.rules import Rejected, Unavailable
from source_kit.timestamps import EPOCH, MILLISECOND, milliseconds_z
from source_kit.windows import Fetched, WalkExpired, Window
from source_kit.work import Plan, Start
from source_kustomer.base import KustomerStream
from source_kustomer.lists import is_within
from source_kustomer.paging import counted, next_link, query_of, section

FAR_FUTURE = "2100-01-01T00:00:00.000Z"


class Unfiltered(ConnectorFault):
    """A list brought rows that it was not asked for."""


class CustomerList(KustomerStream):
    """Pages of the list of customers. Not a stream of its own."""

    name = "customers"
    resource = "customers"
    permission = "org.permission.customer.read"

    def work(self, start: Start) -> Plan:
        """Nothing: `Customers` reads it by windows."""
        return iter(())

    def is_filtered(self) -> bool:
        """Whether a filter of the far future gives nothing."""
        try:
            answer = self.fetch({"filters": {"filter[updatedAt][gte]": FAR_FUTURE, "sort": "updatedAt"}, "limit": 1})
        except (Rejected, Unavailable, TransientError):
            return False
        return answer.size == 0 and not counted(section(answer.body, "meta").get("total"))

    def fetch_window(
        self, window: Window, token: str | None = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a window. Tokens are the parameters of a link; `WalkExpired` where they are refused.

        Raises `Unfiltered` where a row lies outside of the window.
        """
        query = parse_qs(token or "", keep_blank_values=True)
        try:
            answer = self.fetch({"filters": filters(window), "query": query, "limit": limit})
        except Rejected as rejected:
            if token and rejected.status == 400:
                raise WalkExpired from rejected
            raise
        lower, upper = window.lower, window.upper
        if window.within is not None:
            lower, upper = window.within, window.within + MILLISECOND
        if not all(is_within(record.get("updated_at"), lower, upper) for record in answer.records):
            raise Unfiltered("Kustomer's list of customers ignores a filter.", internal_message="GET customers")
        total = counted(section(answer.body, "meta").get("total"))
        following = query_of(next_link(answer.body)) if answer.size and limit is None else ""
        return Fetched(answer.records, answer.asked_at, following or None, None if token else total, answer.size)

    def params(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The filters go with every page: a link may have lost them."""
        return {**asked.get("filters", {}), **super().params(asked)}


def filters(window: Window) -> dict[str, str]:
    """Inclusive below, exclusive above; within one instant by the time of creation. Pure."""
    name, found = "updatedAt", dict[str, str]()
    if window.within is not None:
        found |= _bounds(name, window.within, window.within + MILLISECOND)
        name = "createdAt"
    lower = window.lower if window.lower is not None or window.within is not None else EPOCH
    return found | _bounds(name, lower, window.upper) | {"sort": f"-{name}" if window.descending else name}


def _bounds(name: str, lower: datetime | None, upper: datetime | None) -> dict[str, str]:
    bounds = {f"filter[{name}][gte]": lower, f"filter[{name}][lt]": upper}
    return {key: milliseconds_z(value) for key, value in bounds.items() if value is not None}
