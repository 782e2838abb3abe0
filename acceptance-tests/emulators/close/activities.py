"""Activities of all types: shapes and slot values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.close.identity import LEAD_STATUSES, ORGANIZATION_ID, user_id, user_name
from emulators.close.objects import STATUSES
from emulators.close.settings import CloseOptions
from emulators.moments import DAY_MS, with_offset
from emulators.records import Ids
from emulators.templates import Shape, Shapes, Values

ACTIVITY_IDS = Ids("acti_")
TAIL = ACTIVITY_IDS.tail
SLOTS = (
    "key", "number", "created", "updated", "revision", "lead_key", "user_id", "user_name", "later", "home_key",
    "task_key", "opportunity_key", "thread_key",
)  # fmt: skip
LEAD_STEP = 31
"""Activity n belongs to lead n * 31 modulo the number of leads."""

THREAD = "EmailThread"
TYPED_PATHS = {
    "call": "Call",
    "email": "Email",
    "emailthread": THREAD,
    "note": "Note",
    "sms": "SMS",
    "meeting": "Meeting",
    "created": "Created",
    "task_completed": "TaskCompleted",
    "lead_merge": "LeadMerge",
    "whatsapp_message": "WhatsAppMessage",
    "form_submission": "FormSubmission",
    "status_change/lead": "LeadStatusChange",
    "status_change/opportunity": "OpportunityStatusChange",
    "custom": "CustomActivity",
}
OBJECT_TYPES = {
    "Call": "call", "Email": "email", THREAD: "email_thread", "Note": "note", "SMS": "sms", "Meeting": "meeting",
    "Created": "created", "TaskCompleted": "task_completed", "LeadMerge": "lead_merge",
    "WhatsAppMessage": "whatsapp_message", "FormSubmission": "form_submission",
    "LeadStatusChange": "lead_status_change", "OpportunityStatusChange": "opportunity_status_change",
    "CustomActivity": "custom_activity",
}  # fmt: skip
"""`_type` to the name in searches and events, there after `activity.`."""

STREAMS = {
    **{f"{name}_activities": kind for kind, name in OBJECT_TYPES.items() if kind != "CustomActivity"},
    "custom_activity_instances": "CustomActivity",
}
"""Stream to `_type`."""

_PHONE = {
    "local_phone": "+4930123456", "local_phone_formatted": "+49 30 123456", "local_country_iso": "DE",
    "remote_phone": "+442071234567", "remote_phone_formatted": "+44 20 7123 4567", "remote_country_iso": "GB",
}  # fmt: skip
_LEAD_STATUS_CHANGE = {
    "old_status_id": LEAD_STATUSES[0]["id"], "old_status_label": LEAD_STATUSES[0]["label"],
    "new_status_id": LEAD_STATUSES[2]["id"], "new_status_label": LEAD_STATUSES[2]["label"],
}  # fmt: skip
_OPPORTUNITY_STATUS_CHANGE = {
    "old_status_id": STATUSES[0][0], "old_status_label": STATUSES[0][1], "old_status_type": STATUSES[0][2],
    "new_status_id": STATUSES[1][0], "new_status_label": STATUSES[1][1], "new_status_type": STATUSES[1][2],
}  # fmt: skip
DETAILS: dict[str, dict[str, Any]] = {
    "Call": {
        "direction": "outbound", "status": "completed", "disposition": "answered", "duration": "@#revision@#",
        "call_method": "regular", "cost": "0.0210", "date_answered": "@@created@@", "is_forwarded": False,
        "has_recording": False, "recording_url": None, "voicemail_url": None, "voicemail_duration": 0,
        "note": "Call revision @@revision@@", "note_html": "<p>Call revision @@revision@@</p>",
        "phone": "+442071234567", "source": "Close.io", "is_joinable": False, "is_to_group_number": False,
        "coach_legs": [], "outcome_id": f"outcome_0000{TAIL}",
    } | _PHONE,
    "Email": {
        "direction": "outgoing", "status": "sent", "subject": "Offer @@number@@", "sender": "sales@example.com",
        "to": ["buyer@@number@@@example.org"], "cc": [], "bcc": [], "envelope": {"is_autoreply": False},
        "body_text": "Dear customer,\nrevision @@revision@@ at 100 % of the price.", "body_preview": "Dear customer,",
        "body_html": "<p>Dear customer,</p>", "body_text_quoted": [], "attachments": [], "opens": [],
        "opens_summary": None, "has_reply": False, "in_reply_to_id": None, "message_ids": ["<@@key@@@example.com>"],
        "references": [], "thread_id": f"acti_@@thread_key@@{TAIL}", "template_id": f"tmpl_0000{TAIL}",
        "email_account_id": f"emailacct_0000{TAIL}", "date_sent": "@@created@@",
        "date_scheduled": None, "need_smtp_credentials": False, "followup_sequence_delay": None,
    },
    THREAD: {
        "latest_normalized_subject": "Offer @@number@@", "n_emails": 2,
        "participants": [{"name": "Buyer", "email": "buyer@@number@@@example.org"}], "latest_emails": [],
    },
    "Note": {
        "note": "Note @@number@@, revision @@revision@@", "note_html": "<p>Note @@number@@</p>", "title": None,
        "pinned_at": None, "attachments": [],
    },
    "SMS": {
        "direction": "inbound", "status": "inbox", "text": "On my way, revision @@revision@@", "cost": "0.0075",
        "date_sent": None, "date_scheduled": None, "error_message": None, "source": "Close.io", "template_id": None,
        "attachments": [],
    } | _PHONE,
    "Meeting": {
        "title": "Demo @@number@@", "status": "upcoming", "starts_at": "@@later@@", "ends_at": "@@later@@",
        "duration": 1800, "actual_duration": None, "location": None, "note": "Revision @@revision@@",
        "attendees": [{"name": "Buyer", "email": "buyer@example.org", "status": "yes", "is_organizer": False}],
        "source": "calendar", "is_recurring": False, "conference_links": [], "integrations": [], "summary": None,
    },
    "Created": {"source": "Close.io", "import_id": None},
    "TaskCompleted": {
        "task_id": f"task_@@task_key@@{TAIL}", "task_text": "Call back @@number@@", "task_assigned_to": "@@user_id@@",
        "task_assigned_to_name": "@@user_name@@",
    },
    "LeadStatusChange": _LEAD_STATUS_CHANGE,
    "OpportunityStatusChange": _OPPORTUNITY_STATUS_CHANGE | {
        "pipeline_id": None, "pipeline_name": None,
        "opportunity_id": f"oppo_@@opportunity_key@@{TAIL}", "opportunity_value": 120000,
        "opportunity_value_currency": "EUR",
        "opportunity_value_formatted": "€1,200", "opportunity_value_period": "one_time",
        "opportunity_confidence": 80,
    },
    "CustomActivity": {
        "custom_activity_type_id": "actitype_1QvR7tXc2LmN4pZsK", "status": "published",
        "custom.cf_acti0000QvR7tXc2LmN4pZsK": "Revision @@revision@@",
    },
    "LeadMerge": {"source_lead_id": f"lead_@@key@@{TAIL}", "destination_lead_id": f"lead_@@lead_key@@{TAIL}"},
    "WhatsAppMessage": {
        "external_whatsapp_message_id": "wamid.@@key@@", "message_html": "<p>Hello</p>", "message_markdown": "Hello",
        "text": "Hello", "attachments": [], "direction": "incoming", "response_to_id": None, "integration_name": None,
    } | _PHONE,
    "FormSubmission": {
        "form_id": "form_1", "form_configuration_id": "formconf_1", "form_name": "Contact us",
        "ip_address": "192.0.2.7",
        "origin": None, "source_url": None, "values": {"cf_1": "yes"}, "values_by_name": {"Agreed": "yes"},
    },
}  # fmt: skip
PATTERN = (
    "Note", "Email", "Call", THREAD, "Email", "SMS", "Meeting", "Call", "Created", "LeadStatusChange", "Note", "Email",
    "TaskCompleted", "Call", "OpportunityStatusChange", "Email", THREAD, "CustomActivity", "LeadMerge",
    "WhatsAppMessage", "FormSubmission", "Note",
)  # fmt: skip
"""The types that activity numbers cycle through."""

DATES_WON = ("2026-05-02", None, "2026-05-02T09:30:00+00:00")
"""Of what is won: a date or, as one live account had it, a date-time."""

TURNS = len(DATES_WON)

EMAIL_PLACE, CALL_PLACE, THREAD_PLACE, SMS_PLACE = (PATTERN.index(kind) for kind in ("Email", "Call", THREAD, "SMS"))

LEADLESS_PLACE = 4
"""The place in the pattern of e-mails that belong to no lead."""

NOBODYS = frozenset({"Created", "LeadMerge", "FormSubmission"})
"""Types without a user."""


def activity_type(number: int) -> str:
    """The `_type` of an activity."""
    return PATTERN[number % len(PATTERN)]


def activity_shapes() -> Shapes:
    """One shape per place of the pattern and turn."""
    shapes = [_shape(place, kind, turn) for turn in range(TURNS) for place, kind in enumerate(PATTERN)]
    return Shapes(shapes, SLOTS)


def user_of(number: int, users: int) -> int | None:
    """The number of the user behind an activity; `users` itself is somebody who has left."""
    return None if activity_type(number) in NOBODYS else number % (users + 1)


def lead_of(number: int, leads: int) -> int | None:
    """The number of the lead of an activity; some e-mails have none."""
    return None if number % len(PATTERN) == LEADLESS_PLACE else number * LEAD_STEP % max(1, leads)


def thread_of(number: int, activities: int) -> int:
    """The number of the e-mail thread of an e-mail: one in the same turn of the pattern, or in the one before."""
    thread = number - number % len(PATTERN) + THREAD_PLACE
    return thread if thread < max(activities, number) or thread < len(PATTERN) else thread - len(PATTERN)


def activity_values(options: CloseOptions, moved: dict[int, int]) -> Callable[[int, int, int, int], Values]:
    """The function for the values of `SLOTS` in such an account; `moved`: leads that were merged."""
    users, leads = options.users, max(1, options.leads)
    tasks, opportunities, activities = max(1, options.tasks), max(1, options.opportunities), options.activities
    people = [(user_id(number).encode(), user_name(number).encode()) for number in range(users + 1)]
    factor, modulus = Ids.FACTOR, Ids.MODULUS

    def values(number: int, created: int, updated: int, revision: int) -> Values:
        person = people[number % (users + 1)]
        lead = number * LEAD_STEP % leads
        while lead in moved:
            lead = moved[lead]
        return (
            b"%012d" % (number * factor % modulus),
            b"%d" % number,
            with_offset(created),
            with_offset(updated),
            b"%d" % revision,
            b"%012d" % (lead * factor % modulus),
            person[0],
            person[1],
            with_offset(created + 3 * DAY_MS),
            # Contacts keep their ids when their lead is merged into another.
            b"%012d" % (number * LEAD_STEP % leads * factor % modulus),
            b"%012d" % (number % tasks * factor % modulus),
            b"%012d" % (number % opportunities * factor % modulus),
            b"%012d" % (thread_of(number, activities) * factor % modulus),
        )

    return values


def _shape(place: int, kind: str, turn: int) -> Shape:
    somebody = kind not in NOBODYS
    shape: Shape = {
        "id": f"acti_@@key@@{TAIL}",
        "_type": kind,
        "organization_id": ORGANIZATION_ID,
        "lead_id": None if place == LEADLESS_PLACE else f"lead_@@lead_key@@{TAIL}",
        "contact_id": f"cont_@@home_key@@{TAIL}" if place % 3 else None,
        "user_id": "@@user_id@@" if somebody else None,
        "user_name": "@@user_name@@" if somebody else None,
        "users": ["@@user_id@@"] if kind in ("Call", "Meeting") else [],
        "activity_at": "@@later@@" if kind == "Meeting" else "@@created@@",
        "date_created": "@@created@@",
        "date_updated": "@@updated@@",
        "created_by": "@@user_id@@" if somebody else None,
        "created_by_name": "@@user_name@@" if somebody else None,
        "updated_by": "@@user_id@@" if somebody else None,
        "updated_by_name": "@@user_name@@" if somebody else None,
    }
    if kind == "TaskCompleted":
        del shape["contact_id"]
    won = {"opportunity_date_won": DATES_WON[turn]} if kind == "OpportunityStatusChange" else {}
    return shape | DETAILS[kind] | won
