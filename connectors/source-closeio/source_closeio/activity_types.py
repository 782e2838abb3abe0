"""The types of activities: stream, path, the name in searches and events, and the fields beside the common ones.

The fields are described in `schemas/activities.json`, once for all types.
"""

from __future__ import annotations

from dataclasses import dataclass

_PHONES = "local_phone local_phone_formatted local_country_iso remote_phone remote_phone_formatted remote_country_iso "
_SEQUENCE = "sequence_id sequence_name sequence_subscription_id "
_OUTCOME = (
    "outcome_id outcome_reason outcome_autofill_confidence outcome_autofill_reasoning playbook_id playbook_reason "
    "conversation_type_id conversation_type_reason "
)
_STATUSES = "old_status_id old_status_label new_status_id new_status_label "


@dataclass(frozen=True)
class ActivityType:
    """One type. `object_types`: its names in the event log, the first of them also in searches."""

    stream: str
    resource: str
    object_types: tuple[str, ...]
    fields: str

    @property
    def has_custom_fields(self) -> bool:
        """Only instances of the account's own activity types carry custom values."""
        return self.stream == "custom_activity_instances"


COMMON_FIELDS = (
    "id _type organization_id lead_id contact_id user_id user_name users activity_at date_created date_updated "
    "created_by created_by_name updated_by updated_by_name"
)

ACTIVITY_TYPES = (
    ActivityType(
        "call_activities",
        "activity/call/",
        ("activity.call",),
        "direction status disposition duration call_method cost date_answered dialer_id dialer_saved_search_id "
        "forwarded_to is_forwarded has_recording recording_url recording_duration recording_expires_at "
        "recording_transcript voicemail_transcript voicemail_url voicemail_duration note note_html phone source "
        "is_joinable is_to_group_number parent_meeting_id coach_legs transferred_from transferred_from_user_id "
        "transferred_to transferred_to_user_id quality_info note_mentions note_date_updated recording_history "
        "notetaker_id agent_config_id " + _OUTCOME + _PHONES + _SEQUENCE,
    ),
    ActivityType(
        "email_activities",
        "activity/email/",
        ("activity.email",),
        "direction status subject sender to cc bcc envelope body_text body_html body_preview body_text_quoted "
        "body_html_quoted attachments opens opens_summary has_reply in_reply_to_id message_ids references thread_id "
        "email_account_id send_as_id send_attempts need_smtp_credentials template_id template_name "
        "bulk_email_action_id date_sent date_scheduled followup_sequence_id followup_sequence_delay "
        "followup_sequence_add_cc_bcc agent_config_id agent_action_reason ai_draft " + _SEQUENCE,
    ),
    ActivityType(
        "email_thread_activities",
        "activity/emailthread/",
        ("activity.email_thread",),
        "latest_normalized_subject n_emails participants latest_emails emails summary",
    ),
    ActivityType(
        "note_activities",
        "activity/note/",
        ("activity.note",),
        "note note_html note_mentions title pinned pinned_at source attachments",
    ),
    ActivityType(
        "sms_activities",
        "activity/sms/",
        ("activity.sms",),
        "direction status text cost date_sent date_scheduled error_message source template_id attachments "
        "agent_config_id agent_action_reason " + _PHONES + _SEQUENCE,
    ),
    ActivityType(
        "meeting_activities",
        "activity/meeting/",
        ("activity.meeting",),
        "title status starts_at ends_at duration actual_duration location note user_note user_note_html "
        "user_note_mentions user_note_date_updated attendees source is_recurring calendar_event_link "
        "calendar_event_uids provider_calendar_event_id provider_calendar_ids provider_calendar_type "
        "connected_account_id conference_links integrations notetaker_id summary attached_call_ids comment_summary "
        "_paused_subscriptions " + _OUTCOME,
    ),
    ActivityType("created_activities", "activity/created/", ("activity.created",), "source import_id"),
    ActivityType(
        "task_completed_activities",
        "activity/task_completed/",
        ("activity.task_completed",),
        "task_id task_text task_assigned_to task_assigned_to_name",
    ),
    ActivityType(
        "lead_status_change_activities",
        "activity/status_change/lead/",
        ("activity.lead_status_change", "activity.status_change.lead", "status_change.lead"),
        _STATUSES,
    ),
    ActivityType(
        "opportunity_status_change_activities",
        "activity/status_change/opportunity/",
        (
            "activity.opportunity_status_change",
            "activity.status_change.opportunity",
            "status_change.opportunity",
        ),
        _STATUSES + "old_status_type new_status_type pipeline_id pipeline_name old_pipeline_id old_pipeline_name "
        "new_pipeline_id new_pipeline_name opportunity_id opportunity_value opportunity_value_currency "
        "opportunity_value_formatted opportunity_value_period opportunity_confidence opportunity_date_won",
    ),
    ActivityType(
        "lead_merge_activities",
        "activity/lead_merge/",
        ("activity.lead_merge",),
        "source_lead_id source_display_name destination_lead_id destination_display_name merge_status error_message",
    ),
    ActivityType(
        "whatsapp_message_activities",
        "activity/whatsapp_message/",
        ("activity.whatsapp_message",),
        "external_whatsapp_message_id message_html message_markdown text attachments direction response_to_id "
        "integration_name integration_link source " + _PHONES + _SEQUENCE,
    ),
    ActivityType(
        "form_submission_activities",
        "activity/form_submission/",
        ("activity.form_submission",),
        "form_id form_configuration_id form_name ip_address origin source_url source_url_normalized "
        "values values_by_name",
    ),
    ActivityType(
        "custom_activity_instances",
        "activity/custom/",
        ("activity.custom_activity",),
        "custom_activity_type_id status source pinned pinned_at mentions mentions_updated_at last_published_at",
    ),
)

# `GET /activity/` shows all types but e-mail threads, which repeat their e-mails.
MIXED = tuple(kind for kind in ACTIVITY_TYPES if kind.stream != "email_thread_activities")
