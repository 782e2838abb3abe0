"""`POST /v1/customers/search` and `.../archive/search`: criteria, one sort key, and an end after 10,000 records."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from emulators.kustomer.account import Account
from emulators.kustomer.kept import Records
from emulators.kustomer.settings import KustomerOptions
from emulators.messages import BadBody, Request, Response
from emulators.moments import bound
from emulators.records import FOREVER, NUMBER_BITS, NUMBER_MASK, TIME_BITS

DEFAULT_PAGE, LARGEST_PAGE, LAST_PAGE = 100, 500, 100
LARGEST_BODY_BYTES = 100_000
DATE_LENGTH = len("2026-01-31")
KEYS = frozenset(
    ["queryContext", "and", "or", "not", "sort", "timeZone", "includeDeleted", "fields", "aggs", "searchHash"]
)
RANGE_OPERATORS = ("gt", "gte", "lt", "lte")
TIMES = ("created_at", "updated_at")
CONTEXTS = {
    "customer": "customers", "conversation": "conversations", "message": "messages", "company": "companies",
    "note": "notes", "kobject": "kobjects",
}  # fmt: skip
NUMBERS = {"message": ("attachment_count",), "conversation": ("message_count", "note_count")}
SORTED_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?Z)?")


class Refused(ValueError):
    """The search is refused with 400."""


@dataclass(slots=True)
class Query:
    """A search as read from a body."""

    context: str
    collection: Records
    kinds: frozenset[str] | None
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    numbers: list[tuple[str, int, int]] = field(default_factory=list)
    sort: str = ""
    descending: bool = False
    include_deleted: bool = False
    zone: str = "GMT"


class SearchEndpoint:
    """Answers searches over the whole account."""

    def __init__(self, options: KustomerOptions, account: Account, error: Callable[[int, str, str], Response]) -> None:
        self._options = options
        self._account = account
        self._error = error
        self._chance = random.Random(options.seed + 5)

    def standard(self, request: Request, values: dict[str, str]) -> Response:
        """Records changed in the last two years."""
        return self._answer(request, archive=False)

    def archive(self, request: Request, values: dict[str, str]) -> Response:
        """Records not changed since then."""
        return self._answer(request, archive=True)

    def _answer(self, request: Request, *, archive: bool) -> Response:
        if len(request.body) > LARGEST_BODY_BYTES:
            return self._error(413, "request_entity_too_large", "request entity too large")
        if "idsOnly" in request.params and self._options.ids_only == "refused":
            return self._error(400, "bad_request", "idsOnly is not allowed")
        try:
            query = self._read(request.json_object(), archive=archive)
            page, size = _pages(request, self._options.result_window)
        except (Refused, BadBody) as error:
            return self._error(400, "bad_request", str(error))
        horizon = self._account.horizon()
        low, high = query.ranges.get("updated_at", (0, FOREVER))
        query.ranges["updated_at"] = (low, min(high, horizon)) if archive else (max(low, horizon), high)
        numbers, total = self._rows(query, (page - 1) * size, size)
        view = query.collection.search_view(query.kinds)
        counted = total + view.phantoms(self._options.phantoms, *query.ranges["updated_at"])
        path = f"/v1/customers/{'archive/' if archive else ''}search"
        return self._envelope(request, query, numbers, (total, counted), page, size, path)

    def _envelope(
        self,
        request: Request,
        query: Query,
        numbers: list[int],
        totals: tuple[int, int],
        page: int,
        size: int,
        path: str,
    ) -> Response:
        """`totals`: how many there are, and how many are counted."""
        total, counted = totals
        collection = query.collection
        if request.params.get("idsOnly") == "true" and self._options.ids_only == "honoured":
            records = [b'{"type":"%b","id":"%b"}' % (query.context.encode(), collection.ids.id(n)) for n in numbers]
        else:
            records = collection.render_searched(numbers)
        cap = self._options.total_cap
        shown = min(counted, cap) if cap else counted
        last = max(1, -(-shown // size))

        def link(number: int) -> str:
            return f"{path}?page={number}&pageSize={size}"

        rest = {
            "meta": {
                "pageSize": size, "page": page, "total": shown, "totalPages": last, "timed_out": False,
                "aggregations": {},
            },
            "links": {
                "self": link(page), "first": link(1), "prev": link(page - 1) if page > 1 else None,
                "next": link(page + 1) if page * size < total else None, "last": link(last),
            },
        }  # fmt: skip
        return Response(body=b'{"data":[' + b",".join(records) + b"]," + orjson.dumps(rest)[1:])

    def _rows(self, query: Query, skip: int, size: int) -> tuple[list[int], int]:
        """The numbers of a page, and how many records the query finds."""
        view = query.collection.search_view(query.kinds)
        unsorted = query.context in self._options.unsorted or "*" in self._options.unsorted or not query.sort
        if (
            set(query.ranges) == {"updated_at"}
            and query.sort == "updated_at"
            and not query.numbers
            and not unsorted
            and (query.include_deleted or not query.collection.variants)
            and not self._options.unstable_ties
        ):
            start, stop = view.span("date_updated", *query.ranges["updated_at"])
            if query.descending:
                end = max(start, stop - skip)
                part = view.by_updated[max(start, end - size) : end][::-1]
            else:
                part = view.by_updated[start + skip : min(stop, start + skip + size)]
            return [key & NUMBER_MASK for key in part], max(0, stop - start)
        key = (unsorted or query.sort, query.descending, query.include_deleted, str(query.ranges), str(query.numbers))
        if self._options.unstable_ties:
            rows = self._matching(query, view.by_updated, unsorted=unsorted)
        else:
            rows = view.cached(("search", key), lambda: self._matching(query, view.by_updated, unsorted=unsorted))
        return rows[skip : skip + size], len(rows)

    def _matching(self, query: Query, keys: list[int], *, unsorted: bool) -> list[int]:
        """All numbers of a query, in its order."""
        low, high = query.ranges["updated_at"]
        created = query.ranges.get("created_at", (0, FOREVER))
        rows = []
        for entry in keys:
            updated, made, number = (
                entry >> (TIME_BITS + NUMBER_BITS),
                entry >> NUMBER_BITS & FOREVER,
                entry & NUMBER_MASK,
            )
            if not low <= updated < high or not created[0] <= made < created[1]:
                continue
            if not query.include_deleted and query.collection.is_deleted(number, searched=True):
                continue
            if all(least <= self._number(name, number) < most for name, least, most in query.numbers):
                rows.append((updated if query.sort == "updated_at" else made, number))
        if unsorted:
            return [number for _, number in sorted(rows, key=lambda row: row[1] * 7919 % 10_007)]
        tie: Callable[[int], float] = (lambda number: self._chance.random()) if self._options.unstable_ties else float
        sign = -1 if query.descending else 1
        return [number for _, number in sorted(rows, key=lambda row: (sign * row[0], sign * tie(row[1])))]

    def _number(self, name: str, number: int) -> int:
        account = self._account
        if name == "attachment_count":
            return account.attachments_of(number)
        return account.messages_of(number) if name == "message_count" else len(account.notes_of(number))

    def _read(self, body: dict[str, Any], *, archive: bool) -> Query:
        unknown = sorted(body.keys() - KEYS)
        if unknown:
            raise Refused(f"unknown property {unknown[0]}")
        context = body.get("queryContext")
        query = self._target(context)
        query.include_deleted = body.get("includeDeleted") is True
        query.zone = str(body.get("timeZone") or query.zone)
        for part in ("or", "not"):
            if body.get(part):
                raise Refused(f"{part} is not emulated")
        for criterion in _objects(body, "and"):
            for attribute, condition in criterion.items():
                self._read_criterion(query, attribute, condition, archive=archive)
        for entry in _objects(body, "sort")[:1]:  # of several keys only the first counts
            if len(entry) != 1:
                raise Refused("sort needs one attribute an entry")
            ((attribute, direction),) = entry.items()
            name = self._attribute(query, attribute, archive=archive)
            if name not in TIMES or direction not in ("asc", "desc"):
                raise Refused(f"cannot sort by {attribute} {direction}")
            query.sort, query.descending = name, direction == "desc"
        if context == self._options.time_context:
            # Written once: both times are the same.
            query.ranges = {"updated_at": next(iter(query.ranges.values()))} if query.ranges else {}
            query.sort = "updated_at" if query.sort else ""
        if archive and context in ("note", self._options.time_context):
            raise Refused(f"queryContext {context} is not in the archive")
        return query

    def _target(self, context: Any) -> Query:
        collections = self._account.collections
        if not isinstance(context, str):
            raise Refused("queryContext is not a text")
        if context in CONTEXTS:
            return Query(context, collections[CONTEXTS[context]], None)
        if context and context == self._options.time_context:
            return Query(context, collections["conversation_times"], None)
        klass = context.removeprefix("kobject_")
        if context.startswith("kobject_") and klass in self._account.searchable_klasses():
            return Query(context, collections["kobjects"], frozenset({klass}))
        raise Refused(f"queryContext {context} is not valid")

    def _attribute(self, query: Query, attribute: str, *, archive: bool) -> str:
        """The name without its context; `Refused` if there is none such."""
        context = query.context
        options = self._options
        is_prefixed = options.klass_prefix and (options.klass_prefix_in_archive or not archive)
        own = context.startswith("kobject_") and is_prefixed
        prefix = context if own else "kobject" if context.startswith("kobject_") else context
        name = attribute.removeprefix(f"{prefix}_")
        known = ("created_at",) if context == self._options.time_context else TIMES
        numbers = () if archive else NUMBERS.get(context, ())
        is_known = attribute.startswith(f"{prefix}_") and name in (*known, *numbers)
        if not is_known or attribute in options.refuse_attributes:
            raise Refused(f"{attribute} is not a valid attribute")
        return name

    def _read_criterion(self, query: Query, attribute: str, condition: Any, *, archive: bool) -> None:
        name = self._attribute(query, attribute, archive=archive)
        if not isinstance(condition, dict) or len(condition) != 1:
            raise Refused(f"{attribute} needs one operator")
        ((operator, value),) = condition.items()
        if operator not in RANGE_OPERATORS:
            raise Refused(f"operator {operator} does not fit {attribute}")
        if name in TIMES:
            if not isinstance(value, str) or not SORTED_DATE.fullmatch(value):
                raise Refused(f"{attribute}: not a date")
            least, before = bound(operator, _instant(value, query.zone))
            low, high = query.ranges.get(name, (0, FOREVER))
            query.ranges[name] = (max(low, least or 0), high if before is None else min(high, before))
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused(f"{attribute}: not a number")
        least, most = {"gt": (value + 1, FOREVER), "gte": (value, FOREVER), "lt": (0, value), "lte": (0, value + 1)}[
            operator
        ]
        # Nothing compares with a value that is missing.
        is_filled = attribute not in self._options.unfilled_attributes
        query.numbers.append((name, least, most) if is_filled else (name, FOREVER, 0))


def _objects(body: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """The entries of a part of the body: an array of objects, or one object."""
    given = body.get(part) or []
    entries = [given] if isinstance(given, dict) else given
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused(f"{part} is not an array of objects")
    return entries


def _instant(value: str, zone: str) -> str:
    """A time as it is; a date as its first moment in the time zone. `Refused` if there is none such."""
    try:
        moment = datetime.fromisoformat(value)
        if len(value) > DATE_LENGTH or zone == "GMT":
            return value
        return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError, KeyError, OSError) as error:  # the last two: no such zone
        raise Refused(f"{value} is not a date of {zone}") from error


def _pages(request: Request, cap: int) -> tuple[int, int]:
    page, size = request.params.get("page", "1"), request.params.get("pageSize", str(DEFAULT_PAGE))
    if not page.isdigit() or not size.isdigit() or int(page) < 1 or int(size) < 1:
        raise Refused("page and pageSize are positive numbers")
    number, asked = int(page), min(int(size), LARGEST_PAGE)
    if number > LAST_PAGE or (cap and number * asked > cap):
        raise Refused(f"page {number} is too deep")
    return number, asked
