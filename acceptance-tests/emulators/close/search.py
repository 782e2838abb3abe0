"""`POST /data/search/`, for any collection: query tree, two-key sort, counts, cursors of 30 s and 10,000 rows."""

from __future__ import annotations

import base64
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import orjson

from emulators.close.lists import too_large
from emulators.close.settings import CloseOptions
from emulators.messages import BadBody, Request, Response, error_response, json_response
from emulators.moments import parse_us
from emulators.records import FOREVER, NUMBER_BITS, NUMBER_MASK, TIME_BITS, Collection, Order, Ranges, View, pack

LARGEST_PAGE = 200
DEFAULT_PAGE = 100
LOGICAL = ("and", "or")


class Refused(ValueError):
    """The search is refused with 400 and field errors."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name

    def response(self) -> Response:
        """As Close words it."""
        return json_response({"errors": [], "field-errors": {self.name: str(self)}}, 400)


@dataclass(frozen=True, slots=True)
class Searchable:
    """What an `object_type` finds: a collection, or some kinds of it."""

    collection: Collection
    kinds: frozenset[str] | None = None


@dataclass(slots=True)
class Search:
    """A search as read from a body."""

    object_type: str = ""
    ranges: Ranges = field(default_factory=dict)
    sort: list[tuple[Order, bool]] = field(default_factory=list)
    """(field, descending)"""
    limit: int = DEFAULT_PAGE
    results_limit: int | None = None
    counts: bool = False
    digest: int = 0


@dataclass(slots=True)
class Rows:
    """Keys in the order of a search: a stretch of an index, or a list made for it."""

    keys: Sequence[int]
    start: int
    stop: int
    backwards: bool = False

    def __len__(self) -> int:
        return self.stop - self.start

    def take(self, served: int, after: int | None, limit: int) -> list[int]:
        """The next keys, after `served` rows or, if given, after the key `after`."""
        if self.backwards:
            end = self.stop - served if after is None else min(self.stop, bisect_left(self.keys, after))
            return list(self.keys[max(self.start, end - limit) : max(self.start, end)])[::-1]
        begin = self.start + served if after is None else max(self.start, bisect_right(self.keys, after))
        return list(self.keys[begin : min(self.stop, begin + limit)])


class SearchEndpoint:
    """Answers searches over the collections that it knows."""

    def __init__(self, options: CloseOptions, searchable: dict[str, Searchable]) -> None:
        self._options = options
        self._searchable = searchable

    def answer(self, request: Request, values: dict[str, str]) -> Response:
        """One page of a search."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            return error_response(415, "The request must be JSON.")
        try:
            body = request.json_object()
            search = self._read(body)
            return self._page(search, body)
        except Refused as error:
            return error.response()
        except BadBody as error:
            return json_response({"error": str(error)}, 400)

    def _read(self, body: dict[str, Any]) -> Search:
        search = Search()
        self._read_query(search, body.get("query"))
        if not search.object_type:
            raise Refused("query", "The query must restrict the object type.")
        if search.object_type not in self._searchable or search.object_type in self._options.unsearchable:
            raise Refused("query", f"Unknown object type {search.object_type!r}.")
        for entry in body.get("sort") or []:
            search.sort.append(_read_sort(entry))
        if len(search.sort) > 2:
            raise Refused("sort", "At most two sort fields are supported.")
        search.limit = _whole_number(body, "_limit", DEFAULT_PAGE)
        if search.limit > LARGEST_PAGE:
            raise Refused("_limit", too_large("limit", LARGEST_PAGE, self._options))
        if body.get("results_limit") is not None:
            search.results_limit = _whole_number(body, "results_limit", 0)
        search.counts = body.get("include_counts") is True
        self._forget_updates(search)
        search.digest = crc32(orjson.dumps([body.get("query"), body.get("sort")], option=orjson.OPT_SORT_KEYS))
        return search

    def _forget_updates(self, search: Search) -> None:
        """Option `search_updates`: what becomes of conditions on `date_updated` of activities."""
        if search.object_type.startswith("activity.") and self._options.search_updates != "honoured":
            if self._options.search_updates == "refused" and "date_updated" in search.ranges:
                raise Refused("query", "Unknown field 'date_updated'.")
            search.ranges.pop("date_updated", None)

    def _read_query(self, search: Search, node: Any) -> None:
        """Conditions are joined by `and`; an `or` of one member is an `and`."""
        if not isinstance(node, dict):
            raise Refused("query", "A query is an object with a type.")
        kind = node.get("type")
        if kind in LOGICAL:
            members = node.get("queries")
            if not isinstance(members, list) or (kind == "or" and len(members) > 1):
                raise Refused("query", f"This {kind!r} query is not supported here.")
            for member in members:
                self._read_query(search, member)
        elif kind == "object_type":
            search.object_type = str(node.get("object_type"))
        elif kind == "field_condition":
            name, (low, high) = _read_condition(node)
            before = search.ranges.get(name, (0, FOREVER))
            search.ranges[name] = (max(before[0], low), min(before[1], high))
        else:
            raise Refused("query", f"Unknown query type {kind!r}.")

    def _page(self, search: Search, body: dict[str, Any]) -> Response:
        options = self._options
        target = self._searchable[search.object_type]
        fields = self._fields(search.object_type, body.get("_fields"))
        view = target.collection.search_view(target.kinds)
        rows = _rows(view, search)
        counted = len(rows) + view.phantoms(options.phantoms, *search.ranges.get("date_updated", (0, FOREVER)))
        total = counted if not options.count_cap else min(counted, options.count_cap)
        served, after = self._resume(search, body.get("cursor"))
        allowed = min(search.limit, options.cursor_walk - served)
        if search.results_limit is not None:
            allowed = min(allowed, search.results_limit - served)
        keys = rows.take(served, after if options.search_cursor == "keyset" else None, max(0, allowed))
        numbers = [key & NUMBER_MASK for key in keys]
        projection = target.collection.shapes.projection(fields, search.object_type)
        if target.collection.index.is_behind:
            records = [target.collection.render(number, projection, searched=True) for number in numbers]
        else:
            records = target.collection.render_all(numbers, projection)
        rest: dict[str, Any] = {"cursor": self._next(search, rows, keys, served + len(keys))}
        if search.counts:
            limited = total if search.results_limit is None else min(total, search.results_limit)
            rest["count"] = {"total": total, "limited": min(limited, options.cursor_walk)}
        return Response(body=b'{"data":[' + b",".join(records) + b"]," + orjson.dumps(rest)[1:])

    def _fields(self, object_type: str, wanted: Any) -> frozenset[str]:
        names = wanted.get(object_type, []) if isinstance(wanted, dict) else []
        target = self._searchable[object_type]
        if self._options.strict_fields:
            unknown = sorted(set(names) - target.collection.shapes.names)
            if unknown:
                raise Refused("_fields", f"Unknown fields: {', '.join(unknown)}.")
        return frozenset(names) - {"_all"} if names else frozenset({"id"})

    def _resume(self, search: Search, cursor: Any) -> tuple[int, int | None]:
        """Rows served so far, and the last key; errors for expired, foreign and exhausted cursors."""
        if cursor is None:
            return 0, None
        try:
            content = orjson.loads(base64.urlsafe_b64decode(cursor))
            digest, issued = content["digest"], content["at"]
            served, after = int(content["served"]), int(content["after"])
        except (ValueError, TypeError, KeyError) as error:
            raise Refused("cursor", "Invalid cursor.") from error
        if digest != search.digest:
            raise Refused("cursor", "The cursor belongs to another query.")
        if time.time() - issued > self._options.cursor_seconds:
            raise Refused("cursor", "Expired cursor.")
        if served >= self._options.cursor_walk:
            raise Refused("cursor", f"A cursor cannot go beyond {self._options.cursor_walk} objects.")
        return served, after

    def _next(self, search: Search, rows: Rows, keys: list[int], served: int) -> str | None:
        options = self._options
        if not keys or not rows.take(served, keys[-1] if options.search_cursor == "keyset" else None, 1):
            return None
        if search.results_limit is not None and served >= search.results_limit:
            return None
        if options.early_null_cursor and served >= options.early_null_cursor:
            return None
        after = keys[-1]
        if options.tie_loss and len(search.sort) < 2:
            first = after >> (TIME_BITS + NUMBER_BITS)
            after = pack(first, 0, 0) if rows.backwards else pack(first, FOREVER, NUMBER_MASK)
        content = {"digest": search.digest, "at": time.time(), "served": served, "after": str(after)}
        return base64.urlsafe_b64encode(orjson.dumps(content)).decode()


