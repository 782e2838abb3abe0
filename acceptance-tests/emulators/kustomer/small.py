"""The small resources: lists that are read whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from emulators.kustomer.flat import flat, snake
from emulators.kustomer.settings import KustomerOptions
from emulators.kustomer.shapes import ORGANISATION_ID, by, listed, stamp, to
from emulators.kustomer.small_table import RELATED, TABLE, Record
from emulators.recorded import Recorded

METRICS = {"firstResponse": {"enabled": True, "times": {"1": 3600, "5": 60}}}
ONLY_CREATED = ("slas", "sla_versions")
KLASS_STATUSES = ("enabled", "disabled", "existing_only")
CUSTOM_TYPES = {"Num": "number", "Bool": "boolean", "At": "date", "Tree": "tree", "Url": "url"}
METADATA = {"ratingNum": "number", "tierStr": "string", "dueAt": "date", "labelsStrs": "string", "extra": "string"}


def record(
    stream: str, kind: str, path: str, number: int, attributes: Record, created: str, *, updates: bool
) -> Record:
    """A record in the vendor's form."""
    key = listed(stream, number)
    times = {"createdAt": created} | ({"updatedAt": created, "modifiedAt": created} if updates else {})
    return {
        "type": kind,
        "id": key,
        "attributes": attributes | times,
        "relationships": {
            "org": to("org", "orgs", ORGANISATION_ID),
            "createdBy": by(1),
            **RELATED.get(stream, _none)(number),
        },
        "links": {"self": f"/v1{path}/{key}"},
    }


@dataclass
class SmallList:
    """One resource of few records. `gone` is what only `deleted=true` shows (users)."""

    path: str
    make: Callable[[int, str], Record]
    records: list[Record] = field(default_factory=list)
    gone: list[Record] = field(default_factory=list)
    made: int = 0

    def create(self, created: str) -> Record:
        """A new record, not yet listed."""
        self.made += 1
        return self.make(self.made - 1, created)

    def touch(self, chance: random.Random, now: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """Change records now."""
        changed = chance.sample(self.records, min(update, len(self.records)))
        for entry in changed:
            if "updatedAt" in entry["attributes"]:
                entry["attributes"] |= {"updatedAt": now, "modifiedAt": now}
        gone = [self.records.pop(0) for _ in range(min(delete, len(self.records)))]
        new = [self.create(now) for _ in range(create)]
        self.records.extend(new)
        if self.path == "/users":
            for entry in gone:
                entry["attributes"] |= {"updatedAt": now, "deletedAt": now}
            self.gone.extend(gone)
        listed = {"updated": changed, "created": new, "deleted": gone}
        return {action: [str(entry["id"]) for entry in entries] for action, entries in listed.items()}

    def truth(self) -> Iterator[Record]:
        """What a complete read emits."""
        return (flat(entry) for entry in (*self.records, *self.gone))


def _none(number: int) -> Record:
    return {}


def _maker(name: str) -> SmallList:
    path, kind, attributes = TABLE[name]
    updates = name not in ONLY_CREATED
    return SmallList(path, lambda n, created: record(name, kind, path, n, attributes(n), created, updates=updates))


class SlaVersions(SmallList):
    """Two versions of each SLA; they come beside the SLAs, under `included`."""


class Klasses(SmallList):
    """The first klasses are enabled and have kobjects; one each has another status."""

    def of_status(self, status: str) -> list[Record]:
        """What `?status=` shows."""
        return [entry for entry in self.records if entry["attributes"]["status"] == status]


class Metadata(SmallList):
    """Definitions of custom attributes: one object per resource."""

    def truth(self) -> Iterator[Record]:
        """One record per definition."""
        for entry in self.records:
            for name, definition in entry["attributes"]["properties"].items():
                resource = entry["attributes"]["resource"]
                spelt = {snake(key): value for key, value in definition.items()}
                yield {"id": f"{resource}.{name}", "resource": resource, "name": name, **spelt}


def lists(options: KustomerOptions, recorded: Recorded, first: int, last: int) -> dict[str, SmallList]:
    """All small resources by stream name, filled."""
    result: dict[str, SmallList] = {name: _maker(name) for name in TABLE}

    def created(number: int) -> str:
        return stamp(first + (number * 86_413_000) % max(1, last - first)).decode()

    for name, target in result.items():
        count = options.users if name == "users" else options.small
        target.records = [target.create(created(number)) for number in range(count)]
    users = result["users"]
    users.gone = [users.create(created(number + 50)) for number in range(3)] if options.users else []
    for entry in users.gone:
        entry["attributes"]["deletedAt"] = entry["attributes"]["updatedAt"]
    result["sla_versions"] = _sla_versions(result["slas"])
    result["klasses"] = _klasses(options, created)
    result["custom_attributes"] = _metadata(options, recorded, created(0))
    return result


def _sla_versions(slas: SmallList) -> SlaVersions:
    def make(number: int, created: str) -> Record:
        attributes = {"name": "Gold", "version": number % 2 + 1, "metrics": METRICS, "criteria": {"and": [], "or": []}}
        entry = record("sla_versions", "sla_version", "/slas/versions", number, attributes, created, updates=False)
        sla = slas.records[number // 2 % len(slas.records)]["id"]
        entry["relationships"]["sla"] = to("sla", "slas", sla)
        return entry

    versions = SlaVersions("", make)
    for sla in slas.records:
        versions.records += [versions.create(sla["attributes"]["createdAt"]) for _ in range(2)]
    return versions


def _klasses(options: KustomerOptions, created: Callable[[int], str]) -> Klasses:
    names = [*options.klasses, *(("retired", "leftover") if options.klasses else ())]

    def make(number: int, made: str) -> Record:
        listed = number < len(options.klasses)
        status = "enabled" if listed else KLASS_STATUSES[1 + number % 2]
        name = names[number] if number < len(names) else f"klass-{number}"
        attributes: Record = {
            "name": name,
            "displayName": name.title(),
            "icon": "box",
            "color": "blue",
            "status": status,
            "mixins": [],
        }
        return record("klasses", "klass", "/klasses", number, attributes, made, updates=True)

    klasses = Klasses("/klasses", make)
    klasses.records = [klasses.create(created(number)) for number in range(len(names))]
    return klasses


def _carried(recorded: Recorded, resource: str) -> dict[str, str]:
    """The custom attributes that recorded records have values of, and their types by the suffix of their names."""
    streams = ("customers", "conversations", "messages", "kobjects")
    records = (record for stream in streams for record in recorded.of(stream) if record["type"] == resource)
    names = {name: None for record in records for name in record["attributes"].get("custom", {})}
    return {
        name: next((kind for suffix, kind in CUSTOM_TYPES.items() if name.endswith(suffix)), "string") for name in names
    }


def _metadata(options: KustomerOptions, recorded: Recorded, created: str) -> Metadata:
    resources = ["company", "conversation", "customer", "message", *(f"kobject.{klass}" for klass in options.klasses)]

    def make(number: int, made: str) -> Record:
        resource = resources[number % len(resources)]
        properties = {
            name: {
                "displayName": name.title(),
                "type": kind,
                "array": name.endswith("Strs"),
                "enumeration": False,
                "modifiedAt": created,
                "deletedAt": None,
            }
            for name, kind in (METADATA | _carried(recorded, resource)).items()
        }
        attributes = {"resource": resource, "properties": properties}
        return {"type": "metadata", "id": listed("custom_attributes", number), "attributes": attributes}

    metadata = Metadata("/metadata", make)
    metadata.records = [metadata.create(created) for _ in resources]
    return metadata
