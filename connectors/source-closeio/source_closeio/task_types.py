"""The types of tasks that have a stream of their own, and their fields.

The fields are described in `schemas/tasks.json`, once for all types.
"""

from __future__ import annotations

COMMON_FIELDS = (
    "id _type organization_id lead_id lead_name assigned_to assigned_to_name contact_id contact_name agent_config_id "
    "deduplication_key date is_complete is_dateless is_primary_lead_notification object_id object_type priority "
    "resolution sequence_id sequence_subscription_id view created_by created_by_name updated_by updated_by_name "
    "date_created date_updated "
)
_CALL_FIELDS = (
    "phone phone_formatted local_phone local_phone_formatted phone_number_description recording_url voicemail_url "
    "voicemail_duration"
)
# The type of a stream `<type>_tasks`, and its fields beside the common ones.
TASK_TYPES = {
    "lead": "text due_date",
    "incoming_email": "emails subject body_preview cleared_followups",
    "email_followup": "email_id subject body_preview total_emails_count_in_thread",
    "missed_call": _CALL_FIELDS,
    "answered_detached_call": _CALL_FIELDS,
    "voicemail": _CALL_FIELDS,
    "opportunity_due": (
        "opportunity_note opportunity_value opportunity_value_period opportunity_value_formatted "
        "opportunity_value_currency"
    ),
    "incoming_sms": "remote_phone remote_phone_formatted local_phone local_phone_formatted",
}
# Those of the event log: one has no stream of its own.
EVENT_TYPES = (*TASK_TYPES, "outgoing_call")
