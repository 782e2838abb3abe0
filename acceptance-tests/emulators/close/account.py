"""The data of the emulated account."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from emulators.close import activities, identity, leads, objects, tasks
from emulators.close.events import RETENTION_MS, EventLog
from emulators.close.fields import carried_fields, custom_field
from emulators.close.settings import CloseOptions
from emulators.close.small import (
    GROUPS,
    SMALL,
    make_group,
    make_membership,
    make_send_as,
    make_subscription,
    make_thread,
)
from emulators.density import density
from emulators.moments import DAY_MS, now_ms, parse_ms, with_offset
from emulators.recorded import ID_ONLY, Owned, Recorded
from emulators.records import Collection
from emulators.templates import Shapes

SEED_ENDS_BEFORE_MS = 60_000
"""The data of the start ends so long before the present."""

DATED = ("id", "date_created", "date_updated")
OWNED = {
    "leads": Owned(DATED),
    "contacts": Owned(DATED, ("lead_id",)),
    "opportunities": Owned(DATED, ("lead_id",)),
    "activities": Owned(DATED, ("lead_id", "user_id")),
    "tasks": Owned(DATED, ("lead_id",)),
    "webhooks": Owned(where_recorded=("signature_key",)),
    "memberships": Owned(where_recorded=("user_id",)),
    "organizations": Owned(("id", "memberships", "inactive_memberships")),
}
"""What recorded records take from made ones; the others only the id."""

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
        self.recorded = Recorded("closeio", options.shape)
        self.chance = random.Random(options.seed + 1)
        end = parse_ms(options.now) if options.now else now_ms() - SEED_ENDS_BEFORE_MS
        end -= end % 1000
        self.span = Span(end - options.days * DAY_MS, end)
        self.moved: dict[int, int] = {}
        """Leads that were merged, and into which."""
        self.fields_made = 0
        """Custom fields of leads that were made since the start."""
        self._fill_small()
        self._fill_leads()
        self._fill_activities()
        self._fill_tasks()
        self._fill_events()
        self._fill_objects()
        self.collections = {
            "leads": self.leads, "activities": self.activities, "tasks": self.tasks,
            "event_log": self.events.collection, "contacts": self.contacts, "opportunities": self.opportunities,
            "custom_objects": self.custom_objects,
        }  # fmt: skip
        self._fill_threads()
        self._add_recorded_fields()

    def _fill_small(self) -> None:
        first = self.span.first
        users = [identity.make_user(number, first + number * DAY_MS) for number in range(self.options.users)]
        self.users = self.recorded.rows("users", users)
        self.lead_fields = [custom_field("lead", number, first) for number in range(self.options.custom_fields)]
        self.shared_fields = [custom_field("shared", number, first, shared=True) for number in (0, 4)]
        self.other_fields = {
            resource: [custom_field(resource, number, first) for number in range(3)] for resource in FIELD_RESOURCES
        }

        resources = {small.stream: small for small in SMALL}
        self.small = {
            stream: self.recorded.rows(
                stream, (small.make(number, first) for number in range(small.count)), OWNED.get(stream, ID_ONLY)
            )
            for stream, small in resources.items()
        }
        self.groups = [make_group(number, self.options.users) for number in range(GROUPS)]
        self.send_as = [make_send_as(number) for number in range(4)]
        self.subscriptions = [
            make_subscription(number, first, self.options.contacts) for number in range(self.options.subscriptions)
        ]
        if not self.options.small_lists:
            self.small = {stream: [] for stream in self.small}
            self.groups, self.send_as, self.subscriptions = [], [], []

    def _fill_objects(self) -> None:
        options, fields = self.options, self.other_fields
        values = objects.object_values(options.leads, self.moved)
        shapes = self._dressed("contacts", objects.contact_shapes(fields["contact"]))
        of_contacts = objects.object_values(options.leads, self.moved, objects.lead_of_contact)
        self.contacts = Collection("contacts", objects.CONTACT_IDS, shapes, of_contacts)
        self.contacts.fill(self._edited(options.contacts, options.contact_ties))
        shapes = self._dressed("opportunities", objects.opportunity_shapes(fields["opportunity"]))
        self.opportunities = Collection("opportunities", objects.OPPORTUNITY_IDS, shapes, values)
        self.opportunities.fill(self._edited(options.opportunities, []))
        shapes = objects.custom_object_shapes(fields["custom_object_type"])
        self.custom_objects = Collection("custom_objects", objects.CUSTOM_OBJECT_IDS, shapes, values)
        self.custom_objects.fill(self._edited(options.custom_objects, []))

    def _dressed(self, stream: str, shapes: Shapes) -> Shapes:
        return self.recorded.dressed(shapes, stream, OWNED[stream])

    def _add_recorded_fields(self) -> None:
        """Recorded definitions of custom fields, and such as the recorded records need, before the account's own."""
        recorded, first = self.recorded, self.span.first
        leads = recorded.of("leads")
        carriers: dict[str, list[dict[str, Any]]] = {"lead": leads, "activity": []}
        for resource, name in (("contact", "contacts"), ("opportunity", "opportunities")):
            carriers[resource] = [*recorded.of(name), *(each for lead in leads for each in lead.get(name, ()))]
        for resource, records in carriers.items():
            own = self.lead_fields if resource == "lead" else self.other_fields[resource]
            known = recorded.of(f"{resource}_custom_fields")
            own[:0] = known + carried_fields(resource, records, {field["id"] for field in known}, first)

    def _fill_threads(self) -> None:
        """Comments on notes and opportunities."""
        notes = [number for number in self.activities.numbers() if activities.activity_type(number) == "Note"]
        self._threads: list[tuple[Collection, int, dict[str, Any]]] = []
        for number in range(self.options.comment_threads):
            of_note = number % 2 == 0 and number < len(notes)
            collection, kind = (self.activities, "activity.note") if of_note else (self.opportunities, "opportunity")
            target = notes[number] if of_note else number
            if collection.alive(target):
                thread = make_thread(number, collection.ids.id(target).decode(), kind, self.span.first)
                self._threads.append((collection, target, thread))

    @property
    def threads(self) -> list[dict[str, Any]]:
        """Threads of comments on what is still there."""
        return [thread for collection, number, thread in self._threads if collection.alive(number)]

    def organization(self) -> dict[str, Any]:
        """The organization; one who left is among the inactive memberships."""
        first = self.span.first
        memberships = [make_membership(number) for number in range(self.options.users + 1)]
        memberships = self.recorded.rows("memberships", memberships, OWNED["memberships"])
        made = {
            "id": identity.ORGANIZATION_ID, "name": "Emulated Ltd", "currency": "EUR", "currency_symbol": "€",
            "lead_statuses": identity.LEAD_STATUSES, "opportunity_statuses": self.small["opportunity_statuses"],
            "pipelines": self.small["pipelines"], "status": "active", "plan_id": "plan_1", "features": [],
            "memberships": memberships[:-1], "inactive_memberships": memberships[-1:],
            "date_created": with_offset(first).decode(), "date_updated": with_offset(first).decode(),
        }  # fmt: skip
        return self.recorded.rows("organizations", [made], OWNED["organizations"])[0]

    def surviving_lead(self, number: int | None) -> int | None:
        """The lead that a lead is now: after a merge another one."""
        while number is not None and number in self.moved:
            number = self.moved[number]
        return number

    def _fill_leads(self) -> None:
        options = self.options
        shapes = self._dressed("leads", leads.lead_shapes(self.lead_fields + self.shared_fields))
        self.leads = Collection("leads", leads.LEAD_IDS, shapes, leads.lead_values(options.leads))
        self.leads.fill(self._edited(options.leads, options.ties))

    def _fill_activities(self) -> None:
        options = self.options
        values = activities.activity_values(options, self.moved)
        streams = [f"{activities.OBJECT_TYPES[kind]}_activities" for kind in activities.PATTERN] * activities.TURNS
        shapes = self.recorded.dressed(activities.activity_shapes(), streams, OWNED["activities"])
        self.activities = Collection("activities", activities.ACTIVITY_IDS, shapes, values)
        self.activities.kind_of = activities.activity_type
        self.activities.fill(self._made(options.activities, options.activity_ties))

    def _fill_tasks(self) -> None:
        options = self.options
        values = tasks.task_values(options, self.moved)
        streams = [f"{kind}_tasks" for kind in tasks.PATTERN]
        shapes = self.recorded.dressed(tasks.task_shapes(), streams, OWNED["tasks"])
        self.tasks = Collection("tasks", tasks.TASK_IDS, shapes, values)
        self.tasks.kind_of = tasks.task_type
        self.tasks.fill(self._made(options.tasks, options.task_ties))

    def _fill_events(self) -> None:
        options = self.options
        self.events = EventLog(options, self.recorded)
        last = self.span.last
        old = self._spread(options.old_events, [], Span(last - 2 * RETENTION_MS, last - RETENTION_MS - DAY_MS))
        fresh = self._spread(options.events, options.event_ties, Span(last - RETENTION_MS + DAY_MS, last))
        times = old + fresh
        self.events.collection.fill((updated - number % 3 * 400, updated) for number, updated in enumerate(times))

    def _spread(self, count: int, ties: list[int], span: Span) -> list[int]:
        """Ascending instants by chance; one in twelve on a whole second, each cluster on one instant."""
        length = span.last - span.first
        chance, place = self.chance.random, density(self.options.contrast, self.options.seed)
        times = sorted([span.first + int(place(chance()) * length) for _ in range(count)])
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
        first, chance = self.span.first, self.chance.random
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
        last, chance = self.span.last, self.chance.random
        times = self._spread(count, ties, self.span)
        return [
            (created, created + int(chance() * (last - created)) if number % 4 == 0 else created)
            for number, created in enumerate(times)
        ]
