"""The data of the emulated account, and how it changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import orjson

from emulators.kustomer import children, shapes, small
from emulators.kustomer.flat import flat
from emulators.kustomer.settings import KustomerOptions
from emulators.moments import DAY_MS, now_ms, parse_ms
from emulators.records import Collection, Ids
from emulators.templates import Shape, Shapes, Values

SEED_ENDS_BEFORE_MS = 60_000
TIES_OF_ONE_CREATION = 700
LARGEST_CLUSTER_OF_ONE_CREATION = 10_000
Link = Callable[[int], tuple[bytes, bytes, bytes]]


class Records(Collection):
    """A searchable collection whose records stay, flagged, when they are deleted."""

    def __init__(self, name: str, ids: Ids, forms: list[Shape], link: Link) -> None:
        def values(number: int, created: int, updated: int, revision: int) -> Values:
            a, b, c = link(number)
            return (
                shapes.key(number), b"%d" % number, shapes.stamp(created), shapes.stamp(updated), b"%d" % (1 + revision),
                a, b, c,
            )  # fmt: skip

        flagged = [shapes.deleted(form) for form in forms]
        super().__init__(name, ids, Shapes(forms + flagged, shapes.SLOTS), values)
        self.pattern = len(forms)
        self.flat = Shapes([flat(form) for form in forms + flagged], shapes.SLOTS).projection(None)
        self.vendor = self.shapes.projection(None)

    def delete(self, number: int, now: int) -> None:
        """The record is flagged, which changes it."""
        self.update(number, now)
        self.flag(number)

    def flag(self, number: int) -> None:
        """Show it as deleted."""
        self.variants[number] = number % self.pattern + self.pattern

    def is_deleted(self, number: int) -> bool:
        """Whether it is flagged."""
        return number in self.variants

    def present(self) -> Iterator[int]:
        """Numbers that lists show."""
        return (number for number in range(len(self.created)) if number not in self.variants)


class Account:
    """Collections by stream name, small lists by stream name."""

    def __init__(self, options: KustomerOptions) -> None:
        self.options = options
        self.chance = random.Random(options.seed + 1)
        end = parse_ms(options.now) if options.now else now_ms() - SEED_ENDS_BEFORE_MS
        self.first, self.last = end - options.days * DAY_MS, end
        self._make_collections()
        for name, collection in self.collections.items():
            self._fill(name, collection, getattr(options, name))
        self.small = small.lists(options, self.first, self.last)

    def _make_collections(self) -> None:
        options = self.options
        variants = range(shapes.VARIANTS)
        klasses = options.klasses
        many = range(len(klasses) * 8)
        customer = self._keys(options.customers)
        conversation = self._keys(options.conversations)
        company = self._keys(options.companies)
        self.collections = {
            "customers": Records("customers", shapes.CUSTOMERS, [shapes.customer(v) for v in variants],
                                 lambda n: (company(n), b"", b"")),
            "conversations": Records("conversations", shapes.CONVERSATIONS, [shapes.conversation(v) for v in variants],
                                     lambda n: (customer(n), b"%d" % self.messages_of(n), b"%d" % len(self.notes_of(n)))),
            "messages": Records("messages", shapes.MESSAGES, [shapes.message(v) for v in variants],
                                lambda n: (conversation(n), customer(n), b"%d" % self.attachments_of(n))),
            "notes": Records("notes", shapes.NOTES, [shapes.note(v) for v in variants],
                             lambda n: (shapes.key(self.conversation_of_note(n)), customer(n), b"")),
            "companies": Records("companies", shapes.COMPANIES, [shapes.company(v) for v in variants],
                                 lambda n: (b"", b"", b"")),
            "kobjects": Records("kobjects", shapes.KOBJECTS, [shapes.kobject(klasses[v % len(klasses)], v) for v in many],
                                lambda n: (customer(n), b"", b"")),
            "conversation_times": Records("conversation_times", shapes.TIMES, [shapes.conversation_time(v) for v in variants],
                                          lambda n: (conversation(n), b"", b"")),
        }  # fmt: skip
        self.collections["kobjects"].kind_of = lambda number: klasses[number % len(klasses)]

    @staticmethod
    def _keys(size: int) -> Callable[[int], bytes]:
        return lambda number: shapes.key(number % max(1, size))

    # How records belong together; all by number, so that nothing is stored.

    def messages_of(self, conversation: int) -> int:
        """How many messages the conversation has had from the start."""
        size = max(1, self.options.conversations)
        return max(0, -(-(self.options.messages - conversation) // size)) if conversation < size else 0

    def attachments_of(self, message: int) -> int:
        """Attachments of a message: only the first message of a conversation has some, and of those every fourth."""
        return 1 + message % 3 if message % 4 == 0 and message < self.options.conversations else 0

    def conversation_of_note(self, note: int) -> int:
        """An older conversation than the note."""
        return note % self._ratio[1] * self._ratio[0] // self._ratio[1] // 2

    def notes_of(self, conversation: int) -> range:
        """The notes that a conversation has had from the start."""
        conversations, notes = self._ratio
        first, end = -(-2 * conversation * notes // conversations), -(-2 * (conversation + 1) * notes // conversations)
        return range(min(first, self.options.notes), min(end, self.options.notes))

    @property
    def _ratio(self) -> tuple[int, int]:
        return max(1, self.options.conversations), max(1, self.options.notes)

    def _fill(self, name: str, collection: Records, count: int) -> None:
        length = self.last - self.first
        chance = self.chance.random
        times = sorted([self.first + int(chance() * length) for _ in range(count)])
        times[::12] = [moment - moment % 1000 for moment in times[::12]]
        created = [t if n % 10 < 3 else self.first + int(chance() * (t - self.first)) for n, t in enumerate(times)]
        ties = self.options.ties if sum(self.options.ties) <= count else []
        for cluster, size in enumerate(ties):
            start = (cluster + 1) * (count - sum(ties)) // (len(ties) + 1) + sum(ties[:cluster])
            instant = times[start]
            differs = cluster % 2 == 1 or size >= LARGEST_CLUSTER_OF_ONE_CREATION
            for step in range(size):
                times[start + step] = instant
                back = (1 + step // TIES_OF_ONE_CREATION) * 60_000 if differs else 60_000
                created[start + step] = max(self.first, instant - back)
        if name == "conversation_times":
            created = times
        collection.fill(zip(created, times, strict=True))
        for number in range(count):
            if chance() < self.options.deleted_share and name != "conversation_times":
                collection.flag(number)

    # What a test may do and ask.

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """Change records now."""
        now = now_ms()
        if stream in self.small:
            return self.small[stream].touch(self.chance, shapes.stamp(now).decode(), update, create, delete)
        collection = self.collections[stream]
        if stream == "conversation_times":
            update = delete = 0
        live = self._sample(collection, update + delete)
        changed, gone = live[:update], live[update:]
        made = [collection.create(now) for _ in range(create)]
        for number in changed:
            collection.update(number, now)
        for number in gone:
            collection.delete(number, now)
        touched = {"updated": changed, "created": made, "deleted": gone}
        return {action: [collection.ids.id(n).decode() for n in numbers] for action, numbers in touched.items()}

    def _sample(self, collection: Records, size: int) -> list[int]:
        chosen: dict[int, None] = {}
        for _ in range(50 * size):
            number = self.chance.randrange(len(collection.created)) if len(collection.created) else 0
            if number < len(collection.created) and not collection.is_deleted(number):
                chosen[number] = None
            if len(chosen) == size:
                break
        return list(chosen)

    def truth(self, stream: str) -> Iterator[bytes] | None:
        """What a complete read of a stream emits."""
        if stream in self.small:
            return (orjson.dumps(record) for record in self.small[stream].truth())
        if stream in children.STREAMS:
            return children.truth(self, stream)
        collection, klass = self._stream(stream)
        if collection is None:
            return None
        return (collection.render(number, collection.flat) for number in self._reachable(collection, klass))

    def counts(self) -> dict[str, int]:
        """Records per stream."""
        names = [*self.collections, *self.small, *children.STREAMS, *(f"kobject_{_safe(k)}" for k in self.options.klasses)]
        return {name: sum(1 for _ in self.truth(name) or ()) for name in names}

    def horizon(self) -> int:
        """What was changed before is only in the archive."""
        return now_ms() - int(self.options.archive_days * DAY_MS)

    def _stream(self, stream: str) -> tuple[Records | None, str | None]:
        for klass in self.options.klasses:
            if stream == f"kobject_{_safe(klass)}":
                return self.collections["kobjects"], klass
        return self.collections.get(stream), None

    def _reachable(self, collection: Records, klass: str | None) -> Iterator[int]:
        """All records but those that no endpoint shows: old conversation times, and old notes that are deleted."""
        horizon = self.horizon()
        for number in range(len(collection.created)):
            old = collection.updated[number] < horizon
            hidden = collection.name == "conversation_times" or (
                collection.name == "notes" and collection.is_deleted(number)
            )
            if not (old and hidden) and (klass is None or collection.kind_of(number) == klass):
                yield number


def _safe(klass: str) -> str:
    return klass.replace("-", "_")
