"""`GET /v1/customers` with filters: the one list that may be asked for a window of time.

developer.kustomer.com/api/core-resources/get-customers has one example, with `filter[updatedAt][lt]`,
`filter[createdAt][gte]` and `sort`. Whether filters are honoured shows at run time: one of the far future must give
nothing, and each row must lie in its window.
"""

from __future__ import annotations

from datetime import datetime

from source_kit.errors import ConnectorFault, TransientError
from source_kit.rules import Rejected, Unavailable
from source_kit.timestamps import EPOCH, MILLISECOND, is_within, milliseconds_z
from source_kit.windows import Fetched, WalkExpired, Window
from source_kustomer.endpoints import ListAsk, ListEndpoint
from source_kustomer.envelope import next_link, query_of, total_of
from source_kustomer.fetcher import KustomerFetcher

CUSTOMERS = ListEndpoint("customers", "customers", "customer", keeps_filters=True)
FILTERED = {"updated_at": "updatedAt", "created_at": "createdAt"}
FAR_FUTURE = "2100-01-01T00:00:00.000Z"


class Unfiltered(ConnectorFault):
    """A list brought rows that it was not asked for."""


class FilteredFetcher(KustomerFetcher[ListAsk]):
    """Asks a list by windows of time."""

    def is_filtered(self) -> bool:
        """Whether a filter of the far future gives nothing."""
        far = {"filter[updatedAt][gte]": FAR_FUTURE, "sort": "updatedAt"}
        try:
            answer = self.fetch(ListAsk(filters=far, limit=1))
        except (Rejected, Unavailable, TransientError):
            return False
        return answer.size == 0 and not total_of(answer.body)

    def page(
        self, window: Window, token: str | None = None, *, count: bool = False, limit: int | None = None
    ) -> Fetched:
        """One page of a window. Tokens are the parameters of a link; `WalkExpired` where they are refused.

        Raises `Unfiltered` where a row lies outside of the window.
        """
        try:
            answer = self.fetch(ListAsk(filters=filters(window), query=token or "", limit=limit))
        except Rejected as rejected:
            if token and rejected.status == 400:
                raise WalkExpired from rejected
            raise
        for field, lower, upper in ranges(window):
            if not all(is_within(record.get(field), lower, upper) for record in answer.records):
                raise Unfiltered(
                    "Kustomer's list of customers ignores a filter.", internal_message=f"GET customers: {field}"
                )
        total = None if token else total_of(answer.body)
        following = query_of(next_link(answer.body)) if answer.size and limit is None else ""
        return Fetched(answer.records, answer.asked_at, following or None, total, answer.size)


def ranges(window: Window) -> list[tuple[str, datetime | None, datetime | None]]:
    """Which times of its records lie in which `[lower, upper)`; the last one is walked. Pure."""
    if window.within is None:
        return [("updated_at", window.lower or EPOCH, window.upper)]
    return [
        ("updated_at", window.within, window.within + MILLISECOND),
        ("created_at", window.lower, window.upper),
    ]


def filters(window: Window) -> dict[str, str]:
    """Inclusive below, exclusive above; within one instant by the time of creation. Pure."""
    found = dict[str, str]()
    for field, lower, upper in ranges(window):
        bounds = {f"filter[{FILTERED[field]}][gte]": lower, f"filter[{FILTERED[field]}][lt]": upper}
        found |= {key: milliseconds_z(value) for key, value in bounds.items() if value is not None}
    return found | {"sort": f"-{FILTERED[field]}" if window.descending else FILTERED[field]}
