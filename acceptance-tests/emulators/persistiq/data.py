"""The data of the emulated company, and how it changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from emulators.moments import DAY_MS, naive, now_ms, parse_ms
from emulators.persistiq.settings import PersistiqOptions
from emulators.recorded import Recorded
from emulators.records import Collection, Ids
from emulators.templates import Shape, Shapes, Values

Record = dict[str, Any]
SEED_ENDS_BEFORE_MS = 60_000
SLOTS = ("key", "number", "created", "updated", "revision", "changed", "lead_key")
PACIFIC_MS = 7 * 3_600_000
LEAD_IDS, EVENT_IDS = Ids("l_", ""), Ids("evt_", "")
STATUSES = [
    {"id": f"lss_{number}s", "name": name}
    for number, name in enumerate(["active", "replied", "bounced", "optedout", "Gewonnen ✓"])
]
BUILT_IN = (
    "email", "first_name", "last_name", "company_name", "address", "city", "state", "phone", "title", "industry",
    "snippet", "snippet2", "snippet3", "snippet4", "linkedin", "twitter", "facebook", "salesforce_id",
)  # fmt: skip
CUSTOM = ("Revised At", "age", "Snippet", "is customer", "Größe", "twitch_name", "empty field", "outreach_link")
KINDS = (
    "lead_created", "message_sent", "message_opened", "message_sent", "message_clicked", "message_received",
    "message_bounced", "message_optout", "settings_changed",
)  # fmt: skip
HOOKS = ("post_new_prospect", "post_updated_prospect", "raw_events", "post_email_reply", "post_email_opened")


def pacific(ms: int) -> bytes:
    """`2014-07-09T15:08:44.000-07:00`, as every sample prints times."""
    text = naive(ms - PACIFIC_MS)
    return text[:19] + b".%03d-07:00" % (ms % 1000)


def utc(ms: int) -> bytes:
    """`2014-07-09T22:08:44.120Z`."""
    return naive(ms)[:19] + b".%03dZ" % (ms % 1000)


def values_of(leads: int) -> Callable[[int, int, int, int], Values]:
    """The function for the values of `SLOTS` in a company of so many leads."""
    leads = max(1, leads)

    def values(number: int, created: int, updated: int, revision: int) -> Values:
        key, lead = (b"%012d" % (each * Ids.FACTOR % Ids.MODULUS) for each in (number, number % leads))
        return (key, b"%d" % number, pacific(created), pacific(updated), b"%d" % revision, utc(updated), lead)

    return values


class Company:
    """Leads and events as collections, the rest as plain lists."""

    def __init__(self, options: PersistiqOptions) -> None:
        self.options = options
        self._chance = random.Random(options.seed + 1)
        self._made = 0
        self._started = now_ms() if options.clock_stands else 0
        self.last = (parse_ms(options.now) if options.now else self.now()) - SEED_ENDS_BEFORE_MS
        self.first = self.last - options.days * DAY_MS
        self.fields = [
            {"id": f"lcf_{number}f", "name": name, "label": name.replace("_", " ").title()}
            for number, name in enumerate([*BUILT_IN, *CUSTOM][: options.lead_fields])
        ]
        self.users = [self._user(number) for number in range(options.users)]
        self.domains = [{"id": f"dom_{n}d", "name": f"blocked-{n}.example.com"} for n in range(options.dnc_domains)]
        self.tags = [{"id": f"tag_{n}t", "name": f"Tag {n}"} for n in range(options.tags)]
        values = values_of(options.leads)
        self.leads = Collection("leads", LEAD_IDS, Shapes([self._lead(v) for v in range(24)], SLOTS), values)
        self.leads.fill(self._lead_times())
        shapes = [*(self._event(kind, v) for v, kind in enumerate(KINDS)), *map(self._oas_event, KINDS)]
        self.events = Collection("events", EVENT_IDS, Shapes(shapes, SLOTS), values)
        self.events.pattern = len(KINDS)
        self.events.fill((moment, moment) for moment in self._spread(options.events))
        made = [self._campaign(number) for number in range(options.campaigns)]
        self.campaigns = Recorded("persistiq", options.shape).rows("campaigns", made)
        self.campaign_leads = {c["id"]: self._members(n) for n, c in enumerate(self.campaigns)}
        self.replies = {c["id"]: self._replies(n, c["id"]) for n, c in enumerate(self.campaigns)}
        self.small = {
            "users": self.users, "lead_statuses": STATUSES, "lead_fields": self.fields, "tags": self.tags,
            "dnc_domains": self.domains, "campaigns": self.campaigns,
        }  # fmt: skip

    def now(self) -> int:
        """The vendor's clock."""
        return (self._started or now_ms()) + int(self.options.clock_offset * 1000)

    def hooks(self) -> Record:
        """The settings of the webhook integration."""
        urls = {
            f"{name}_url": f"https://hooks.example.com/catch/{n}/s3cr3t" for n, name in enumerate(HOOKS) if n % 2 == 0
        }
        return {name: n % 2 == 0 for n, name in enumerate(HOOKS)} | {f"{name}_url": None for name in HOOKS} | urls

    def _spread(self, count: int) -> list[int]:
        length = self.last - self.first
        return sorted(self.first + int(self._chance.random() * length) for _ in range(count))

    def _lead_times(self) -> Iterable[tuple[int, int]]:
        times = self._spread(self.options.leads)
        size = min(self.options.lead_ties, len(times))
        middle = (len(times) - size) // 2
        times[middle : middle + size] = [times[middle] if size else 0] * size
        self._chance.shuffle(times)
        return [(self.first + int(self._chance.random() * (updated - self.first)), updated) for updated in times]

    def _user(self, number: int) -> Record:
        boxes = [
            {
                "id": f"mbox_{number}{letter}",
                "email": f"user{number}{letter}@example.com",
                "campaign_ids": [f"c_{number}c"],
            }
            for letter in "ab"[: number % 3]
        ]
        user = {
            "id": f"u_{number}u", "name": f"Üser {number}", "email": f"user{number}@example.com",
            "activated": number != 1, "salesforce_id": None, "default_mailbox_id": boxes[0]["id"] if boxes else None,
        }  # fmt: skip
        return user | ({"mailboxes": boxes} if self.options.mailboxes else {})

    def _lead(self, variant: int) -> Shape:
        given: Record = {
            "email": "person@@number@@@example.com", "first_name": f"Jürgen {variant}", "last_name": "O'Neil",
            "company_name": "100 % \"Müller\" @@number@@", "city": "Köln" if variant % 2 else None, "phone": None,
            "title": "Head of Sales, revision @@revision@@", "industry": "Software", "age": variant * 3,
            "Snippet": "a capital", "is customer": variant % 3 == 0, "Größe": variant / 2, "twitch_name": "t@@number@@",
        }  # fmt: skip
        known = {field["name"] for field in self.fields}
        data = {name: value for name, value in given.items() if name in known and (value is not None or variant % 4)}
        return {
            "id": "l_@@key@@",
            "status": STATUSES[variant % 5]["name"] if variant % 7 else None,
            "data": data | {"Revised At": "@@changed@@"},
            "creator_id": f"u_{variant % 5}u",
            "owner_id": f"u_{variant % 4}u" if variant % 3 else None,
            "bounced": variant % 11 == 5,
            "optedout": variant % 13 == 6,
            "sent_count": variant % 9,
            "replied_count": variant % 3,
            "last_sent_at": "@@created@@" if variant % 2 else None,
        } | ({"updated_at": "@@updated@@"} if self.options.send_updated_at else {})

    def _event(self, kind: str, variant: int) -> Shape:
        return {
            "id": "evt_@@key@@", "kind": kind, "event_at": "@@created@@", "user_id": f"u_{variant % 5}u",
            "user": {"id": f"u_{variant % 5}u", "name": f"Üser {variant % 5}"} if variant % 3 else None,
            "campaign": {"id": f"c_{variant}c", "name": f"Campaign {variant}"} if variant % 2 else None,
            "lead": {"id": "l_@@lead_key@@", "status": "active", "data": {"email": "person@@number@@@example.com"}},
            "params": {"subject": "Hello @@number@@"} if variant % 4 else None, "diff": None,
        }  # fmt: skip

    def _oas_event(self, kind: str) -> Shape:
        data = {"lead_id": "l_@@lead_key@@", "subject": "Hello @@number@@"}
        return {"id": "evt_@@key@@", "event_type": kind, "data": data, "created_at": "@@created@@"}

    def _campaign(self, number: int) -> Record:
        counts = ("contacted", "reached", "opened", "replied", "bounced", "optedout")
        stats = {f"prospects_{name}": number * 7 % (n + 3) for n, name in enumerate(counts)} | {"total_prospects": 9}
        creator = {"id": "u_0u", "name": "Üser 0", "email": "user0@example.com"} if number % 5 else None
        return {"id": f"c_{number}c", "name": f"Campaign {number}", "creator": creator, "stats": stats}

    def _members(self, number: int) -> list[int]:
        """The numbers of a campaign's leads."""
        size = 0 if number % 4 == 3 else self.options.campaign_leads * (number % 3 + 1) // 2
        count = self.options.leads
        return [(number * 37 + step) % count for step in range(min(size, count))]

    def _replies(self, number: int, campaign: str) -> list[Record]:
        size = 0 if number % 4 == 3 else self.options.replies * (number % 3 + 1) // 2
        return [self._reply(campaign, moment) for moment in self._spread(size)]

    def _reply(self, campaign: str, moment: int) -> Record:
        self._made += 1
        number = self._made
        return {
            "id": f"rep_{number}r", "from_email": f"person{number}@example.com", "to_emails": ["user0@example.com"],
            "cc_emails": [], "subject": f"Re: Hello {number}", "body": "<p>Ja, gern: 100 %</p>", "preview": "Ja, gern",
            "sent_at": pacific(moment).decode(), "sentiment": "positive" if number % 3 == 0 else None, "kind": "reply",
            "lead_id": LEAD_IDS.id(number % max(1, self.options.leads)).decode(), "campaign_id": campaign,
            "step_message_id": f"sm_{number}" if number % 2 else None, "_ms": moment,
        }  # fmt: skip

    # Changes.

    def touch(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        """Change records now; `KeyError` for an unknown stream."""
        if stream in ("leads", "events"):
            collection = self.leads if stream == "leads" else self.events
            is_log = stream == "events"
            touched = collection.touch(
                self._chance, self.now(), 0 if is_log else update, create, 0 if is_log else delete
            )
            return {action: [collection.ids.id(n).decode() for n in found] for action, found in touched.items()}
        if stream == "campaign_replies":
            campaigns = [self._chance.choice(self.campaigns)["id"] for _ in range(create)]
            made = [self._reply(campaign, self.now()) for campaign in campaigns]
            for reply in made:
                self.replies[reply["campaign_id"]].append(reply)
            return {"updated": [], "created": [reply["id"] for reply in made], "deleted": []}
        if stream == "campaign_leads":
            return self._touch_members(create, delete)
        return self._touch_small(stream, update, create, delete)

    def _touch_members(self, create: int, delete: int) -> dict[str, list[str]]:
        made: list[str] = []
        gone: list[str] = []
        for _ in range(50 * (create + delete)):
            campaign = self._chance.choice(self.campaigns)["id"]
            members = self.campaign_leads[campaign]
            if len(gone) < delete and members:
                gone.append(member_id(campaign, members.pop(self._chance.randrange(len(members)))))
            elif len(made) < create:
                number = self._chance.randrange(len(self.leads.created))
                if number not in members and self.leads.alive(number):
                    members.insert(0, number)
                    made.append(member_id(campaign, number))
        return {"updated": [], "created": made, "deleted": gone}

    def _touch_small(self, stream: str, update: int, create: int, delete: int) -> dict[str, list[str]]:
        records = self.small[stream]
        changed = self._chance.sample(records, min(update, len(records)))
        for record in changed:
            record["name"] = f"{record['name']}'"
        gone = [records.pop(self._chance.randrange(len(records))) for _ in range(min(delete, len(records)))]
        made = []
        for _ in range(create):
            self._made += 1
            record = records[0] | {"id": f"new_{self._made}", "name": f"New {self._made}"}
            if stream == "users":
                record["mailboxes"] = []
            if stream == "campaigns":
                self.campaign_leads[record["id"]], self.replies[record["id"]] = [], []
            records.insert(0, record)
            made.append(record)
        found = {"updated": changed, "created": made, "deleted": gone}
        return {action: [str(record["id"]) for record in part] for action, part in found.items()}


def member_id(campaign: str, number: int) -> str:
    """The id of a lead's place in a campaign."""
    return f"cl_{campaign[2:]}_{number}"
