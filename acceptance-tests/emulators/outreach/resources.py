"""The resources as the documentation lists them: `resources.txt`, three lines each.

First `plural type`, with `+dataConnections` where links to a CRM can be asked for, then the attributes as `name:kind`
with F (filterable) and S (sortable), then the relationships.
Kinds: s text, i integer, f number, b boolean, d date-time, D date (live ones also date-times), E e-mail, a texts,
e e-mails, O objects, o object, H pairs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Seen in live records, in no schema.
LIVE: dict[str, tuple[str, ...]] = {
    "users": ("globalId:s", "onboardedAt:d", "defaultScheduleId:i", "tasksDueCount:i", "primaryTimezone:s"),
    "mailings": ("desiredAt:d", "followUpSequenceId:i", "followUpSequenceName:s", "scheduleId:i", "replySentiment:s"),
    "calls": ("recordingDeletionReason:s",),
    "callDispositions": ("defaultForOutboundVoicemail:b",),
    "opportunities": ("healthScore:f", "healthCategory:s", "mapNumberOfOverdueTasks:i"),
    "accounts": ("trashedAt:d", "intentTrend:O"),
    "mailboxes": ("ewsImpersonation:b", "sendPermanentErrorAt:d"),
    "prospects": ("accountName:s", "companySize:i", "stageName:s", "smsOptedOut:b"),
    "webhooks": ("cleanupToken:s",),
}
UNLISTED: dict[str, frozenset[str]] = {"accounts": frozenset(["intentTrend"])}
"""Hidden attributes that no schema lists: whoever wants them must know their names."""
HIDDEN: dict[str, frozenset[str]] = {
    "prospects": frozenset(["contactHistogram"]),
    "kaiaRecordings": frozenset(["topics"]),
} | UNLISTED
"""Attributes that come only when a fieldset names them."""
BY_ID_ONLY = ("imports", "orgSettings")
UUID_KEYS = ("auditLogs", "orgSettings")
SECRETS = {
    "mailboxes": ("password", "smtpPassword", "sendgridApiKey"),
    "webhooks": ("secret", "cleanupToken"),
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute with its badges."""

    name: str
    kind: str
    filterable: bool = False
    sortable: bool = False


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship: `how` is one, many, links, unknown or "unknown one": declared without data or links."""

    name: str
    how: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """One collection."""

    plural: str
    type: str
    attributes: tuple[Attribute, ...]
    relationships: tuple[Relationship, ...]
    connections: bool = False
    """Whether `provideDataConnections` is documented for it."""

    @property
    def stream(self) -> str:
        """`callDispositions` as `call_dispositions`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.plural).lower()

    def attribute(self, name: str) -> Attribute | None:
        """By name."""
        return next((each for each in self.attributes if each.name == name), None)

    @property
    def order(self) -> str | None:
        """The attribute that the records can be read by."""
        for name in ("updatedAt", "createdAt", "timestamp"):
            found = self.attribute(name)
            if found is not None and found.filterable and found.sortable:
                return name
        return None


@cache
def resources() -> dict[str, Resource]:
    """All by plural name."""
    lines = Path(__file__).with_name("resources.txt").read_text().splitlines()
    found = [_resource(*lines[at : at + 3]) for at in range(0, len(lines), 3)]
    return {each.plural: each for each in found}


def _resource(head: str, attributes: str, relationships: str) -> Resource:
    plural, kind, *rest = head.split()
    listed = [each for part in attributes.strip().split(", ") for each in _attributes(part)]
    listed += [each for part in LIVE.get(plural, ()) for each in _attributes(part)]
    related = tuple(_relationships(relationships.strip()))
    return Resource(plural, kind, tuple(listed), related, connections="+dataConnections" in rest)


def _attributes(part: str) -> list[Attribute]:
    name, _, rest = part.partition(":")
    if name.startswith("custom1.."):
        return [Attribute(f"custom{number}", "s") for number in range(1, int(name[9:]) + 1)]
    return [Attribute(name, rest[0], "F" in rest[1:], "S" in rest[1:])]


def _relationships(text: str) -> list[Relationship]:
    found = []
    for group in [] if text == "none" else text.split("; "):
        how, _, rest = group.partition(" ")
        for part in rest.replace("(no, data/links)", ">?").split(", "):
            name, _, types = part.rstrip("+").partition(">")
            found.append(Relationship(name, "unknown" if types == "?" else how, tuple((types or name).split("/"))))
    return found


def custom_objects(number: int, names: Sequence[str] = ()) -> list[Resource]:
    """Objects that an administrator has made; the second has no time that could be filtered by. `names`: of more."""
    first = (
        Attribute("my_object_name", "s", True, True),
        Attribute("amount", "f", True, True),
        Attribute("type", "s"),
        Attribute("createdAt", "d", True, True),
        Attribute("updatedAt", "d", True, True),
    )
    second = (Attribute("label", "s", True, True), Attribute("createdAt", "d"), Attribute("updatedAt", "d"))
    links = (Relationship("account", "one", ("account",)), Relationship("related", "many", ("myCustomObject",)))
    return [
        Resource("myCustomObject", "myCustomObject", first, links),
        Resource("renewal_2026", "renewal_2026", second, links[:1]),
    ][:number] + [Resource(name, name, first, links) for name in names]
