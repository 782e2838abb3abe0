"""Offset-paged lists: `_limit`, `_skip`, `_fields`, `has_more`, date filters, and silence about anything unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from emulators.close.settings import CloseOptions
from emulators.messages import Request, Response, error_response, json_response
from emulators.moments import bound
from emulators.records import FOREVER, NUMBER_MASK, Collection, Order, Ranges, View

DEFAULT_LIMIT = 100
OPERATORS = ("gt", "gte", "lt", "lte")


class BadParameter(ValueError):
    """A parameter that Close refuses with 400; with a name in the newer form, which has field errors."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name

    def response(self) -> Response:
        """As the server words it."""
        if not self.name:
            return error_response(400, str(self))
        return json_response({"errors": [], "field-errors": {self.name: str(self)}}, 400)


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that a request asks for."""

    limit: int
    skip: int
    fields: frozenset[str] | None


def read_page(params: dict[str, str], largest: int, options: CloseOptions) -> Page:
    """`_limit`, `_skip` and `_fields`; `BadParameter` as the server words it."""
    limit, skip = _number(params, "_limit", DEFAULT_LIMIT), _number(params, "_skip", 0)
    if limit > largest:
        raise BadParameter(too_large("limit", largest, options), "_limit" * options.newer_caps)
    if skip > options.maximum_skip:
        hint = "" if options.newer_caps else " Please refine your search query."
        raise BadParameter(too_large("skip", options.maximum_skip, options) + hint, "_skip" * options.newer_caps)
    names = params.get("_fields")
    return Page(limit, skip, frozenset(names.split(",")) if names else None)


def too_large(name: str, largest: int, options: CloseOptions) -> str:
    """The refusal of a cap, in the older or the newer wording."""
    if options.newer_caps:
        return f"Input should be less than or equal to {largest}"
    return f"The {name} you set is larger than the maximum {name} for this resource (max_{name} = {largest})."


def read_ranges(params: dict[str, str], names: Sequence[Order]) -> Ranges:
    """The date filters of these fields; `BadParameter` for a date that cannot be read."""
    ranges: Ranges = {}
    for name in names:
        low, high = 0, FOREVER
        for operator in OPERATORS:
            text = params.get(f"{name}__{operator}")
            if text:
                try:
                    from_ms, before_ms = bound(operator, text)
                except ValueError as error:
                    raise BadParameter(f"{error}.") from error
                low = max(low, from_ms or 0)
                high = min(high, FOREVER if before_ms is None else before_ms)
        if (low, high) != (0, FOREVER):
            ranges[name] = (low, high)
    return ranges


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records a list shows, and in which order."""

    view: View
    ranges: Ranges
    order: Order = "date_created"
    descending: bool = True
    also: Callable[[int], bool] | None = None
    also_key: object = None
    """What tells two `also` apart."""
    sort_key: Callable[[int], Any] | None = None
    """Another order than by a date."""
    searched: bool = False
    """Records are as the search index knows them."""

    def page(self, collection: Collection, page: Page) -> tuple[list[int], int]:
        """The numbers of the page, and how many records there are in all."""
        others = [name for name in self.ranges if name != self.order]
        if not others and self.also is None and self.sort_key is None:
            start, stop = self.view.span(self.order, *self.ranges.get(self.order, (0, FOREVER)))
            keys, total = self.view.keys(self.order), max(0, stop - start)
            if self.descending:
                end = max(start, stop - page.skip)
                part = keys[max(start, end - page.limit) : end][::-1]
            else:
                begin = start + page.skip
                part = keys[begin : max(begin, min(stop, begin + page.limit))]
            return [key & NUMBER_MASK for key in part], total
        ranges = tuple(sorted(self.ranges.items()))
        cache_key = (self.order, self.descending, ranges, self.also_key, bool(self.sort_key))
        numbers = self.view.cached(cache_key, lambda: self._all(collection))
        return numbers[page.skip : page.skip + page.limit], len(numbers)

    def _all(self, collection: Collection) -> list[int]:
        """Every number, in order: the narrower of the date ranges first, the other conditions one by one."""
        spans = {name: self.view.span(name, *limits) for name, limits in self.ranges.items()}
        spans.setdefault(self.order, (0, len(self.view.keys(self.order))))
        narrowest = min(spans, key=lambda name: spans[name][1] - spans[name][0])
        start, stop = spans[narrowest]
        numbers = [key & NUMBER_MASK for key in self.view.keys(narrowest)[start:stop]]
        updated = collection.updated_as_searched if self.searched else collection.updated.__getitem__
        dates: dict[Order, Callable[[int], int]] = {
            "date_created": collection.created.__getitem__,
            "date_updated": updated,
        }
        for name, (low, high) in self.ranges.items():
            if name != narrowest:
                numbers = [number for number in numbers if low <= dates[name](number) < high]
        if self.also is not None:
            numbers = [number for number in numbers if self.also(number)]
        if self.sort_key is not None:
            return sorted(numbers, key=self.sort_key, reverse=self.descending)
        if narrowest != self.order:
            date = dates[self.order]
            numbers.sort(key=lambda number: (date(number), number))
        return numbers[::-1] if self.descending else numbers


