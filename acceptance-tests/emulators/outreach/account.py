"""The data of the emulated account, and how it changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from emulators.density import density
from emulators.late import IndexLateByChance
from emulators.moments import DAY_MS, naive, now_ms, parse_ms
from emulators.outreach.fields import connected, cut, names_of
from emulators.outreach.resources import BY_ID_ONLY, UNLISTED, Resource, custom_objects, resources
from emulators.outreach.settings import OutreachOptions
from emulators.outreach.shapes import SLOTS, flat, id_text, shapes_of
from emulators.recorded import Owned, Recorded
from emulators.records import Collection, Ids, Order
from emulators.templates import Projection, Shape, Shapes, Values

# Longer ago than a reader may look back: what its state says then depends on the data alone, not on the clock.
SEED_ENDS_BEFORE_MS = 7 * 3_600_000
SECOND_MS = 1000
IMPORTS = 3
CACHED_PROJECTIONS = 64
OWNED = Owned(("id", "attributes.createdAt", "attributes.updatedAt", "links.self"))
"""What recorded records take from made ones: those of a sparse fieldset lack a time that they are read by."""


# Where records without an updatedAt are in the index: last, as in PostgreSQL, and so first in descending order.
NULL_MS = 4_102_444_800_000


def instant(ms: int) -> bytes:
    """`2024-07-26T06:27:17.000Z`: whole seconds in the form of milliseconds."""
    return naive(ms - ms % SECOND_MS) + b".000Z"


def variant_of(resource: Resource, options: OutreachOptions) -> Resource:
    """The resource with its relationships of unknown form as the option `entities` wants them."""
    if options.entities not in ("many", "one"):
        raise ValueError("Option entities is many or one.")
    if options.entities == "many":
        return resource
    relationships = tuple(
        replace(each, how="unknown one") if each.how == "unknown" else each for each in resource.relationships
    )
    return replace(resource, relationships=relationships)


class Table:
    """The records of one resource. Its index may differ from what the records say (option `disorder_seconds`)."""

    def __init__(
        self,
        resource: Resource,
        size: int,
        options: OutreachOptions,
        chance: random.Random,
        recorded: Recorded,
        clock: Callable[[], int],
    ) -> None:
        self.resource = resource = variant_of(resource, options)
        self._options = options
        self._others = max(1, options.others)
        self._spread = options.disorder_seconds * SECOND_MS
        self.order: Order = "date_updated" if resource.order in (None, "updatedAt") else "date_created"
        made = shapes_of(resource)
        shapes = recorded.instead(made, [resource.stream] * len(made), OWNED)
        self._shapes = shapes
        self.names = names_of(resource, shapes)
        self._projections: dict[object, Projection] = {}
        self.records = Collection(resource.plural, Ids(resource.type), Shapes(shapes, SLOTS), self._values)
        self.records.index = IndexLateByChance(random.Random(options.seed + size), clock)
        times = _times(size, options, chance, clock())
        without = min(size, options.timeless) if self.order == "date_updated" else 0
        self.records.fill([*times[: size - without], *((created, NULL_MS) for created, _ in times[size - without :])])

    def jitter(self, number: int, revision: int) -> int:
        """How much later than its updatedAt a record is indexed."""
        if not self._spread or revision or number % 9:
            return 0
        return self._spread if number % 18 else -self._spread

    def _values(self, number: int, created: int, updated: int, revision: int) -> Values:
        shown = self.jitter(number, revision)
        others = self._others
        return (
            (key := id_text(self.resource, number).encode()),
            key.strip(b'"'),
            instant(created - (shown if self.order == "date_created" else 0)),
            b"null"
            if updated == NULL_MS
            else b'"%b"' % instant(updated - (shown if self.order == "date_updated" else 0)),
            b"%d" % revision,
            b"%d" % (number * 7 % others + 1),
            b"%d" % (number * 13 % others + 1),
            b"%d" % (number * 29 % others + 1),
        )

    def projection(self, wanted: frozenset[str] | None = None, *, connections: bool = False) -> Projection:
        """Records as they are answered, with the fields of a fieldset, and with links to the CRM if asked for."""
        given = connections and self.resource.connections and self._options.data_connections == "given"
        return self._projection((wanted, given), lambda shape: cut(shape, self.resource, wanted, connections=given))

    def truth(self, *, all_fields: bool = False) -> Iterator[bytes]:
        """Every record, flat, with the hidden attributes: whoever reads every column names them.

        `all_fields`: with those, too, that no schema lists.
        """
        names = self.names if all_fields else self.names - UNLISTED.get(self.resource.plural, frozenset())
        wanted = names if self._options.sparse_fields else None
        records, projection = self.records, self._projection(("flat", wanted), lambda each: self._flat(each, wanted))
        return (records.render(number, projection) for number in records.numbers())

    def _flat(self, shape: Shape, named: frozenset[str] | None) -> Shape:
        answered = cut(shape, self.resource, named, connections=True)
        record = flat(answered, self.resource)
        if not self.resource.connections:
            return record
        return record | {"dataConnections": self._links(answered)}

    def _links(self, answered: Shape) -> list[Any] | None:
        """The column: null where nobody may ask for it, empty where there are none."""
        match self._options.data_connections:
            case "refused":
                return None
            case "given":
                links: list[Any] = answered.get("meta", {}).get("dataConnections", [])
                return links
        return []

    def _projection(self, name: tuple[object, ...], form: Callable[[Shape], Shape]) -> Projection:
        key = (*name, self._options.data_connections, self._options.more_connections)
        if key not in self._projections:
            if len(self._projections) >= CACHED_PROJECTIONS:
                self._projections.clear()
            more, has = self._options.more_connections, self.resource.connections
            shapes = [connected(each, place, more=more) if has else each for place, each in enumerate(self._shapes)]
            self._projections[key] = Shapes([form(shape) for shape in shapes], SLOTS).projection(None)
        return self._projections[key]


def _times(size: int, options: OutreachOptions, chance: random.Random, now: int) -> list[tuple[int, int]]:
    """(created, updated) in whole seconds, in the order of creation; clusters of `ties` share one updatedAt."""
    end = (parse_ms(options.now) if options.now else now - SEED_ENDS_BEFORE_MS) // SECOND_MS
    length = options.days * DAY_MS // SECOND_MS
    first = end - length
    at = density(options.contrast, options.seed)
    created = sorted(first + int(at(chance.random()) * length) for _ in range(size))
    recent = int(size * options.recent_share)

    def changed(place: int, moment: int) -> int:
        if place < recent:
            return end - int(chance.random() * length / 100)
        if not place % 3:
            return moment
        if options.contrast > 1:
            return first + int(at(chance.random()) * length)
        return moment + int(chance.random() * (end - moment))

    updated = [changed(place, moment) for place, moment in enumerate(created)]
    place = 0
    for cluster in options.ties:
        chosen = range(place, min(size, place + cluster))
        for number in chosen:
            updated[number] = end - length // 3 + cluster
            created[number] = min(created[number], updated[number])
        place += cluster
    created.sort()
    return [
        (moment * SECOND_MS, max(moment, change) * SECOND_MS) for moment, change in zip(created, updated, strict=True)
    ]


class Account:
    """All tables by stream name."""

    def __init__(self, options: OutreachOptions) -> None:
        self._options = options
        self._chance = random.Random(options.seed + 7)
        recorded = Recorded("outreach", options.shape)
        self.custom = custom_objects(options.custom_objects, options.custom_object_names)
        sizes = {"prospects": options.prospects, "mailings": options.mailings, "imports": IMPORTS, "org_settings": 1}
        sizes |= options.sizes
        named = {resource.stream: resource for resource in resources().values()}
        named |= {f"custom_object_{resource.stream}": resource for resource in self.custom}
        self.tables = {
            name: Table(resource, sizes.get(name, options.others), options, self._chance, recorded, self.now_ms)
            for name, resource in named.items()
        }

    def now_ms(self) -> int:
        """The vendor's clock, which a test may set ahead."""
        return now_ms() + int(self._options.clock_ahead * SECOND_MS)

    def ids(self) -> Iterator[bytes]:
        """Rows of stream and id of every collection that can be listed."""
        for stream, table in self.tables.items():
            if table.resource.plural not in BY_ID_ONLY:
                for number in table.records.numbers():
                    yield b'{"stream":"%b","id":%b}' % (stream.encode(), id_text(table.resource, number).encode())

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[object]]:
        """Change records now; their ids."""
        table = self.tables[stream]
        now = self.now_ms() // SECOND_MS * SECOND_MS
        touched = table.records.touch(self._chance, now, update, create, delete)
        return {
            action: [_plain(id_text(table.resource, number)) for number in numbers]
            for action, numbers in touched.items()
        }


def _plain(text: str) -> object:
    return text.strip('"') if text.startswith('"') else int(text)
