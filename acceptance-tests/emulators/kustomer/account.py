"""The data of the emulated account, and how it changes."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.density import density
from emulators.kustomer import children, shapes, small
from emulators.kustomer.audit import AuditLog, seed
from emulators.kustomer.flat import flat
from emulators.kustomer.hierarchy import Hierarchy
from emulators.kustomer.kept import Records
from emulators.kustomer.settings import KustomerOptions
from emulators.kustomer.touching import Touching, seeded
from emulators.moments import DAY_MS, now_ms, parse_ms
from emulators.recorded import Owned, Recorded
from emulators.templates import Shape

SEED_ENDS_BEFORE_MS = 60_000
RETIRED = "retired"
TIMES_STEP = 7_919
TIES_OF_ONE_CREATION = 700
LARGEST_CLUSTER_OF_ONE_CREATION = 10_000
CUSTOMER = ("relationships.customer.data.id", "relationships.customer.links.self")
CONVERSATION = ("relationships.conversation.data.id", "relationships.conversation.links.self")
COUNTS = ("attributes.messageCount", "attributes.noteCount")
OWNED = Owned(("id", "links.self", "attributes.createdAt", "attributes.updatedAt"), CUSTOMER + CONVERSATION + COUNTS)
"""What recorded records take from made ones."""
AUDITED = {"audit_logs": "truth", "deleted_records": "deletions", "record_history": "history"}
"""Streams that come of the audit log, and the methods that say what they hold."""


class _Counts(dict[int, tuple[bytes, bytes]]):
    """Messages and notes of a conversation, worked out when first shown."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account

    def __missing__(self, conversation: int) -> tuple[bytes, bytes]:
        account = self._account
        counted = b"%d" % account.messages_of(conversation), b"%d" % len(account.notes_of(conversation))
        self[conversation] = counted
        return counted


