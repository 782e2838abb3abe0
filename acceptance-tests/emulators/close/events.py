"""The event log: 30 days, newest `date_updated` first, naive timestamps, events that move by consolidation."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

import orjson

from emulators.close.activities import OBJECT_TYPES
from emulators.close.activities import PATTERN as ACTIVITY_PATTERN
from emulators.close.identity import ORGANIZATION_ID, user_id
from emulators.close.leads import LEAD_IDS
from emulators.close.settings import CloseOptions
from emulators.close.tasks import PATTERN as TASK_PATTERN
from emulators.messages import Request, Response, error_response, json_response
from emulators.moments import DAY_MS, bound, naive, now_ms
from emulators.recorded import Owned, Recorded, owning
from emulators.records import FOREVER, NUMBER_MASK, Collection, Ids
from emulators.templates import Shape, Shapes, Values

RETENTION_MS = 30 * DAY_MS
OWNED = Owned(("id", "date_created", "date_updated"))
LARGEST_PAGE = 50
EVENT_IDS = Ids("ev_")
SLOTS = (
    "key",
    "number",
    "created",
    "updated",
    "object_key",
    "lead_key",
    "revision",
    "previous",
    "user_id",
    "other_key",
)
PREFIXES = {
    "lead": "lead_", "contact": "cont_", "opportunity": "oppo_", "task": "task_", "activity": "acti_",
    "custom_object": "co_",
}  # fmt: skip
Kind = tuple[str, str]
"""(object_type, action)"""

SEEDED: tuple[Kind, ...] = (
    ("lead", "updated"), ("activity.note", "created"), ("lead", "created"), ("task.lead", "updated"),
    ("activity.call", "updated"), ("lead", "updated"), ("opportunity", "updated"), ("activity.email", "sent"),
    ("lead", "deleted"), ("contact", "updated"),
)  # fmt: skip
"""What the events of the start are about, in turn."""

LIVE: tuple[Kind, ...] = (
    ("lead", "merged"),
    *(
        (object_type, action)
        for object_type in (
            "lead",
            "contact",
            "opportunity",
            "custom_object",
            *(f"task.{kind}" for kind in sorted(set(TASK_PATTERN))),
            *(f"activity.{name}" for name in sorted(OBJECT_TYPES.values())),
        )
        for action in ("created", "updated", "deleted")
    ),
)
"""What touching records can add."""

GONE_NUMBERS = 1_000_000
"""Leads that were deleted before the start have numbers from there on: no list shows them."""

FILTERS = ("object_type", "object_id", "action", "lead_id", "user_id", "request_id")
COMBINATIONS = [
    frozenset(names.split())
    for names in (
        "", "object_type", "object_id", "object_type object_id", "object_type action", "object_id action", "lead_id",
        "lead_id object_type", "lead_id object_type action", "user_id", "user_id lead_id", "user_id object_type",
        "user_id object_type action", "user_id object_id", "user_id object_id action",
        "lead_id user_id object_type", "lead_id user_id object_type action", "request_id",
    )
]  # fmt: skip
"""The combinations of filters that Close documents (`object_type` or `object_id` alone are inferred); no others."""


@dataclass(slots=True)
class Subject:
    """The object that an event is about; `other`: the lead that a merge took away."""

    object_number: int
    lead_number: int
    revision: int
    user: int
    other: int = 0


class EventLog:
    """Events of the start (in the shapes of live ones, where there are some), and those that touching records adds."""

    def __init__(self, options: CloseOptions, recorded: Recorded) -> None:
        self._options = options
        self._began_ms = now_ms()
        events = recorded.of("event_log")
        seeded = [(event["object_type"], event["action"]) for event in events] or list(SEEDED)
        self._seeded, self._kinds = len(seeded), (*seeded, *LIVE)
        self._live: dict[int, Subject] = {}
        self._last: dict[tuple[str, int], int] = {}
        made = [_shape(kind) for kind in SEEDED]
        seeded_shapes = [owning(event, made[0], OWNED) for event in events] or made
        shapes = [*seeded_shapes, *(_shape(kind) for kind in LIVE)]
        bare = [{name: value for name, value in shape.items() if "data" not in name} for shape in map(dict, shapes)]
        for small, shape in zip(bare, shapes, strict=True):
            small |= {name: shape[name] for name in ("date_created", "date_updated")}
        self.collection = Collection("event_log", EVENT_IDS, Shapes(shapes, SLOTS), self._values)
        self.collection.pattern = self._seeded
        self.collection.kind_of = lambda number: " ".join(self.kind(number))
        self._without_data = Shapes(bare, SLOTS).projection(None)

    def kind(self, number: int) -> Kind:
        """What an event is about."""
        return self._kinds[self.collection.variants.get(number, number % self._seeded)]

    def record(self, kind: Kind, subject: Subject, now: int) -> int:
        """Log a change; an edit that closely follows another of the same object moves that event instead."""
        same = (kind[0], subject.object_number)
        last = self._last.get(same)
        span = self._options.consolidate_seconds * 1000
        if kind[1] == "updated" and last is not None and now - self.collection.updated[last] < span:
            self._live[last].revision = subject.revision
            self.collection.update(last, now)
            return last
        number = len(self.collection.created)
        self._live[number] = subject
        self.collection.variants[number] = self._seeded + LIVE.index(kind)
        self.collection.create(now)
        if kind[1] == "updated":
            self._last[same] = number
        else:
            self._last.pop(same, None)
        return number

    def truth_numbers(self) -> list[int]:
        """Events that can be read now."""
        view = self.collection.view()
        start, stop = view.span("date_updated", now_ms() - RETENTION_MS, FOREVER)
        return [key & NUMBER_MASK for key in view.by_updated[start:stop]]

    def render(self, numbers: list[int]) -> list[bytes]:
        """Events as JSON; for non-admins (option `event_data_hours`) older ones come without their data: older when the
        account began, so that a read and the truth that is asked for after it show the same."""
        collection = self.collection
        complete = collection.shapes.projection(None)
        hours = self._options.event_data_hours
        if not hours:
            return collection.render_all(numbers, complete)
        limit = self._began_ms - hours * 3_600_000
        return [
            collection.render(n, complete if collection.created[n] > limit else self._without_data) for n in numbers
        ]

    def answer(self, request: Request, values: dict[str, str]) -> Response:
        """`GET /event/`."""
        params = request.params
        used = frozenset(name for name in FILTERS if params.get(name))
        if used not in COMBINATIONS or (used == {"object_type"} and not self._options.event_type_alone):
            return error_response(400, f"Filtering by {', '.join(sorted(used))} together is not supported.")
        try:
            limit = min(int(params.get("_limit", LARGEST_PAGE)), LARGEST_PAGE)
            cursor = _read_cursor(params["_cursor"]) if params.get("_cursor") else None
            low, high = (cursor["low"], cursor["high"]) if cursor else _range(params)
        except ValueError as error:
            return error_response(400, f"{error}.")
        if limit < 1:
            return error_response(400, "The limit must be positive.")
        keys, start, stop = self._matching(params, used, max(low, now_ms() - RETENTION_MS), high)
        page, older, newer = _page(keys, start, stop, limit, cursor)
        answer = {
            "data": b"[" + b",".join(self.render([key & NUMBER_MASK for key in page])) + b"]",
            "cursor_next": _cursor(page[-1], "next", low, high) if page and older else None,
            "cursor_previous": _cursor(page[0], "previous", low, high) if page and newer else None,
        }
        data = answer.pop("data")
        assert isinstance(data, bytes)
        rest = orjson.dumps(answer)
        return Response(body=b'{"data":' + data + b"," + rest[1:])

    def one(self, request: Request, values: dict[str, str]) -> Response:
        """`GET /event/{id}/`."""
        number = EVENT_IDS.number(values["id"])
        if number is None or number not in self.truth_numbers():
            return json_response({"error": "Empty query: Document does not exist."}, 404)
        return Response(body=self.render([number])[0])

    def _matching(
        self, params: dict[str, str], used: frozenset[str], low: int, high: int
    ) -> tuple[list[int], int, int]:
        """The events that fit, oldest first: sorted keys, and where among them the range begins and ends."""
        kinds: frozenset[str] | None = None
        if used & {"object_type", "action"}:
            wanted = (params.get("object_type"), params.get("action"))
            kinds = frozenset(
                kind
                for kind in map(" ".join, self._kinds)
                if all(want in (None, "", part) for want, part in zip(wanted, kind.split(" "), strict=True))
            )
        view = self.collection.view(kinds)
        start, stop = view.span("date_updated", low, high)
        exact = {name: params[name] for name in ("object_id", "lead_id", "user_id", "request_id") if name in used}
        if not exact:
            return view.by_updated, start, max(start, stop)
        keys = view.by_updated[start:stop]
        keys = [key for key in keys if all(self._has(key & NUMBER_MASK, name, text) for name, text in exact.items())]
        return keys, 0, len(keys)

    def _has(self, number: int, name: str, text: str) -> bool:
        subject = self._subject(number)
        if name == "user_id":
            return user_id(subject.user) == text
        if name == "lead_id":
            return LEAD_IDS.number(text) == subject.lead_number
        if name == "request_id":
            return text == f"req_{number}"
        prefix = PREFIXES.get(self.kind(number)[0].partition(".")[0])
        return prefix is not None and Ids(prefix).number(text) == subject.object_number

    def _subject(self, number: int) -> Subject:
        live = self._live.get(number)
        if live is not None:
            return live
        options = self._options
        lead = number * 17 % max(1, options.leads)
        if self.kind(number)[1] == "deleted":
            lead += GONE_NUMBERS
        resource, _, kind = self.kind(number)[0].partition(".")
        user = number % max(1, options.users)
        if resource == "activity":
            name = next(name for name, spelled in OBJECT_TYPES.items() if spelled == kind)
            return Subject(_nth(ACTIVITY_PATTERN, name, number, options.activities), lead, number % 7, user)
        if resource == "task":
            return Subject(_nth(TASK_PATTERN, kind, number, options.tasks), lead, number % 7, user)
        return Subject(lead, lead, number % 7, user)

    def _values(self, number: int, created: int, updated: int, revision: int) -> Values:
        subject = self._subject(number)
        factor, modulus = Ids.FACTOR, Ids.MODULUS
        return (
            b"%012d" % (number * factor % modulus),
            b"%d" % number,
            naive(created),
            naive(updated),
            b"%012d" % (subject.object_number * factor % modulus),
            b"%012d" % (subject.lead_number * factor % modulus),
            b"%d" % subject.revision,
            b"%d" % max(0, subject.revision - 1),
            user_id(subject.user).encode(),
            b"%012d" % (subject.other * factor % modulus),
        )


def _nth(pattern: tuple[str, ...], name: str, number: int, size: int) -> int:
    """A record of type `name` in a collection that cycles through `pattern`."""
    return pattern.index(name) + len(pattern) * (number % max(1, size // len(pattern)))


def _range(params: dict[str, str]) -> tuple[int, int]:
    low, high = 0, FOREVER
    for operator in ("gt", "gte", "lt", "lte"):
        text = params.get(f"date_updated__{operator}")
        if text:
            from_ms, before_ms = bound(operator, text)
            low = max(low, from_ms or 0)
            high = min(high, before_ms if before_ms is not None else FOREVER)
    return low, high


def _page(
    keys: list[int], start: int, stop: int, limit: int, cursor: dict[str, Any] | None
) -> tuple[list[int], bool, bool]:
    """The keys of a page, newest first; whether there are older, and newer ones."""
    if cursor is not None and cursor["way"] == "previous":
        first = max(start, bisect_right(keys, cursor["key"]))
        last = min(stop, first + limit)
        return keys[first:last][::-1], first > start, last < stop
    last = stop if cursor is None else min(stop, bisect_left(keys, cursor["key"]))
    first = max(start, last - limit)
    return keys[first:last][::-1], first > start, last < stop


def _cursor(key: int, way: str, low: int, high: int) -> str:
    content = {"key": str(key), "way": way, "low": low, "high": high}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode()


def _read_cursor(text: str) -> dict[str, Any]:
    try:
        content = orjson.loads(base64.urlsafe_b64decode(text))
        return content | {"key": int(content["key"])}  # type: ignore[no-any-return] # orjson returns Any
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("Invalid cursor") from error


def _shape(kind: Kind) -> Shape:
    object_type, action = kind
    prefix = PREFIXES[object_type.partition(".")[0]]
    object_id = f"{prefix}@@object_key@@{EVENT_IDS.tail}"
    data = {
        "id": object_id,
        "organization_id": ORGANIZATION_ID,
        "lead_id": f"lead_@@lead_key@@{EVENT_IDS.tail}",
        "description": "Revision @@revision@@",
        "status_label": "Qualified",
        "date_created": "@@created@@",
        "date_updated": "@@updated@@",
    }
    shape: Shape = {
        "id": f"ev_@@key@@{EVENT_IDS.tail}",
        "date_created": "@@created@@",
        "date_updated": "@@updated@@",
        "organization_id": ORGANIZATION_ID,
        "user_id": "@@user_id@@",
        "api_key_id": None,
        "oauth_client_id": None,
        "oauth_scope": None,
        "request_id": "req_@@number@@",
        "object_type": object_type,
        "object_id": object_id,
        "lead_id": f"lead_@@lead_key@@{EVENT_IDS.tail}",
        "action": action,
        "changed_fields": ["description", "date_updated"] if action == "updated" else [],
        "meta": {"request_path": "/api/v1/lead/", "request_method": "PUT"},
        "data": None if action == "deleted" else data,
        "previous_data": {"description": "Revision @@previous@@"} if action == "updated" else {},
    }
    if action == "merged":
        shape["meta"] |= {
            "merge_source_lead_id": f"lead_@@other_key@@{EVENT_IDS.tail}",
            "merge_destination_lead_id": object_id,
        }
    if action == "deleted":
        shape |= {"data": {}, "previous_data": data}
    return shape
