"""The data of the emulated account, and how it changes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from emulators.close import activities, identity, leads, tasks
from emulators.close.events import RETENTION_MS, EventLog, Subject
from emulators.close.fields import custom_field
from emulators.close.settings import CloseOptions
from emulators.moments import DAY_MS, now_ms, parse_ms, with_offset
from emulators.records import Collection

SEED_ENDS_BEFORE_MS = 60_000
"""The data of the start ends so long before the present."""

FIELD_RESOURCES = ("contact", "opportunity", "activity", "custom_object_type")


@dataclass(frozen=True, slots=True)
class Span:
    """The time over which the records of the start are spread."""

    first: int
    last: int


class Account:
    """Collections by stream name, users and custom fields as plain lists."""

    def __init__(self, options: CloseOptions) -> None:
        self.options = options
        self._chance = random.Random(options.seed + 1)
        end = parse_ms(options.now) if options.now else now_ms() - SEED_ENDS_BEFORE_MS
        end -= end % 1000
        self.span = Span(end - options.days * DAY_MS, end)
        self._fill_small()
        self._fill_leads()
        self._fill_activities()
        self._fill_tasks()
        self._fill_events()
        self.collections = {
            "leads": self.leads, "activities": self.activities, "tasks": self.tasks,
            "event_log": self.events.collection,
        }  # fmt: skip

    def _fill_small(self) -> None:
        first = self.span.first
        self.users = [identity.make_user(number, first + number * DAY_MS) for number in range(self.options.users)]
        self.lead_fields = [custom_field("lead", number, first) for number in range(self.options.custom_fields)]
        self.shared_fields = [custom_field("shared", number, first, shared=True) for number in (0, 4)]
        self.other_fields = {
            resource: [custom_field(resource, number, first) for number in range(3)] for resource in FIELD_RESOURCES
        }

    def _fill_leads(self) -> None:
        options = self.options
        shapes = leads.lead_shapes(self.lead_fields + self.shared_fields)
        self.leads = Collection("leads", leads.LEAD_IDS, shapes, leads.lead_values)
        self.leads.fill(self._edited(options.leads, options.ties))

    def _fill_activities(self) -> None:
        options = self.options
        values = activities.activity_values(options.leads, options.users)
        self.activities = Collection("activities", activities.ACTIVITY_IDS, activities.activity_shapes(), values)
        self.activities.kind_of = activities.activity_type
        self.activities.fill(self._made(options.activities, options.activity_ties))

    def _fill_tasks(self) -> None:
        options = self.options
        values = tasks.task_values(options.leads, options.users)
        self.tasks = Collection("tasks", tasks.TASK_IDS, tasks.task_shapes(), values)
        self.tasks.kind_of = tasks.task_type
        self.tasks.fill(self._made(options.tasks, options.task_ties))

    def _fill_events(self) -> None:
        options = self.options
        self.events = EventLog(options)
        last = self.span.last
        old = self._spread(options.old_events, [], Span(last - 2 * RETENTION_MS, last - RETENTION_MS - DAY_MS))
        fresh = self._spread(options.events, options.event_ties, Span(last - RETENTION_MS + DAY_MS, last))
        times = old + fresh
        self.events.collection.fill((updated - number % 3 * 400, updated) for number, updated in enumerate(times))

    def _spread(self, count: int, ties: list[int], span: Span) -> list[int]:
        """Ascending instants by chance; one in twelve on a whole second, each cluster on one instant."""
        length = span.last - span.first
        chance = self._chance.random
        times = sorted([span.first + int(chance() * length) for _ in range(count)])
        times[::12] = [moment - moment % 1000 for moment in times[::12]]
        for cluster, size in enumerate(ties):
            start = (cluster + 1) * max(0, count - sum(ties)) // (len(ties) + 1) + sum(ties[:cluster])
            size = max(0, min(size, count - start))
            times[start : start + size] = [times[start] if size else 0] * size
        return times

    def _edited(self, count: int, ties: list[int]) -> list[tuple[int, int]]:
        """(created, updated) of records in the order of their update.

        Of the clusters, the first, third ... share date_created too, in the others it differs from record to record.
        """
        times = self._spread(count, ties, self.span)
        first, chance = self.span.first, self._chance.random
        rows = [
            (updated if number % 10 < 3 else first + int(chance() * (updated - first)), updated)
            for number, updated in enumerate(times)
        ]
        for cluster, size in enumerate(ties):
            start = (cluster + 1) * max(0, count - sum(ties)) // (len(ties) + 1) + sum(ties[:cluster])
            for number in range(start, min(start + size, count)):
                updated = rows[number][1]
                back = DAY_MS if cluster % 2 == 0 else (number - start + 1) * 60_000
                rows[number] = (max(0, updated - back), updated)
        return rows

    def _made(self, count: int, ties: list[int]) -> list[tuple[int, int]]:
        """(created, updated) of records in the order of their creation; one in four was edited later."""
        last, chance = self.span.last, self._chance.random
        times = self._spread(count, ties, self.span)
        return [
            (created, created + int(chance() * (last - created)) if number % 4 == 0 else created)
            for number, created in enumerate(times)
        ]

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """Change records now. Changes of leads, activities and tasks also appear in the event log."""
        now = now_ms()
        if stream == "users":
            return self._touch_users(now, update, create, delete)
        if stream == "custom_fields":
            return self._touch_fields(now, update, create, delete)
        if stream == "event_log":
            return self._touch_events(now, update, create)
        collection = self.collections[stream]
        touched = collection.touch(self._chance, now, update, create, delete)
        for action, numbers in touched.items():
            for number in numbers:
                kind, subject = self._subject(stream, number)
                self.events.record((kind, action), subject, now)
        return {action: [collection.ids.id(n).decode() for n in numbers] for action, numbers in touched.items()}

    def _subject(self, stream: str, number: int) -> tuple[str, Subject]:
        """The object type of a record in events, and what an event says of it."""
        size = max(1, self.options.leads)
        revision = self.collections[stream].revisions.get(number, 0)
        user = number % max(1, self.options.users)
        if stream == "leads":
            return "lead", Subject(number, number, revision, user)
        if stream == "tasks":
            return f"task.{tasks.task_type(number)}", Subject(number, number * 13 % size, revision, user)
        kind = activities.OBJECT_TYPES[activities.activity_type(number)]
        return f"activity.{kind}", Subject(number, activities.lead_of(number, size) or 0, revision, user)

    def _touch_events(self, now: int, update: int, create: int) -> dict[str, list[str]]:
        """New events about leads; moved ones, as by consolidation. Events are never deleted."""
        collection = self.events.collection
        made = []
        for _ in range(create):
            lead = self._chance.randrange(max(1, len(self.leads.created)))
            made.append(self.events.record(("lead", "created"), Subject(lead, lead, 0, 0), now))
        recent = [number for number in self.events.truth_numbers() if number not in made]
        moved = self._chance.sample(recent, min(update, len(recent)))
        for number in moved:
            collection.update(number, now)
        ids = collection.ids
        return {
            "updated": [ids.id(number).decode() for number in moved],
            "created": [ids.id(number).decode() for number in made],
            "deleted": [],
        }

    def _touch_users(self, now: int, update: int, create: int, delete: int) -> dict[str, list[str]]:
        stamp = with_offset(now).decode()
        changed = self._chance.sample(self.users, min(update, len(self.users)))
        for user in changed:
            user |= {"last_used_timezone": f"Etc/GMT-{now % 12}", "date_updated": stamp}
        gone = [self.users.pop() for _ in range(min(delete, len(self.users)))]
        known = {user["id"] for user in self.users + gone}
        numbers = (number for number in range(self.options.users + 1, 10**6) if identity.user_id(number) not in known)
        made = [identity.make_user(next(numbers), now) | {"date_updated": stamp} for _ in range(create)]
        self.users.extend(made)
        return _ids(changed, made, gone)

    def _touch_fields(self, now: int, update: int, create: int, delete: int) -> dict[str, list[str]]:
        stamp = with_offset(now).decode()
        changed = self._chance.sample(self.lead_fields, min(update, len(self.lead_fields)))
        for entry in changed:
            entry |= {"description": f"Changed {stamp}", "date_updated": stamp}
        gone = [self.lead_fields.pop() for _ in range(min(delete, len(self.lead_fields)))]
        first = max((int(entry["id"][7:11]) for entry in self.lead_fields + gone), default=-1) + 1
        made = [custom_field("lead", first + step, now) | {"date_updated": stamp} for step in range(create)]
        self.lead_fields.extend(made)
        return _ids(changed, made, gone)

    def truth(self, stream: str, *, all_fields: bool = False) -> Iterator[bytes] | None:
        """What a complete read of a stream emits; `all_fields`: with those that must be named."""
        fields = frozenset({"_all"}) if all_fields else None
        if stream in ("users", "custom_fields", "lead_custom_fields"):
            records: list[dict[str, Any]] = self.users if stream == "users" else self.lead_fields
            return (orjson.dumps(record) for record in records)
        if stream in ("event_log", "events"):
            return iter(self.events.render(self.events.truth_numbers()))
        if stream == "activities":
            return self._rendered(self.activities, self._mixed(), fields)
        if stream == "user_posts":
            return self._rendered(self.activities, self._posts(), fields)
        collection = self.collections.get(stream)
        return None if collection is None else self._rendered(collection, collection.numbers(), fields)

    def counts(self) -> dict[str, int]:
        """Records per stream."""
        return {
            "leads": len(self.leads),
            "activities": sum(1 for _ in self._mixed()),
            "tasks": len(self.tasks),
            "users": len(self.users),
            "custom_fields": len(self.lead_fields),
            "event_log": len(self.events.truth_numbers()),
            "user_posts": sum(1 for _ in self._posts()),
        }

    def _mixed(self) -> Iterator[int]:
        """Activities that `GET /activity/` shows by default: no email threads."""
        return (n for n in self.activities.numbers() if activities.activity_type(n) != activities.THREAD)

    def _posts(self) -> Iterator[int]:
        """Activities of present users."""
        present = {user["id"] for user in self.users}
        size = self.options.users
        mine = [identity.user_id(number) in present for number in range(size + 1)]
        return (n for n in self._mixed() if (user := activities.user_of(n, size)) is not None and mine[user])

    @staticmethod
    def _rendered(collection: Collection, numbers: Iterator[int], fields: frozenset[str] | None) -> Iterator[bytes]:
        projection = collection.shapes.projection(fields)
        return (collection.render(number, projection) for number in numbers)


def _ids(changed: list[dict[str, Any]], made: list[dict[str, Any]], gone: list[dict[str, Any]]) -> dict[str, list[str]]:
    listed = {"updated": changed, "created": made, "deleted": gone}
    return {action: [str(record["id"]) for record in records] for action, records in listed.items()}
