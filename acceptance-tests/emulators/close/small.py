"""The small resources: a few records each, with every field that the facts name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulators.close.identity import LEAD_STATUSES, ORGANIZATION_ID, user_id, user_name
from emulators.close.objects import CONTACT_IDS, PIPELINE_ID, STATUSES
from emulators.moments import DAY_MS, naive, with_offset
from emulators.records import TAIL

Record = dict[str, Any]
Make = Callable[[int, int], Record]
SECRET = "a-secret-that-nobody-may-see"
CONNECTED_TYPES = ("google", "custom_email", "zoom", "microsoft", "calendly")
VIEW_TYPES = ("lead", "contact", "opportunity")


@dataclass(frozen=True, slots=True)
class Small:
    """A resource: its stream, its path, its largest page, how many records it has, and how they are made."""

    stream: str
    path: str
    count: int
    make: Make
    largest: int = 100


def people(number: int, first: int) -> Record:
    """Who and when, in the form of the older services."""
    return {
        "created_by": user_id(number % 4),
        "updated_by": user_id(number % 3) if number % 2 else None,
        "date_created": with_offset(first + number * DAY_MS + number).decode(),
        "date_updated": with_offset(first + (number + 3) * DAY_MS).decode(),
    }


def modern(number: int, first: int) -> Record:
    """The same in the form of the newer services: no zone."""
    return {
        "created_by_id": user_id(number % 4),
        "updated_by_id": user_id(number % 3),
        "date_created": naive(first + number * DAY_MS + number).decode(),
        "date_updated": naive(first + (number + 3) * DAY_MS).decode(),
    }


def naive_people(number: int, first: int) -> Record:
    """Both: names as in the older ones, dates without zone."""
    dates = modern(number, first)
    return people(number, first) | {name: dates[name] for name in ("date_created", "date_updated")}


def _base(prefix: str, number: int) -> Record:
    return {"id": f"{prefix}_{number:04d}{TAIL}", "organization_id": ORGANIZATION_ID}


def _of(prefix: str, fields: Callable[[int], Record], when: Make = people) -> Make:
    return lambda number, first: _base(prefix, number) | fields(number) | when(number, first)


def _bulk(prefix: str, fields: Callable[[int], Record]) -> Make:
    def common(number: int) -> Record:
        return {
            "status": ("done", "processing", "paused")[number % 3], "n_leads": 10 * number,
            "n_leads_processed": 10 * number, "n_objects": None, "n_objects_processed": 0, "query": "status:Qualified",
            "s_query": {"type": "object_type", "object_type": "lead"}, "results_limit": None, "sort": [],
            "send_done_email": bool(number % 2),
        } | fields(number)  # fmt: skip

    return _of(prefix, common)


def _typed_fields(number: int) -> list[Record]:
    return [
        {
            "id": f"cf_{number:04d}{part}{TAIL}", "name": f"Field {part}", "type": ("text", "number")[part % 2],
            "required": part == 0, "accepts_multiple_values": False, "is_shared": False, "description": None,
            "editable_with_roles": [],
        }
        for part in range(2)
    ]  # fmt: skip


def _activity_type(number: int) -> Record:
    return {
        "id": f"actitype_{number + 1}{TAIL}", "name": f"Visit {number}", "description": None, "api_create_only": False,
        "editable_with_roles": [], "is_archived": number == 2, "fields": _typed_fields(number),
    }  # fmt: skip


def _object_type(number: int) -> Record:
    return {
        "id": f"cotype_{number + 1}{TAIL}", "name": f"Contract {number}", "name_plural": f"Contracts {number}",
        "description": None, "api_create_only": False, "editable_with_roles": [], "is_archived": False,
        "fields": _typed_fields(number), "back_reference_fields": [],
    }  # fmt: skip


def _sequence(number: int, first: int) -> Record:
    step = {
        "step_type": "email", "required": False, "email_template_id": f"tmpl_0001{TAIL}", "sms_template_id": None,
        "step_allowed_delay": None, "threading": "old_thread",
    }  # fmt: skip
    return _base("seq", number) | {
        "name": f"Sequence {number}", "status": ("active", "paused", "draft")[number % 3], "owner_id": None,
        "allow_manual_enrollment": True, "schedule": None, "schedule_id": None, "timezone": "Europe/Berlin",
        "trigger_query": None,
        "steps": [
            {"id": f"seqstep_{number}{place}{TAIL}", "delay": 86_400 * place} | step | modern(number, first)
            for place in range(2)
        ],
    } | modern(number, first)  # fmt: skip


def _connected_account(number: int, first: int) -> Record:
    kind = CONNECTED_TYPES[number % len(CONNECTED_TYPES)]
    server = {"host": "mail.example.com", "port": 993, "username": "sales", "password": SECRET}
    return _base("emailacct", number) | {
        "_type": kind, "user_id": user_id(number), "email": f"sales{number}@example.com", "available_calendars": [],
        "available_features": ["email_sending"], "enabled_features": ["email_sending"],
        "calendar_receive_status": None, "email_receive_status": "ok", "receive_status": "ok", "send_status": "ok",
        "calendly": {"access_token": SECRET, "user": "sales"} if kind == "calendly" else None,
        "default_identity": {"name": "Sales", "email": f"sales{number}@example.com"},
        "identities": [{"name": "Sales", "email": f"sales{number}@example.com"}],
        "imap": server if kind == "custom_email" else None,
        "smtp": server | {"port": 465} if kind == "custom_email" else None,
        "is_imap_archive_sync_enabled": False, "has_meeting_creation_scopes": True, "latest_receive_error": None,
        "latest_send_error": None, "lead_suggestions_updated_at": None, "sync_all_calendars": False,
        "synced_calendars": [], "zoom_account_plan": "pro" if kind == "zoom" else None,
        "date_created": with_offset(first + number * DAY_MS).decode(),
    }  # fmt: skip


def _phone_number(number: int) -> Record:
    return {
        "user_id": user_id(number), "label": f"Line {number}", "number": f"+49301234{number:02d}",
        "number_formatted": f"+49 30 1234{number:02d}", "country": "DE", "type": ("internal", "virtual")[number % 2],
        "carrier": "twilio", "carrier_type": "local", "address_id": None, "bundle_id": None, "is_group_number": False,
        "is_premium": False, "is_verified": True, "sms_enabled": True, "mms_enabled": False, "press_1_to_accept": False,
        "forward_to": None, "forward_to_enabled": False, "forward_to_formatted": None, "last_billed_price": 1.15,
        "next_billing_on": "2026-12-01", "participants": [user_id(number)], "phone_numbers": [],
        "phone_numbers_formatted": [], "supports_mms_to_countries": [], "supports_sms_to_countries": ["DE"],
        "voicemail_greeting_url": None, "was_ported": False,
    }  # fmt: skip


def _playbook(number: int, first: int) -> Record:
    dates = modern(number, first)
    return _base("playbook", number) | {
        "name": f"Playbook {number}", "description": None, "summary_guidance": None, "custom_field_ids": [],
        "outcome_ids": [], "position": number, "archived_at": None, "archived_by_id": None,
        "created_at": dates["date_created"], "created_by_id": dates["created_by_id"],
        "updated_at": dates["date_updated"], "updated_by_id": dates["updated_by_id"],
    }  # fmt: skip


def _form(number: int, first: int) -> Record:
    dates = people(number, first)
    choices = [{"label": "Sales", "value": "sales"}, {"label": "Support", "value": "support"}]
    return {"id": f"form_{number + 1}", "organization_id": ORGANIZATION_ID} | {
        "name": f"Contact us {number}", "is_archived": number == 2,
        "field_definitions": [
            {"id": "formfld_1", "name": "email", "type": "email", "choices": None},
            {"id": "formfld_2", "name": "interest", "type": "select", "choices": choices},
        ],
        "date_created": dates["date_created"], "date_updated": dates["date_updated"],
    }  # fmt: skip


def _lead_status(number: int, first: int) -> Record:
    return dict(LEAD_STATUSES[number])


def _opportunity_status(number: int, first: int) -> Record:
    identity, label, kind = STATUSES[number]
    return {"id": identity, "label": label, "type": kind, "organization_id": ORGANIZATION_ID,
            "pipeline_id": PIPELINE_ID}  # fmt: skip


def _pipeline(number: int, first: int) -> Record:
    statuses = [{"id": identity, "label": label, "type": kind} for identity, label, kind in STATUSES]
    dates = modern(number, first)
    return {
        "id": PIPELINE_ID if not number else f"pipe_{number + 1}{TAIL}", "name": "Sales" if not number else "Renewals",
        "organization_id": ORGANIZATION_ID, "statuses": statuses if not number else [],
        "created_by": user_id(0), "updated_by": None, "date_created": dates["date_created"],
        "date_updated": dates["date_updated"],
    }  # fmt: skip


def _unsubscribed(number: int, first: int) -> Record:
    return {"email": f"never{number}@example.org", "organization_id": ORGANIZATION_ID,
            "date_created": with_offset(first + number * DAY_MS).decode()}  # fmt: skip


def _link(number: int) -> Record:
    return {"name": f"Meeting {number}", "url": f"https://meet.example.com/{number}", "description": None,
            "duration_in_minutes": 30}  # fmt: skip


SMALL = (
    Small("custom_activities", "/custom_activity/", 3, _of("actitype", _activity_type, naive_people)),
    Small("custom_object_types", "/custom_object_type/", 2, _of("cotype", _object_type, naive_people)),
    Small("roles", "/role/", 4, _of("role", lambda n: {
        "id": ("admin", "superuser", "user", "restricteduser")[n], "name": f"Role {n}", "editable": False,
        "permissions": ["view_all_leads"], "visibility_user_lcf_ids": [], "visibility_user_lcf_behavior": None})),
    Small("lead_statuses", "/status/lead/", len(LEAD_STATUSES), _lead_status),
    Small("opportunity_statuses", "/status/opportunity/", len(STATUSES), _opportunity_status),
    Small("pipelines", "/pipeline/", 2, _pipeline),
    Small("email_templates", "/email_template/", 130, _of("tmpl", lambda n: {
        "name": f"Template {n}", "subject": "Offer", "body": f"Dear customer {n}", "is_shared": n % 2 == 0,
        "is_archived": n % 9 == 0, "attachments": []})),
    Small("sms_templates", "/sms_template/", 3, _of("smstmpl", lambda n: {
        "name": f"Text {n}", "text": "On my way", "status": "active", "is_shared": True, "attachments": []})),
    Small("email_sequences", "/sequence/", 6, _sequence, 1000),
    Small("dialer", "/dialer/", 3, _of("dialer", lambda n: {
        "type": ("power", "predictive")[n % 2], "status": "ended", "source_type": "saved-search",
        "source_value": f"save_{n:04d}{TAIL}", "target_type": "lead", "user_id": user_id(n), "caller_id": None,
        "users": [{"user_id": user_id(n), "is_active": False, "state": "inactive"}],
        "ring_mode": "one", "is_user_dependent": False, "music_preference": None, "visibility_mode": "all"})),
    Small("phone_numbers", "/phone_number/", 4, _of("phon", _phone_number, lambda n, first: {
        "date_created": with_offset(first + n * DAY_MS).decode(),
        "date_updated": with_offset(first + n * DAY_MS).decode()})),
    Small("blocked_phone_numbers", "/blocked_phone_number/", 3, _of("blockedphone", lambda n: {
        "phone": f"+4930999{n:03d}", "reason": "spam"})),
    Small("email_bulk_actions", "/bulk_action/email/", 3, _bulk("bulkemail", lambda n: {
        "template_id": f"tmpl_{n:04d}{TAIL}", "sender": "Sales <sales@example.com>", "contact_preference": "lead",
        "email_account_id": f"emailacct_0000{TAIL}"})),
    Small("edit_bulk_actions", "/bulk_action/edit/", 3, _bulk("bulkedit", lambda n: {
        "type": "set_lead_status", "lead_status_id": LEAD_STATUSES[n]["id"], "custom_field_name": None,
        "custom_field_value": None})),
    Small("delete_bulk_actions", "/bulk_action/delete/", 2, _bulk("bulkdelete", lambda n: {
        "bulk_object_type": "lead"})),
    Small("sequence_subscription_bulk_actions", "/bulk_action/sequence_subscription/", 2, _bulk("bulksub", lambda n: {
        "action_type": "subscribe", "sequence_id": f"seq_0000{TAIL}", "sender_account_id": None, "sender_name": "Sales",
        "sender_email": "sales@example.com", "contact_preference": "all", "calls_assigned_to": [],
        "from_phone_number_id": None})),
    Small("integration_links", "/integration_link/", 3, _of("intlink", lambda n: {
        "name": f"Find {n}", "type": VIEW_TYPES[n], "url": "https://find.example.com/{{ lead.id }}"})),
    Small("outcomes", "/outcome/", 3, _of("outcome", lambda n: {
        "name": f"Outcome {n}", "description": None, "type": "custom", "applies_to": ["calls"]})),
    Small("playbooks", "/playbook/", 3, _playbook),
    Small("forms", "/form/", 3, _form),
    Small("scheduling_links", "/scheduling_link/", 2, _of("schlink", lambda n: _link(n) | {"user_id": user_id(n)})),
    Small("shared_scheduling_links", "/shared_scheduling_link/", 2, _of("shschlink", _link)),
    Small("exports", "/export/", 2, _of("export", lambda n: {
        "user_id": user_id(0), "status": "done", "type": "leads", "format": "json", "query": "", "n_docs": 300,
        "download_url": f"https://exports.example.com/{n}"})),
    Small("unsubscribed_emails", "/unsubscribe/email/", 3, _unsubscribed),
    Small("webhooks", "/webhook/", 3, _of("whsub", lambda n: {
        "url": f"https://hooks.example.com/{n}", "status": "active", "verify_ssl": True, "api_key_id": None,
        "signature_key": SECRET, "events": [{"object_type": "lead", "action": "created", "extra_filter": None}]})),
    Small("connected_accounts", "/connected_account/", 7, _connected_account),
    Small("smart_views", "/saved_search/", 9, _of("save", lambda n: {
        "name": f"View {n}", "type": VIEW_TYPES[n % 3], "query": None, "s_query": {"query": {"type": "match_all"}},
        "selected_fields": None, "description": None, "is_shared": True, "shared_with": [], "sharing_settings": None,
        "is_user_dependent": False, "user_id": user_id(n % 4)}), 600),
)  # fmt: skip
"""Every resource that is just a list; the lists with rules of their own are in `rules.py`."""

GROUPS = 3


def make_group(number: int, users: int) -> Record:
    """A group with its members, as the single GET gives it."""
    members = [{"user_id": user_id(user)} for user in range(number, users, GROUPS)]
    return _base("group", number) | {"name": f"Team {number}", "members": members}


def make_subscription(number: int, first: int, contacts: int) -> Record:
    """A subscription of a contact to a sequence."""
    return {
        "id": f"sub_{number:06d}{TAIL}", "organization_id": ORGANIZATION_ID,
        "sequence_id": f"seq_{number * number % 5:04d}{TAIL}",
        "contact_id": CONTACT_IDS.id(number % max(1, contacts)).decode(),
        "lead_id": None, "contact_email": f"person{number}@example.org", "sender_account_id": f"emailacct_0000{TAIL}",
        "sender_name": user_name(number % 4), "sender_email": "sales@example.com",
        "status": ("active", "paused", "finished", "goal", "error")[number % 5], "status_reason": None,
        "initial_email_id": None, "start_date": None, "calls_assigned_to": [],
    } | modern(number, first)  # fmt: skip


def make_membership(number: int) -> Record:
    """A membership as the organization lists it."""
    return {
        "id": f"memb_{number:04d}{TAIL}", "user_id": user_id(number), "organization_id": ORGANIZATION_ID,
        "user_email": f"member{number}@example.com", "role": "admin" if not number else "user",
        "role_id": "admin" if not number else "user", "permissions_granted": ["view_all_leads"], "is_free": False,
        "auto_record_calls": "unset",
    }  # fmt: skip


def make_send_as(number: int) -> Record:
    """Half of them were granted by the user of the key, half to that user."""
    other = user_id(number // 2 + 1)
    pair = (user_id(0), other) if number % 2 else (other, user_id(0))
    return _base("sendas", number) | {"allowing_user_id": pair[0], "allowed_user_id": pair[1]}


def make_thread(number: int, object_id: str, object_type: str, first: int) -> Record:
    """A thread of comments on an object."""
    thread = _base("commthread", number) | {"object_id": object_id, "object_type": object_type, "lead_id": None}
    comment = {
        "id": f"comm_{number:04d}{TAIL}", "thread_id": thread["id"], "object_id": object_id,
        "object_type": object_type, "body": f"Remark {number}", "mentions": [],
    } | people(number, first)  # fmt: skip
    return thread | {"comments": [comment]} | people(number, first)
