"""Tasks of all types: shapes and slot values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.close.activities import CALL_PLACE, EMAIL_PLACE, SMS_PLACE
from emulators.close.activities import PATTERN as ACTIVITY_PATTERN
from emulators.close.identity import ORGANIZATION_ID, user_id, user_name
from emulators.close.settings import CloseOptions
from emulators.moments import DAY_MS, date, with_offset
from emulators.records import Ids
from emulators.templates import Shape, Shapes, Values

TASK_IDS = Ids("task_")
TAIL = TASK_IDS.tail
SLOTS = (
    "key", "number", "created", "updated", "revision", "lead_key", "date", "user_id", "user_name", "moment",
    "object_key", "home_key",
)  # fmt: skip

_PHONES = {
    "phone": "+442071234567", "phone_formatted": "+44 20 7123 4567", "local_phone": "+4930123456",
    "local_phone_formatted": "+49 30 123456", "phone_number_description": "Office", "recording_url": None,
    "voicemail_url": None, "voicemail_duration": 0,
}  # fmt: skip
DETAILS: dict[str, dict[str, Any]] = {
    "lead": {"text": "Call back @@number@@, revision @@revision@@"},
    "incoming_email": {
        "emails": [{"id": f"acti_@@object_key@@{TAIL}"}], "subject": "Re: offer", "body_preview": "Thanks",
        "cleared_followups": [],
    },
    "email_followup": {
        "email_id": f"acti_@@object_key@@{TAIL}", "subject": "Offer", "body_preview": "Dear customer",
        "total_emails_count_in_thread": 1,
    },
    "missed_call": _PHONES,
    "answered_detached_call": _PHONES,
    "voicemail": _PHONES | {"voicemail_url": "https://calls.example.com/@@number@@", "voicemail_duration": 17},
    "opportunity_due": {
        "opportunity_note": "Revision @@revision@@", "opportunity_value": 5000, "opportunity_value_period": "monthly",
        "opportunity_value_formatted": "$50", "opportunity_value_currency": "USD",
    },
    "incoming_sms": {
        "remote_phone": "+442071234567", "remote_phone_formatted": "+44 20 7123 4567", "local_phone": "+4930123456",
        "local_phone_formatted": "+49 30 123456",
    },
    "outgoing_call": _PHONES,
}  # fmt: skip
PATTERN = (
    "lead", "lead", "incoming_email", "lead", "email_followup", "missed_call", "lead", "answered_detached_call",
    "voicemail", "lead", "opportunity_due", "incoming_sms", "outgoing_call", "lead",
)  # fmt: skip
"""The types that task numbers cycle through."""

OBJECTS = {
    "incoming_email": ("email", EMAIL_PLACE), "email_followup": ("email", EMAIL_PLACE),
    "missed_call": ("call", CALL_PLACE), "answered_detached_call": ("call", CALL_PLACE),
    "voicemail": ("call", CALL_PLACE), "outgoing_call": ("call", CALL_PLACE), "incoming_sms": ("sms", SMS_PLACE),
    "opportunity_due": ("opportunity", None),
}  # fmt: skip
"""What a task of that type is about, and the place of such activities in their pattern."""

LEAD_STEP = 13
"""Task n belongs to lead n * 13 modulo the number of leads."""

LEADLESS_PLACE = 2
"""The place in the pattern of tasks that belong to no lead."""


def lead_of(number: int, leads: int) -> int | None:
    """The number of the lead that a task was made for."""
    return None if number % len(PATTERN) == LEADLESS_PLACE else number * LEAD_STEP % max(1, leads)


def task_type(number: int) -> str:
    """The `_type` of a task."""
    return PATTERN[number % len(PATTERN)]


def task_shapes() -> Shapes:
    """One shape per place of the pattern."""
    return Shapes([_shape(place, kind) for place, kind in enumerate(PATTERN)], SLOTS)


def due_ms(number: int, created: int) -> int:
    """When a task is due; it never changes."""
    return created + number * 37 % 90 * DAY_MS


def object_of(number: int, options: CloseOptions) -> int:
    """The number of the activity or opportunity that a task is about."""
    _, place = OBJECTS.get(task_type(number), ("", None))
    if place is None:
        return number % max(1, options.opportunities)
    return number % max(1, options.activities // len(ACTIVITY_PATTERN)) * len(ACTIVITY_PATTERN) + place


def task_values(options: CloseOptions, moved: dict[int, int]) -> Callable[[int, int, int, int], Values]:
    """The function for the values of `SLOTS` in such an account; `moved`: leads that were merged."""
    people = [(user_id(number).encode(), user_name(number).encode()) for number in range(max(1, options.users))]
    leads = max(1, options.leads)

    def values(number: int, created: int, updated: int, revision: int) -> Values:
        due = due_ms(number, created)
        person = people[number % len(people)]
        lead = number * LEAD_STEP % leads
        while lead in moved:
            lead = moved[lead]
        return (
            b"%012d" % (number * Ids.FACTOR % Ids.MODULUS),
            b"%d" % number,
            with_offset(created),
            with_offset(updated),
            b"%d" % revision,
            b"%012d" % (lead * Ids.FACTOR % Ids.MODULUS),
            date(due),
            person[0],
            person[1],
            with_offset(due),
            b"%012d" % (object_of(number, options) * Ids.FACTOR % Ids.MODULUS),
            # Contacts keep their ids when their lead is merged into another.
            b"%012d" % (number * LEAD_STEP % leads * Ids.FACTOR % Ids.MODULUS),
        )

    return values


def _shape(place: int, kind: str) -> Shape:
    due = "@@date@@" if place % 2 else "@@moment@@"
    about, _ = OBJECTS.get(kind, (None, None))
    return {
        "id": f"task_@@key@@{TAIL}",
        "_type": kind,
        "organization_id": ORGANIZATION_ID,
        "lead_id": f"lead_@@lead_key@@{TAIL}" if place != LEADLESS_PLACE else None,
        "lead_name": "Northwind @@number@@" if place != LEADLESS_PLACE else None,
        "assigned_to": "@@user_id@@",
        "assigned_to_name": "@@user_name@@",
        "contact_id": f"cont_@@home_key@@{TAIL}" if place % 5 == 1 else None,
        "contact_name": None,
        "agent_config_id": None,
        "deduplication_key": None,
        "date": due,
        "is_complete": place % 3 == 0,
        "is_dateless": False,
        "is_primary_lead_notification": kind != "lead",
        "object_id": f"{'oppo' if about == 'opportunity' else 'acti'}_@@object_key@@{TAIL}" if about else None,
        "object_type": about,
        "priority": ("low", "medium", "high")[place % 3],
        "resolution": None,
        "sequence_id": f"seq_0000{TAIL}" if place % 7 == 0 else None,
        "sequence_subscription_id": f"sub_000000{TAIL}" if place % 7 == 0 else None,
        "view": "archive" if place % 3 == 0 else "inbox",
        "created_by": "@@user_id@@",
        "created_by_name": "@@user_name@@",
        "updated_by": "@@user_id@@",
        "updated_by_name": "@@user_name@@",
        "date_created": "@@created@@",
        "date_updated": "@@updated@@",
        **({"due_date": due} if kind == "lead" else {}),
    } | DETAILS[kind]
