"""Shapes that live accounts were recorded with: the schema of the stream holds them, and they leave as they came.

The emulated account is made from documentation; these are the places where reality differed from it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs among the development requirements
import pytest

from source_closeio.streams import build
from unit_tests.closeio_account import Account

STREAMS = {stream.name: stream for stream in build(None, None)}  # type: ignore[arg-type]  # nothing is asked here
DATES = {"date_created": "2026-06-19T11:04:43.182000+00:00", "date_updated": "2026-06-19T11:04:43.182000+00:00"}
NAIVE = "2026-06-19T09:22:10.931820"

FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date")(lambda value: not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value))
FORMATS.checks("date-time")(
    lambda value: (
        not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value)
    )
)


def answered(account: Account, group: str, *rows: dict[str, Any]) -> None:
    """From now on, the answer to this endpoint group."""
    account.vendor.always[group] = (200, {"data": list(rows), "has_more": False, "cursor": None, "cursor_next": None})


def schema_of(account: Account, name: str) -> dict[str, Any]:
    """The schema that `discover` gives for this account."""
    connection, _ = account.connection()
    (stream,) = [each for each in connection.streams() if each.name == name]
    return stream.schema()


SUMMARY = {"html": "<p>Asked for a price.</p>", "text": "Asked for a price."}
COUNT = {"comment_count": 2, "thread_id": "commthread_1"}
EMAIL = {"type": "office", "email": "jo@example.com", "is_unsubscribed": False}


@pytest.mark.parametrize(
    ("stream", "group", "values"),
    [
        # The snapshot of a date; opportunities themselves have a date there.
        (
            "opportunity_status_change_activities",
            "GET /activity/status_change/opportunity/",
            {"opportunity_date_won": "2021-07-15T00:00:00+00:00"},
        ),
        (
            "opportunity_status_change_activities",
            "GET /activity/status_change/opportunity/",
            {"opportunity_date_won": "2021-07-15"},
        ),
        (
            "dialer",
            "GET /dialer/",
            {"target_type": "lead", "users": [{"is_active": False, "state": "inactive", "user_id": "user_1"}]},
        ),
        ("meeting_activities", "GET /activity/meeting/", {"summary": SUMMARY, "user_note_mentions": []}),
        ("meeting_activities", "GET /activity/meeting/", {"summary": None, "comment_summary": COUNT}),
        (
            "note_activities",
            "GET /activity/note/",
            {"source": "api", "note_mentions": [], "pinned": False, "pinned_at": None},
        ),
        ("sms_activities", "GET /activity/sms/", {"attachments": [{"media_id": "media_1", "size": 1}]}),
        (
            "opportunities",
            "GET /opportunity/",
            {
                "date_won": "2026-06-19",
                "comment_summary": COUNT,
                "lead_primary_email": EMAIL,
                "lead_primary_phone": [{"type": "office", "phone": "+12025550123", "tz_ids": ["America/Chicago"]}],
                "suggested_action": {"action": "follow_up_call", "details": None, "justification": "Silent."},
                "stall_status": {"communication_issue": "no_issue", "next_action": {"action": "follow_up"}},
            },
        ),
        ("edit_bulk_actions", "GET /bulk_action/edit/", {"custom_field_value": ["Stark", "BiffCo"]}),
        (
            "webhooks",
            "GET /webhook/",
            {
                "counters": {"first_fail": 3},
                "health_status": None,
                "history": {
                    "errors": [
                        {
                            "attempt_number": 1,
                            "datetime": "2026-06-19T12:11:39.429745+00:00",
                            "error": "HTTPError",
                            "event_id": "ev_1",
                            "response_status_code": 404,
                        }
                    ],
                    "successes": [],
                },
                "latest_error": "Exception name: HTTPError, Status code: 404",
                "pause_reason": None,
                "recent_consecutive_fail_buckets_cnt": 0,
            },
        ),
        ("connected_accounts", "GET /connected_account/", {"_type": "custom_email", "receive_attempts_count": 0}),
        ("custom_activities", "GET /custom_activity/", {"fields": [{"id": "cf_1", "back_reference_is_visible": None}]}),
        ("custom_fields", "GET /custom_field/lead/", {"always_visible": False, "enrichment_enabled": False}),
    ],
)
def test_a_recorded_value_is_declared_and_leaves_as_it_came(stream: str, group: str, values: dict[str, Any]) -> None:
    account = Account()
    row = {"id": "x_1", **(DATES if STREAMS[stream].cursor_field else {}), **values}
    answered(account, group, row)
    (record,) = account.read(stream).records
    assert record == row
    schema = STREAMS[stream].schema() if not STREAMS[stream].custom_type else schema_of(account, stream)
    jsonschema.Draft7Validator(schema, format_checker=FORMATS).validate(record)
    assert set(record) <= set(schema["properties"])


def test_one_column_holds_several_kinds_of_values_and_is_a_json_column_for_pyairbyte() -> None:
    connection, _ = Account().connection()
    columns = {
        (stream.name, name): details
        for stream in connection.streams()
        for name, details in stream.schema()["properties"].items()
    }
    mixed = [key for key, of in columns.items() if {"object", "array"} & set(of["type"]) and len(set(of["type"])) > 2]
    assert mixed == [("edit_bulk_actions", "custom_field_value")]
    assert [key for key, of in columns.items() if of.get("airbyte_type") == "object"] == mixed


def test_a_value_of_another_kind_than_its_column_leaves_as_it_came() -> None:
    account = Account()
    odd = {"id": "x_1", **DATES, "comment_summary": "Two comments", "stall_status": "no_issue"}
    answered(account, "GET /opportunity/", odd)
    assert account.read("opportunities").records == [odd]


def test_memberships_are_as_the_organisation_lists_them() -> None:
    account = Account()
    membership = {
        "id": "memb_1",
        "user_id": "user_1",
        "auto_record_calls": "unset",
        "default_caller_id": "phon_1",
        "hangup_recording_url": None,
        "may_workflows_impersonate": False,
        "onboarding_status": "done",
        "primary_personal_number": "phon_1",
        "track_email_opens": True,
        "user_email": "jo@example.com",
        "user_first_name": "Jo",
        "user_full_name": "Jo Doe",
        "user_last_name": "Doe",
        "user_phone": "12025550123",
    }
    organization = account.truth("organizations")[0]["id"]
    answer = {"id": organization, "memberships": [membership], "inactive_memberships": []}
    account.vendor.always[f"GET /organization/{organization}/"] = (200, answer)
    (record,) = account.read("memberships").records
    assert record == {**membership, "organization_id": organization, "is_active": True}
    jsonschema.Draft7Validator(STREAMS["memberships"].schema()).validate(record)
    assert set(record) <= set(STREAMS["memberships"].schema()["properties"])


def test_the_first_year_keeps_its_digits_and_gets_its_zone() -> None:
    account = Account()
    answered(account, "GET /role/", {"id": "admin", "date_created": "0001-01-01T00:00:00"})
    (record,) = account.read("roles").records
    assert record == {"id": "admin", "date_created": "0001-01-01T00:00:00Z"}


def test_times_inside_pipelines_of_organisations_get_a_zone() -> None:
    account = Account()
    organization = account.truth("organizations")[0]["id"]
    statuses = [{"id": "stat_1", "label": "Won", "type": "won", "date_created": NAIVE}]
    pipeline = {"id": "pipe_1", "date_created": NAIVE, "date_updated": NAIVE, "statuses": statuses}
    account.vendor.always[f"GET /organization/{organization}/"] = (200, {"id": organization, "pipelines": [pipeline]})
    (record,) = account.read("organizations").records
    (mended,) = record["pipelines"]
    assert [mended["date_created"], mended["date_updated"], mended["statuses"][0]["date_created"]] == [f"{NAIVE}Z"] * 3


def test_times_inside_the_objects_of_events_get_a_zone_and_other_text_does_not() -> None:
    account = Account()
    data = {
        "id": "sub_1",
        "date_completed": NAIVE,
        "start_date": NAIVE,
        "date": "2025-03-18",
        "date_created": "2022-11-08T12:35:29.464000+00:00",
        "note": NAIVE,
        "custom": {"date_signed": NAIVE},
        "custom.cf_1": NAIVE,
        "steps": [{"created_at": NAIVE}],
    }
    mended = {
        **data,
        "date_completed": f"{NAIVE}Z",
        "start_date": f"{NAIVE}Z",
        "steps": [{"created_at": f"{NAIVE}Z"}],
    }
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    event = {"id": "ev_1", "date_created": now, "date_updated": now, "action": "updated", "object_id": "sub_1"}
    answered(account, "GET /event/", {**event, "data": data, "previous_data": {"date_completed": NAIVE}})
    (record,) = account.read("events").records
    assert record["data"] == mended
    assert record["previous_data"] == {"date_completed": f"{NAIVE}Z"}


def test_fields_of_the_first_years_have_other_ids() -> None:
    account = Account({"custom_by_name": True})
    old = {"id": "lcf_BnhWfopv1iEafpTY2Lcm025", "name": "Accounting Software", "type": "choices", "choices": ["1C"]}
    gone = {"id": "lcf_oGeEw9l2BVl1DVARG6jZUJm", "name": "Nurturing", "type": "text"}
    for object_type in ("lead", "contact"):
        answered(account, f"GET /custom_field/{object_type}/", old, gone)
    refusal = {"field-errors": {"_fields": f"Unknown field custom.{gone['id']}"}}
    key = f"custom.{old['id']}"
    for stream, object_type in (("leads", "lead"), ("contacts", "contact")):
        account.vendor.sent.clear()
        account.vendor.answers["POST /data/search/"] = [(400, refusal)]
        answered(account, "POST /data/search/", {"id": f"{object_type}_1", **DATES, key: "1C"})
        reading = account.read(stream)
        (record,) = reading.records
        assert record[key] == "1C"
        assert (
            f"WARN Close does not know the {object_type} fields custom.{gone['id']}; reading without them."
            in reading.logs
        )
        first, second = [sent.body for sent in account.vendor.sent if sent.group == "POST /data/search/"]
        assert {key, f"custom.{gone['id']}"} <= set(first["_fields"][object_type])
        assert key in second["_fields"][object_type]
        assert schema_of(account, stream)["properties"][key] == {
            "type": ["null", "string"],
            "description": "Accounting Software",
        }
    assert record["custom"] == {"Accounting Software": "1C"}


def test_contacts_and_opportunities_inside_leads_carry_the_custom_fields_of_their_own_types() -> None:
    account = Account()
    properties = schema_of(account, "leads")["properties"]
    contact = properties["contacts"]["items"]["properties"]
    assert contact["custom.cf_cont0001QvR7tXc2LmN4pZsK"]["type"] == ["null", "number"]
    assert contact["emails"]["items"]["properties"]["email_lower"] == {"type": ["null", "string"]}
    opportunity = properties["opportunities"]["items"]["properties"]
    assert opportunity["custom.cf_oppo0002QvR7tXc2LmN4pZsK"]["format"] == "date"


def test_forms_give_the_fields_whose_ids_are_the_keys_of_submissions() -> None:
    (form, *_) = Account().read("forms").records
    assert form["field_definitions"][1] == {
        "id": "formfld_2",
        "name": "interest",
        "type": "select",
        "choices": [{"label": "Sales", "value": "sales"}, {"label": "Support", "value": "support"}],
    }
