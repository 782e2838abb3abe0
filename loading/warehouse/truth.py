"""Figures of the emulated accounts, counted from their records: what the dbt models of `models/` must come to.

A second way to the same numbers, through neither connector, warehouse nor SQL. Figures are named like the models;
`model.total` is a total of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Record = dict[str, Any]
Streams = Mapping[str, list[Record]]
Figures = dict[str, int]

# Activities of Close that did not happen, or not yet.
NOT_DONE = {"draft", "scheduled", "outbox", "error", "canceled", "declined-by-lead", "declined-by-org"}
CLOSE_CHANNELS = {
    "call_activities": "call", "email_activities": "email", "meeting_activities": "meeting", "sms_activities": "sms",
    "whatsapp_message_activities": "whatsapp",
}  # fmt: skip
PHONES = ("homePhones", "mobilePhones", "otherPhones", "voipPhones", "workPhones")
# Streams of Outreach with links to a CRM.
CONNECTED = ("accounts", "calls", "mailings", "opportunities", "opportunity_stages", "prospects", "users")


class Touch(NamedTuple):
    """A call, message or meeting. Person and campaign are none where they have been deleted."""

    channel: str
    incoming: bool
    at: datetime
    person: Any = None
    campaign: Any = None
    conversation: Any = None
    automatic: bool = False


def figures(accounts: Mapping[str, Streams]) -> Figures:
    """All figures of these accounts, by connector the records of each stream."""
    found: Figures = {}
    totals: Figures = {}
    touches = {name: list(TOUCHES[name](streams)) for name, streams in accounts.items()}
    for name, streams in accounts.items():
        own = COUNTS[name](streams) | {"touches": len(touches[name])}
        found |= {f"{name}_{model}": count for model, count in own.items()}
        for model, count in own.items():
            totals[model] = totals.get(model, 0) + count
    every = [touch for listed in touches.values() for touch in listed]
    found |= {model: totals.get(model, 0) for model in SUMMED} | {"touches_by_day.touches": len(every)}
    found |= {f"touches_by_day.{channel}": sum(touch.channel == channel for touch in every) for channel in CHANNELS}
    found |= _response_times(touches)
    return found | _campaigns(accounts, touches)


SUMMED = ("users", "accounts", "people", "touches", "opportunities", "pipeline_movements", "campaigns")
CHANNELS = ("call", "email", "sms", "meeting", "whatsapp", "chat")


def _closeio(streams: Streams) -> Figures:
    contacts, opportunities = _ids(streams["contacts"]), _ids(streams["opportunities"])
    changes = streams["opportunity_status_change_activities"]
    values = [lead[name] for lead in streams["leads"] for name in lead if name.startswith("custom.")]
    return {
        "accounts": len(streams["leads"]),
        "people": len(contacts),
        "account_contacts": sum(entry["id"] in contacts for lead in streams["leads"] for entry in lead["contacts"]),
        "contact_points": _items(streams["contacts"], "emails", "phones"),
        "custom_values": sum(value is not None for value in values),
        "users": len(_ids(streams["users"]) | {entry["user_id"] for entry in streams["memberships"]}),
        "opportunities": len(opportunities),
        "opportunities.cents": sum(entry["value"] or 0 for entry in streams["opportunities"]),
        "pipeline_movements": len(opportunities) + sum(change["opportunity_id"] in opportunities for change in changes),
        "campaigns": len(streams["email_sequences"]),
        "campaign_members": len(_members("closeio", streams)),
    }


def _persistiq(streams: Streams) -> Figures:
    data = [lead["data"] for lead in streams["leads"]]
    return {
        "accounts": len({fields["company_name"] for fields in data if fields.get("company_name")}),
        "people": len(data),
        "contact_points": sum(fields.get(kind) is not None for fields in data for kind in ("email", "phone")),
        "custom_values": sum(value is not None for fields in data for value in fields.values()),
        "users": len(streams["users"]),
        "campaigns": len(streams["campaigns"]),
        "campaign_members": len(_members("persistiq", streams)),
    }


def _kustomer(streams: Streams) -> Figures:
    customers = _living(streams["customers"])
    return {
        "accounts": len(_living(streams["companies"])),
        "people": len(customers),
        "contact_points": _items(customers, "emails", "phones"),
        "custom_values": sum(
            value is not None for customer in customers for value in (customer.get("custom") or {}).values()
        ),
        "users": len(streams["users"]),
        "conversations": len(_conversations(streams)),
    }


def _outreach(streams: Streams) -> Figures:
    connections = [
        link for stream in CONNECTED for record in streams[stream] for link in record["dataConnections"] or ()
    ]
    return {
        "accounts": len(streams["accounts"]),
        "people": len(streams["prospects"]),
        "contact_points": _items(streams["prospects"], "emails", *PHONES),
        "custom_values": sum(
            record.get(f"custom{number}") is not None
            for stream in ("accounts", "prospects", "opportunities")
            for record in streams[stream]
            for number in range(1, 151)
        ),
        "users": len(streams["users"]),
        "opportunities": len(streams["opportunities"]),
        "opportunities.amount": sum(entry.get("amount") or 0 for entry in streams["opportunities"]),
        "pipeline_movements": len(streams["opportunities"]),
        "campaigns": len(streams["sequences"]),
        "campaign_members": len(_members("outreach", streams)),
        "data_connections": len(connections),
        "data_connections.salesforce": sum(link["type"] == "Salesforce" for link in connections),
        "data_connections.identified": sum(bool(link.get("externalId") or link.get("id")) for link in connections),
    }


def _closeio_touches(streams: Streams) -> Iterator[Touch]:
    contacts = _ids(streams["contacts"])
    for stream, channel in CLOSE_CHANNELS.items():
        for entry in streams[stream]:
            if entry.get("status") not in NOT_DONE:
                incoming = entry.get("direction") in ("inbound", "incoming")
                person = _if_in(contacts, entry["contact_id"])
                campaign, thread = entry.get("sequence_id"), entry.get("thread_id")
                yield Touch(channel, incoming, _time(entry["activity_at"]), person, campaign, thread)


def _persistiq_touches(streams: Streams) -> Iterator[Touch]:
    leads, campaigns = _ids(streams["leads"]), _ids(streams["campaigns"])

    def touch(incoming: bool, at: str, lead: str, campaign: str, automatic: bool) -> Touch:
        known = (_if_in(leads, lead), _if_in(campaigns, campaign))
        return Touch("email", incoming, _time(at), *known, (campaign, lead), automatic)

    for entry in streams["events"]:
        if entry["kind"] == "message_sent":
            yield touch(False, entry["event_at"], entry["lead"]["id"], entry["campaign"]["id"], False)
    for entry in streams["campaign_replies"]:
        yield touch(True, entry["sent_at"], entry["lead_id"], entry["campaign_id"], entry["kind"] != "reply")


def _kustomer_touches(streams: Streams) -> Iterator[Touch]:
    conversations = _conversations(streams)
    for entry in _living(streams["messages"]):
        if entry["conversation_id"] in conversations:
            at = _time(entry["sent_at"] or entry["created_at"])
            channel = "call" if entry["channel"] == "voice" else entry["channel"]
            person, conversation = conversations[entry["conversation_id"]], entry["conversation_id"]
            yield Touch(channel, entry["direction"] == "in", at, person, None, conversation, bool(entry["auto"]))


def _outreach_touches(streams: Streams) -> Iterator[Touch]:
    prospects, sequences = _ids(streams["prospects"]), _ids(streams["sequences"])

    def touch(entry: Record, channel: str, incoming: bool, at: str, conversation: Any = None) -> Touch:
        known = (_if_in(prospects, entry.get("prospectId")), _if_in(sequences, entry.get("sequenceId")))
        return Touch(channel, incoming, _time(at), *known, conversation)

    for entry in streams["mailings"]:
        for incoming, name in ((False, "deliveredAt"), (True, "repliedAt")):
            if entry.get(name):
                yield touch(entry, "email", incoming, entry[name], entry["id"])
    for entry in streams["calls"]:
        at = entry.get("dialedAt") or entry.get("answeredAt") or entry["createdAt"]
        yield touch(entry, "call", entry.get("direction") == "inbound", at)


def _response_times(touches: Mapping[str, list[Touch]]) -> Figures:
    """Conversations answered by the team and by customers, and the sum of the minutes that they waited."""
    conversations: dict[Any, list[Touch]] = {}
    for name, listed in touches.items():
        for touch in listed:
            if touch.conversation is not None:
                conversations.setdefault((name, touch.conversation), []).append(touch)
    found: Figures = {}
    for who, asked_by_customer in (("team", True), ("customer", False)):
        waits = []
        for listed in conversations.values():
            asked = [touch.at for touch in listed if touch.incoming is asked_by_customer]
            if asked:
                answers = (t.at for t in listed if t.incoming is not asked_by_customer and not t.automatic)
                if answer := min((at for at in answers if at > min(asked)), default=None):
                    waits.append((answer - min(asked)).total_seconds())
        found |= {f"response_times.{who}": len(waits), f"response_times.{who}_minutes": round(sum(waits) / 60)}
    return found


def _campaigns(accounts: Mapping[str, Streams], touches: Mapping[str, list[Touch]]) -> Figures:
    """Over all campaigns: who is in them or was written to, what was sent, and what came back."""
    involved = {(name, touch.campaign, touch.person) for name, listed in touches.items() for touch in listed}
    for name in accounts.keys() & MEMBERS.keys():
        involved |= {(name, campaign, person) for campaign, person in _members(name, accounts[name])}
    in_campaigns = [(name, touch) for name, listed in touches.items() for touch in listed if touch.campaign is not None]
    replies = [(name, touch) for name, touch in in_campaigns if touch.incoming and not touch.automatic]
    replied = {(name, touch.campaign, touch.person) for name, touch in replies if touch.person is not None}
    return {
        "campaigns.people": sum(None not in (campaign, person) for _, campaign, person in involved),
        "campaigns.messages": sum(not touch.incoming for _, touch in in_campaigns),
        "campaigns.replies": len(replies),
        "campaigns.people_who_replied": len(replied),
    }


COUNTS: Mapping[str, Callable[[Streams], Figures]] = {
    "closeio": _closeio, "persistiq": _persistiq, "kustomer": _kustomer, "outreach": _outreach,
}  # fmt: skip
TOUCHES: Mapping[str, Callable[[Streams], Iterator[Touch]]] = {
    "closeio": _closeio_touches, "persistiq": _persistiq_touches, "kustomer": _kustomer_touches,
    "outreach": _outreach_touches,
}  # fmt: skip
# By connector the stream of who is in which campaign, and where campaigns and people are: (stream, column).
MEMBERS = {
    "closeio": ("sequence_subscriptions", ("email_sequences", "sequence_id"), ("contacts", "contact_id")),
    "persistiq": ("campaign_leads", ("campaigns", "campaign_id"), ("leads", "lead_id")),
    "outreach": ("sequence_states", ("sequences", "sequenceId"), ("prospects", "prospectId")),
}


def _members(name: str, streams: Streams) -> list[tuple[Any, Any]]:
    """(campaign, person) of those who are in a campaign, both of which are there."""
    stream, (campaigns, campaign), (people, person) = MEMBERS[name]
    known, living = _ids(streams[campaigns]), _ids(streams[people])
    pairs = [(entry.get(campaign), entry.get(person)) for entry in streams[stream]]
    return [(campaign, person) for campaign, person in pairs if campaign in known and person in living]


def _if_in(present: set[Any], identifier: Any) -> Any:
    """The id of what is there; none of what has been deleted."""
    return identifier if identifier in present else None


def _ids(records: Iterable[Record]) -> set[Any]:
    return {record["id"] for record in records}


def _items(records: Iterable[Record], *names: str) -> int:
    return sum(len(record.get(name) or []) for record in records for name in names)


def _living(records: Iterable[Record]) -> list[Record]:
    """Kustomer's deleted records say so themselves."""
    return [record for record in records if not record.get("deleted")]


def _conversations(streams: Streams) -> dict[str, str]:
    """Id -> customer of the conversations of Kustomer that are there, with their customer."""
    customers = _ids(_living(streams["customers"]))
    living = _living(streams["conversations"])
    return {entry["id"]: entry["customer_id"] for entry in living if entry["customer_id"] in customers}


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