def _rows(view: View, search: Search) -> Rows:
    """The rows of a search in its order; the common orders cost two bisections."""
    sort = search.sort or [("date_updated", True)]
    first, descending = sort[0]
    second = sort[1] if len(sort) > 1 else None
    others = {name: limits for name, limits in search.ranges.items() if name != first}
    indexed = second is None or (first == "date_updated" and second == ("date_created", descending))
    if indexed and not others:
        start, stop = view.span(first, *search.ranges.get(first, (0, FOREVER)))
        return Rows(view.keys(first), start, max(start, stop), descending)
    cache_key = ("search", tuple(sort), tuple(sorted(search.ranges.items())))
    keys = view.cached(cache_key, lambda: _sorted(view, search, sort))
    return Rows(keys, 0, len(keys))


def _sorted(view: View, search: Search, sort: list[tuple[Order, bool]]) -> list[int]:
    """Keys that sort ascending in the order of any search."""
    updated_low, updated_high = search.ranges.get("date_updated", (0, FOREVER))
    created_low, created_high = search.ranges.get("date_created", (0, FOREVER))
    start, stop = view.span("date_updated", updated_low, updated_high)
    keys = []
    for key in view.by_updated[start:stop]:
        dates: dict[str, int] = {
            "date_updated": key >> (TIME_BITS + NUMBER_BITS),
            "date_created": key >> NUMBER_BITS & FOREVER,
        }
        if created_low <= dates["date_created"] < created_high:
            parts = [FOREVER - dates[name] if descending else dates[name] for name, descending in sort]
            keys.append(pack(parts[0], parts[1] if len(parts) > 1 else 0, key & NUMBER_MASK))
    return sorted(keys)


