"""Pages of a collection: a keyset on (sort value, id), counts, links."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from urllib.parse import urlencode

from emulators.messages import Request, Response, json_response
from emulators.outreach.account import Table, instant
from emulators.outreach.query import BadQuery, Query, parse, write_cursor
from emulators.outreach.settings import OutreachOptions
from emulators.records import FOREVER, NUMBER_BITS, NUMBER_MASK, TIME_BITS, Order, View, pack

MEDIA_TYPE = b"application/vnd.api+json"
VENDOR = "https://api.outreach.io"


def problem(status: int, name: str, title: str, detail: str) -> Response:
    """An error of JSON:API; the 415 spells `details`."""
    key = "details" if status == 415 else "detail"
    response = json_response({"errors": [{"id": name, "title": title, key: detail}]}, status)
    response.content_type = MEDIA_TYPE
    return response


def refusal(error: BadQuery) -> Response:
    """The answer to a parameter that is not allowed."""
    return problem(error.status, "validationError", "Validation Error", str(error))


def answer(table: Table, request: Request, options: OutreachOptions) -> Response:
    """One page."""
    try:
        query = parse(request.query, table.resource, options, table.names)
    except BadQuery as error:
        return refusal(error)
    is_heavy = not options.heavy_streams or table.resource.stream in options.heavy_streams
    if options.heavy_above and is_heavy and query.size > options.heavy_above:
        return Response(options.heavy_status, b"<html><head><title>Bad Gateway</title></head></html>", b"text/html")
    order: Order = "date_updated" if query.sort == "updatedAt" else "date_created"
    view = table.records.search_view()
    keys, first, last, bound = _rows(view, table, query, order, options)
    chosen = keys[first:last]
    has_more = last < bound if not query.descending else first > bound
    if query.descending:
        chosen = chosen[::-1]
    body = b'{"data":[' + b",".join(_rendered(table, chosen, query)) + b'],"meta":' + _meta(view, query, order, options)
    if chosen:
        body += b',"links":' + _links(table, request, query, chosen[-1], order, has_more=has_more, options=options)
    return Response(200, body + b"}", MEDIA_TYPE)


def _rows(
    view: View, table: Table, query: Query, order: Order, options: OutreachOptions
) -> tuple[list[int], int, int, int]:
    """The keys, the bounds of the page in them, and where the rows of the query end in its direction."""
    keys = view.keys(order)
    start, stop = 0, len(keys)
    if query.ranged:
        ranged: Order = "date_updated" if query.ranged == "updatedAt" else "date_created"
        if options.shown_ranges and options.disorder_seconds:
            keys = [key for key in keys if query.low <= _shown_ms(table, key) < query.high]
            start, stop = 0, len(keys)
        elif ranged != order:
            low, high = view.span(ranged, query.low, query.high)
            numbers = {key & NUMBER_MASK for key in view.keys(ranged)[low:high]}
            keys = [key for key in keys if key & NUMBER_MASK in numbers]
            start, stop = 0, len(keys)
        else:
            start, stop = view.span(order, query.low, query.high)
            if query.high < 1 << (TIME_BITS - 1):
                stop = min(len(keys), stop + options.beyond_bound)
    if query.offset is not None:
        start += query.offset
    if query.after is not None:
        key = _key(table, order, *query.after)
        if query.descending:
            stop = min(stop, bisect_left(keys, key))
        else:
            start = max(start, bisect_right(keys, key))
    if query.descending:
        return keys, max(start, stop - query.size), stop, start
    return keys, start, min(stop, start + query.size), stop


def _shown_ms(table: Table, key: int) -> int:
    number = key & NUMBER_MASK
    return (key >> (NUMBER_BITS + TIME_BITS)) - table.jitter(number, table.records.revisions.get(number, 0))


def _key(table: Table, order: Order, ms: int, number: int) -> int:
    created = table.records.created[number] if number < len(table.records.created) else 0
    return pack(ms, created, number) if order == "date_updated" else pack(ms, 0, number)


def _rendered(table: Table, keys: list[int], query: Query) -> list[bytes]:
    records, projection = table.records, table.projection(query.fields, connections=query.connections)
    numbers = [key & NUMBER_MASK for key in keys]
    if records.index.is_behind:
        return [records.render(number, projection, searched=True) for number in numbers]
    return records.render_all(numbers, projection)


def _meta(view: View, query: Query, order: Order, options: OutreachOptions) -> bytes:
    if not query.count or options.count_mode == "none":
        return b'{"count":null,"count_truncated":false}'
    if options.count_mode == "truncated":
        return b'{"count":0,"count_truncated":true}'
    ranged: Order = "date_updated" if query.ranged == "updatedAt" else "date_created"
    low, high = view.span(ranged, query.low, query.high) if query.ranged else (0, len(view.keys(order)))
    span = (query.low, query.high) if query.ranged == "updatedAt" else (0, FOREVER)
    count = max(0, high - low) + view.phantoms(options.phantoms, *span)
    return b'{"count":%d,"count_truncated":%s}' % (
        min(count, options.count_cap),
        b"true" if count > options.count_cap else b"false",
    )


def _links(
    table: Table, request: Request, query: Query, last: int, order: Order, *, has_more: bool, options: OutreachOptions
) -> bytes:
    origin = VENDOR if options.vendor_links else f"http://{request.headers.get('host', '')}"
    base = f"{origin}{request.path}"
    kept = [
        (name, value) for name, value in query.params if name not in ("page[after]", "page[before]", "page[offset]")
    ]
    first = f'"first":"{base}?{urlencode(kept)}"'
    if not has_more:
        return f"{{{first}}}".encode()
    if query.offset is not None:
        following = [*kept, ("page[offset]", str(query.offset + query.size))]
    else:
        moment = last >> (NUMBER_BITS + TIME_BITS)
        cursor = write_cursor(table.resource, query.sort or "id", instant(moment), last & NUMBER_MASK)
        following = [*kept, ("page[after]", cursor)]
    return f'{{{first},"next":"{base}?{urlencode(following)}"}}'.encode()