class Account:
    """Collections by stream name, small lists by stream name."""

    def __init__(self, options: KustomerOptions) -> None:
        self.options = options
        self.recorded = Recorded("kustomer", options.shape)
        self.chance = random.Random(options.seed + 1)
        end = parse_ms(options.now) if options.now else now_ms() - SEED_ENDS_BEFORE_MS
        self.first, self.last = end - options.days * DAY_MS, end
        self._make_collections()
        for name, collection in self.collections.items():
            self._fill(name, collection, getattr(options, name))
        created = self.collections["conversations"].created
        self._by_creation = sorted(range(len(created)), key=created.__getitem__)
        self._creations = [created[number] for number in self._by_creation]
        self._times: dict[int, list[int]] = {}
        self._times_known = 0
        self.small = small.lists(options, self.recorded, self.first, self.last)
        self.live_events: dict[int, list[tuple[int, dict[str, Any]]]] = {}
        """Edits of conversations since the start: (moment, changes)."""
        self.live_merges: dict[int, list[tuple[int, int]]] = {}
        """Merges since the start, by the customer that stayed: (moment, the one that is gone)."""
        self.audit = AuditLog(options)
        seed(self.audit, seeded(self))
        self.hierarchy = Hierarchy(self)
        self._touching = Touching(self)

    def _make_collections(self) -> None:
        options = self.options
        # Klasses that exist but are switched off have kobjects too.
        klasses = [*options.klasses, RETIRED] if options.klasses else []
        made = [shapes.kobject(klass, number, len(klasses)) for number, klass in enumerate(klasses * 8)]
        # Kobjects of one klass were recorded.
        of_klass = {shape["type"]: "kobjects" for shape in self.recorded.of("kobjects")}
        kobjects = self.recorded.instead(made, [of_klass.get(shape["type"], "") for shape in made], OWNED)

        def forms(stream: str, make: Callable[[int], Shape]) -> list[Shape]:
            made = [make(variant) for variant in range(shapes.VARIANTS)]
            return self.recorded.instead(made, [stream] * len(made), OWNED)

        customer = self._keys(options.customers)
        company = self._keys(options.companies)
        counts = _Counts(self)
        self.collections = {
            "customers": Records(
                "customers", shapes.CUSTOMERS, forms("customers", shapes.customer), lambda n: (company(n), b"", b"")
            ),
            "conversations": Records(
                "conversations",
                shapes.CONVERSATIONS,
                forms("conversations", shapes.conversation),
                lambda n: (customer(n), *counts[n]),
            ),
            "messages": Records(
                "messages",
                shapes.MESSAGES,
                forms("messages", shapes.message),
                lambda n: (shapes.key(self.conversation_of_message(n)), customer(n), b"%d" % self.attachments_of(n)),
            ),
            "notes": Records(
                "notes",
                shapes.NOTES,
                forms("notes", shapes.note),
                lambda n: (shapes.key(self.conversation_of_note(n)), customer(n), b""),
            ),
            "companies": Records(
                "companies", shapes.COMPANIES, forms("companies", shapes.company), lambda n: (b"", b"", b"")
            ),
            "kobjects": Records(
                "kobjects",
                shapes.KOBJECTS,
                kobjects,
                lambda n: (customer(n), b"", b""),
            ),
            "conversation_times": Records(
                "conversation_times",
                shapes.TIMES,
                forms("conversation_times", shapes.conversation_time),
                lambda n: (shapes.key(self.conversation_of_time(n)), b"", b""),
            ),
        }
        self.collections["kobjects"].kind_of = lambda number: klasses[number % len(klasses)]

    @staticmethod
    def _keys(size: int) -> Callable[[int], bytes]:
        return lambda number: shapes.key(number % max(1, size))

    # How records belong together; all by number, so that nothing is stored.

    def messages_of(self, conversation: int) -> int:
        """How many messages the conversation has had from the start."""
        first, last = self.options.conversations, self.options.messages
        if conversation >= first:
            return 0
        own, others = int(conversation < last), first // 4 * 3
        if conversation % 4 == 0 or conversation >= first // 4 * 4 or last <= first:
            return own
        place = (conversation - conversation // 4 - 1 - first) % others
        return own + max(0, -(-(last - first - place) // others))

    def conversation_of_message(self, message: int) -> int:
        """Each conversation has one message; the rest is spread over those without attachments."""
        size = max(1, self.options.conversations)
        if message < size or size < 4:
            return message % size
        place = message % (size // 4 * 3)
        return place + place // 3 + 1

    def attachments_of(self, message: int) -> int:
        """Attachments of a message: only the first message of a conversation has some, and of those every fourth."""
        has_some = message % 4 == 0 and message < min(self.options.conversations, self.options.messages)
        return 1 + message % 3 if has_some else 0

    def conversation_of_note(self, note: int) -> int:
        """An older conversation than the note."""
        return note % self._ratio[1] * self._ratio[0] // self._ratio[1] // 2

    def conversation_of_time(self, time: int) -> int:
        """A conversation that was there when the time was written, whenever it was last changed."""
        conversations = self._by_creation
        moment = self.collections["conversation_times"].created[time]
        earlier = bisect_right(self._creations, moment)
        return conversations[time * TIMES_STEP % max(1, earlier)] if conversations else 0

    def times_of(self, conversation: int) -> list[int]:
        """The conversation times of a conversation."""
        times = range(len(self.collections["conversation_times"].created))
        for number in range(self._times_known, len(times)):
            self._times.setdefault(self.conversation_of_time(number), []).append(number)
        self._times_known = len(times)
        return self._times.get(conversation, [])

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
        chance, place = self.chance.random, density(self.options.contrast, self.options.seed)
        times = sorted([self.first + int(place(chance()) * length) for _ in range(count)])
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

    def touch(self, stream: str, update: int, create: int, delete: int, ago_ms: int = 0) -> dict[str, list[str]]:
        """See `Touching.touch`."""
        return self._touching.touch(stream, update, create, delete, ago_ms)

    def is_childless(self, collection: str, number: int) -> bool:
        """Whether a record is deleted and its children are gone with it."""
        return self.options.gone_parents and self.collections[collection].is_deleted(number)

    def truth(self, stream: str) -> Iterator[bytes] | None:
        """What a complete read of a stream emits."""
        if stream == "company_edges":
            return map(orjson.dumps, map(flat, self.hierarchy.edges()))
        if stream in AUDITED:
            return map(orjson.dumps, getattr(self.audit, AUDITED[stream])())
        if stream in self.small:
            return (orjson.dumps(record) for record in self.small[stream].truth())
        if stream in children.STREAMS:
            return children.truth(self, stream)
        if stream == "all_conversation_times":
            times = self.collections["conversation_times"]
            return (times.render(number, times.flat) for number in range(len(times.created)))
        collection, klass = self._stream(stream)
        if collection is None:
            return None
        return (collection.render(number, collection.flat) for number in self._reachable(collection, klass))

    def counts(self) -> dict[str, int]:
        """Records per stream."""
        names = [
            *self.collections,
            *self.small,
            *AUDITED,
            "company_edges",
            *children.STREAMS,
            *(f"kobject_{_safe(k)}" for k in self.searchable_klasses()),
        ]
        return {name: sum(1 for _ in self.truth(name) or ()) for name in names}

    def horizon(self) -> int:
        """What was changed before is only in the archive."""
        return now_ms() - int(self.options.archive_days * DAY_MS)

    def searchable_klasses(self) -> list[str]:
        """Names of the klasses that are not disabled; some have no kobjects."""
        listed = [entry["attributes"] for entry in self.small["klasses"].records]
        return [attributes["name"] for attributes in listed if attributes["status"] != "disabled"]

    def _stream(self, stream: str) -> tuple[Records | None, str | None]:
        for klass in self.searchable_klasses():
            if stream == f"kobject_{_safe(klass)}":
                return self.collections["kobjects"], klass
        return self.collections.get(stream), None

    def _reachable(self, collection: Records, klass: str | None) -> Iterator[int]:
        """All records but those that no endpoint shows."""
        horizon, hidden = self.horizon(), self._hidden(collection)
        for number in range(len(collection.created)):
            if not hidden(number, collection.updated[number] < horizon) and (
                klass is None or collection.kind_of(number) == klass
            ):
                yield number

    def _hidden(self, collection: Records) -> Callable[[int, bool], bool]:
        """Whether nothing shows a record (of that number, older than the horizon)."""
        if collection.name == "conversation_times" and self.options.time_context:
            return lambda number, old: old  # only the search is asked
        if collection.name == "notes":
            return lambda number, old: old and collection.is_deleted(number)  # lists show no deleted ones
        if collection.name == "companies" and "company_updated_at" in self.options.refuse_attributes:
            return lambda number, old: collection.is_deleted(number)
        return lambda number, old: False


def _safe(klass: str) -> str:
    return klass.replace("-", "_")