def _read_sort(entry: Any) -> tuple[Order, bool]:
    try:
        name, direction = entry["field"]["field_name"], entry.get("direction", "asc")
    except (TypeError, KeyError, AttributeError) as error:
        raise Refused("sort", "A sort entry has a field and a direction.") from error
    if name not in ("date_updated", "date_created"):
        raise Refused("sort", f"Sorting by {name!r} is not supported.")
    if direction not in ("asc", "desc"):
        raise Refused("sort", f"Unknown direction {direction!r}.")
    return name, direction == "desc"


def _read_condition(node: dict[str, Any]) -> tuple[Order, tuple[int, int]]:
    subject, condition = node.get("field"), node.get("condition")
    if not isinstance(subject, dict) or not isinstance(condition, dict) or subject.get("type") != "regular_field":
        raise Refused("query", "A field condition has a regular field and a condition.")
    name = subject.get("field_name")
    if name not in ("date_updated", "date_created"):
        raise Refused("query", f"Unknown field {name!r}.")
    if condition.get("type") != "moment_range":
        raise Refused("query", f"Condition {condition.get('type')!r} does not fit {name!r}.")
    low, high = _moment(condition.get("on_or_after")), _moment(condition.get("before"))
    return name, (0 if low is None else low, FOREVER if high is None else high)


def _moment(moment: Any) -> int | None:
    """Milliseconds, rounded up: records lie on whole ones."""
    if moment is None:
        return None
    if not isinstance(moment, dict) or moment.get("type") != "fixed_utc":
        raise Refused("query", "Only moments of type fixed_utc are supported here.")
    text = str(moment.get("value"))
    try:
        us = parse_us(text)
    except ValueError as error:
        raise Refused("query", f"{text!r} is not a valid moment.") from error
    if "T" not in text:
        raise Refused("query", f"{text!r} is a date, not a moment.")
    return -(-us // 1000)


def _whole_number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused(name, "Not a whole number.")
    return value
