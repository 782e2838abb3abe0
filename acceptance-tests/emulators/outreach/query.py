"""Query strings of list requests: filters in both syntaxes, order, cursor paging and offset paging."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson

from emulators.moments import parse_ms
from emulators.outreach.account import NULL_MS
from emulators.outreach.fields import NAMELESS
from emulators.outreach.resources import Resource
from emulators.outreach.settings import OutreachOptions
from emulators.records import FOREVER

PAGE_DEFAULT = 50
LARGEST_OFFSET = 10_000
KNOWN = ("count", "sort", "include", "newFilterSyntax", "provideDataConnections", "provideAuthorizationMeta")


class BadQuery(ValueError):
    """A parameter that is refused, with 422 where nothing else is said."""

    def __init__(self, text: str, status: int = 422) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Query:
    """One list request. `low` and `high` are half-open milliseconds on the attribute `ranged`."""

    size: int
    sort: str = ""
    descending: bool = False
    ranged: str = ""
    low: int = 0
    high: int = FOREVER
    after: tuple[int, int] | None = None
    offset: int | None = None
    count: bool = False
    fields: frozenset[str] | None = None
    """The fieldset, if one was given."""
    connections: bool = False
    params: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str, resource: Resource, options: OutreachOptions, names: frozenset[str]) -> Query:
    """`BadQuery` for what the documentation does not allow. `names`: those that a fieldset may have."""
    params = parse_qsl(text, keep_blank_values=True)
    given = dict(params)
    if "page[size]" in given:
        query = Query(_size(given["page[size]"], options))
    else:
        query = Query(
            _size(given.get("page[limit]", str(PAGE_DEFAULT)), options), offset=int(given.get("page[offset]", 0))
        )
        if query.offset is not None and query.offset > LARGEST_OFFSET:
            raise BadQuery("page[offset] is larger than 10000")
    query.params = params
    query.count = given.get("count") == "true"
    if "page[after]" in given:
        query.after = read_cursor(given["page[after]"])
    query.fields = fieldset(given, resource, options, names)
    query.connections = wants_connections(given, options)
    _sort(query, given.get("sort", ""), resource)
    new_syntax = given.get("newFilterSyntax") == "true"
    for name, value in params:
        if name.startswith("filter["):
            _filter(query, name, value, resource, options, new_syntax=new_syntax)
        elif not name.startswith(("page[", "fields[")) and name not in KNOWN:
            raise BadQuery(f"unknown parameter {name}")
    return query


def fieldset(
    given: Mapping[str, str], resource: Resource, options: OutreachOptions, names: frozenset[str]
) -> frozenset[str] | None:
    """What `fields[type]` names of this resource; those of other types say nothing about it."""
    text = given.get(f"fields[{resource.type}]")
    if text is None or not options.sparse_fields:
        return None
    wanted = frozenset(text.split(","))
    unknown = sorted(wanted - names - NAMELESS - {""})
    if unknown and options.unknown_fields:
        raise BadQuery(f"'{unknown[0]}' is not a valid field of '{resource.type}'.", options.unknown_fields)
    return wanted


def wants_connections(given: Mapping[str, str], options: OutreachOptions) -> bool:
    """Whether `provideDataConnections` asks for links to the CRM."""
    if "provideDataConnections" in given and options.data_connections == "refused":
        raise BadQuery("'provideDataConnections' is not a valid parameter.", 400)
    return given.get("provideDataConnections") == "true"


def _size(text: str, options: OutreachOptions) -> int:
    if not text.isdigit() or int(text) < 1:
        raise BadQuery("page[size] must be a positive number")
    if int(text) > options.largest_page and not options.clamp_page:
        raise BadQuery(f"page[size] must not be larger than {options.largest_page}")
    return min(int(text), options.largest_page)


def _sort(query: Query, text: str, resource: Resource) -> None:
    query.sort, query.descending = text.removeprefix("-"), text.startswith("-")
    if query.sort in ("", "id"):
        return
    attribute = resource.attribute(query.sort)
    if attribute is None or not attribute.sortable or attribute.kind != "d":
        raise BadQuery(f"{query.sort} is not sortable")


def _filter(
    query: Query, name: str, value: str, resource: Resource, options: OutreachOptions, *, new_syntax: bool
) -> None:
    keys = name.removeprefix("filter[").removesuffix("]").split("][")
    attribute = resource.attribute(keys[0])
    if attribute is None or not attribute.filterable or attribute.kind != "d":
        if options.ignore_filters:
            return
        raise BadQuery(f"{keys[0]} is not filterable")
    if options.ignore_ranges:
        return
    query.ranged = keys[0]
    query.high = min(query.high, NULL_MS)
    if value == "__null__" and options.null_filter:
        query.low, query.high = NULL_MS, NULL_MS + 1
        return
    if value == "__notnull__" and options.null_filter:
        return
    if new_syntax and len(keys) == 2:
        low, high = (value, "inf") if keys[1] == "gte" else ("neginf", value)
        if keys[1] not in ("gte", "lte"):
            raise BadQuery(f"unknown operator {keys[1]}")
    elif ".." in value and len(keys) == 1:
        low, _, high = value.partition("..")
    else:
        low = high = value
    try:
        if low != "neginf":
            query.low = max(query.low, parse_ms(low))
        if high != "inf":
            query.high = min(query.high, parse_ms(high) + 1)
    except ValueError as error:
        raise BadQuery(f"{keys[0]} is not a time") from error


def write_cursor(resource: Resource, sort: str, value: bytes, number: int) -> str:
    """Opaque to clients; in truth the last row's sort value and number."""
    content = {"cn": f"ApiV2::{resource.plural}Controller", "sp": sort, "sv": [value.decode()], "id": number, "v": 1}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def read_cursor(text: str) -> tuple[int, int]:
    """(milliseconds, number)."""
    try:
        content = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return parse_ms(content["sv"][0]), int(content["id"])
    except (ValueError, KeyError, binascii.Error) as error:
        raise BadQuery("page[after] is not a cursor") from error
