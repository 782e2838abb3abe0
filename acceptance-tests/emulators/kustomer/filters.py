"""Lists that know `filter[updatedAt][gte]`, `filter[createdAt][lt]` and `sort`, as documented for customers.

They read the records themselves: no index is behind them, and they count only against the organisation's budget.
"""

from __future__ import annotations

import random
import re

from emulators.kustomer.account import Account
from emulators.kustomer.kept import Records
from emulators.moments import bound
from emulators.records import FOREVER, NUMBER_MASK, Order, Ranges

FILTER = re.compile(r"filter\[(\w+)\](?:\[(\w+)\])?")
DATES: dict[str, Order] = {"updatedAt": "date_updated", "createdAt": "date_created"}
OPERATORS = ("gt", "gte", "lt", "lte")


class FilteredLists:
    """Chooses the records of a list."""

    def __init__(self, account: Account) -> None:
        self._account, self._options = account, account.options
        self._chance = random.Random(account.options.seed + 6)

    def kept(self, collection: Records, params: dict[str, str]) -> dict[str, str]:
        """The parameters that links to other pages keep."""
        if collection.name not in self._options.filtered_lists:
            return {}
        return {name: text for name, text in params.items() if name == "sort" or FILTER.fullmatch(name)}

    def numbers(self, collection: Records, params: dict[str, str]) -> list[int]:
        """The records that a request asks for, in order; `ValueError` for what the list refuses."""
        filters = {name: text for name, text in params.items() if name.startswith("filter[")}
        if collection.name not in self._options.filtered_lists:
            if filters and self._options.unknown_filters == "refused":
                raise ValueError(f"{next(iter(filters))} is not allowed")
            return list(collection.present())
        ignored = self._options.ignored_list_filters
        ranges = _ranges({name: text for name, text in filters.items() if not any(part in name for part in ignored)})
        sort = params.get("sort", "")
        if not ranges and not sort:
            return list(collection.present())
        order = DATES.get(sort.removeprefix("-"), "date_updated")
        if sort and sort.removeprefix("-") not in DATES:
            raise ValueError(f"cannot sort by {sort}")
        if not self._options.lists_reach_archive:
            low, high = ranges.get("date_updated", (0, FOREVER))
            ranges["date_updated"] = max(low, self._account.horizon()), high
        return self._ordered(collection, ranges, order, sort)

    def _ordered(self, collection: Records, ranges: Ranges, order: Order, sort: str) -> list[int]:
        view = collection.view()
        key = ("listed", order, sort, str(ranges), self._options.lists_show_deleted)
        if self._options.unstable_ties:
            rows = self._matching(collection, ranges, order)
        else:
            rows = view.cached(key, lambda: self._matching(collection, ranges, order))
        if f"GET /{collection.name}" in self._options.unsorted or not sort:
            return sorted(rows, key=lambda number: number * 7919 % 10_007)
        if self._options.unstable_ties:
            times = collection.updated if order == "date_updated" else collection.created
            rows = sorted(rows, key=lambda number: (times[number], self._chance.random()))
        return rows[::-1] if sort.startswith("-") else rows

    def _matching(self, collection: Records, ranges: Ranges, order: Order) -> list[int]:
        """In ascending order of a date."""
        view = collection.view()
        start, stop = view.span(order, *ranges.get(order, (0, FOREVER)))
        rows = [key & NUMBER_MASK for key in view.keys(order)[start:stop]]
        dates = {"date_updated": collection.updated, "date_created": collection.created}
        for name, (low, high) in ranges.items():
            if name != order:
                rows = [number for number in rows if low <= dates[name][number] < high]
        if not self._options.lists_show_deleted:
            rows = [number for number in rows if not collection.is_deleted(number)]
        return rows


def _ranges(filters: dict[str, str]) -> Ranges:
    ranges: Ranges = {}
    for name, text in filters.items():
        match = FILTER.fullmatch(name)
        if match is None or match[1] not in DATES or match[2] not in OPERATORS:
            raise ValueError(f"{name} is not allowed")
        least, before = bound(match[2], text)
        low, high = ranges.get(DATES[match[1]], (0, FOREVER))
        ranges[DATES[match[1]]] = max(low, least or 0), high if before is None else min(high, before)
    return ranges