def filtered(
    collection: Collection, kinds: frozenset[str] | None, ranges: Ranges, options: CloseOptions
) -> tuple[View, bool]:
    """The view of a list, and whether it is the index's: option `late_seconds` holds for lists filtered by a date."""
    if ranges and options.late_seconds and collection.index.is_behind:
        return collection.search_view(kinds), True
    return collection.view(kinds), False


def numbers_in(text: str | None, collection: Collection) -> frozenset[int] | None:
    """The records that `id__in` names; None where it names none."""
    found = (collection.ids.number(name) for name in text.split(",")) if text else None
    return None if found is None else frozenset(number for number in found if number is not None)


def list_response(collection: Collection, selection: Selection, page: Page, *, total: bool = False) -> Response:
    """The envelope `{"data": [...], "has_more": ..., "total_results": ...}`."""
    numbers, available = selection.page(collection, page)
    projection = collection.shapes.projection(page.fields)
    if selection.searched:
        records = [collection.render(number, projection, searched=True) for number in numbers]
    else:
        records = collection.render_all(numbers, projection)
    rest: dict[str, Any] = {"has_more": page.skip + len(numbers) < available and page.limit > 0}
    if total:
        rest["total_results"] = available
    return Response(body=b'{"data":[' + b",".join(records) + b"]," + orjson.dumps(rest)[1:])


def small_list(records: Sequence[dict[str, Any]], request: Request, largest: int, options: CloseOptions) -> Response:
    """The same for a resource of few records."""
    try:
        page = read_page(request.params, largest, options)
    except BadParameter as error:
        return error.response()
    part = [_only(record, page.fields) for record in records[page.skip : page.skip + page.limit]]
    return Response(body=orjson.dumps({"data": part, "has_more": page.skip + len(part) < len(records)}))


def one_response(collection: Collection, identifier: str, request: Request) -> Response:
    """A single record, or 404."""
    number = collection.ids.number(identifier)
    if number is None or not collection.alive(number):
        return error_response(404, "Empty query: Document does not exist.")
    names = request.params.get("_fields")
    projection = collection.shapes.projection(frozenset(names.split(",")) if names else None)
    return Response(body=collection.render(number, projection))


def _only(record: dict[str, Any], fields: frozenset[str] | None) -> dict[str, Any]:
    if fields is None or "_all" in fields:
        return record
    return {name: value for name, value in record.items() if name in fields}


def _number(params: dict[str, str], name: str, default: int) -> int:
    text = params.get(name)
    if text is None or text == "":
        return default
    if not text.isdigit():
        raise BadParameter(f"{name} must be a non-negative integer.")
    return int(text)
