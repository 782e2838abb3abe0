"""What holds for every stream: it equals the account, its schema declares it, secrets stay in, its place is known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs among the development requirements
import pytest
import yaml

from source_closeio.streams import build
from source_kit.probes import prove
from source_kit.transport import BRISK
from unit_tests.closeio_account import Account, by_id

NAMES = tuple(stream.name for stream in build(None, None))  # type: ignore[arg-type]  # nothing is asked here
# Streams whose times the vendor gives without a zone.
ZONELESS = frozenset(
    {
        "custom_activities",
        "custom_object_types",
        "deleted_records",
        "email_sequences",
        "event_log",
        "events",
        "organizations",
        "pipelines",
        "playbooks",
        "sequence_subscriptions",
    }
)
ZONED = re.compile(r"(?<=\d\d:\d\d)(\.\d+)?Z$")


def zoneless(value: Any) -> Any:
    """A value with its times as the vendor gives them."""
    if isinstance(value, dict):
        return {name: zoneless(part) for name, part in value.items()}
    if isinstance(value, list):
        return [zoneless(part) for part in value]
    return ZONED.sub(r"\1", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def account() -> Account:
    return Account({"encode_event_data": False}, leads=60, activities=120, tasks=80, comment_threads=6)


@pytest.fixture(scope="module")
def schemas(account: Account) -> dict[str, Any]:
    connection, _ = account.connection()
    return {stream.name: stream.schema() for stream in connection.streams()}


@pytest.fixture(scope="module")
def records(account: Account) -> dict[str, list[dict[str, Any]]]:
    readings = {name: account.read(name) for name in NAMES}
    assert {name for name, reading in readings.items() if reading.exit_code} == set()
    return {name: reading.records for name, reading in readings.items()}


def test_there_are_seventy_seven_streams_and_none_twice() -> None:
    assert len(NAMES) == len(set(NAMES)) == 77


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_holds_exactly_what_the_account_holds(
    account: Account, records: dict[str, list[dict[str, Any]]], name: str
) -> None:
    found = [zoneless(record) if name in ZONELESS else record for record in records[name]]
    assert by_id(found) == by_id(account.truth(name))
    assert len(found) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_declares_every_field_with_its_type(
    schemas: dict[str, Any], records: dict[str, list[dict[str, Any]]], name: str
) -> None:
    validator = jsonschema.Draft7Validator(schemas[name])
    problems = [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        for row in records[name]
        for error in validator.iter_errors(row)
    ]
    assert problems == []
    assert {field for row in records[name] for field in row} <= schemas[name]["properties"].keys()


def test_no_live_secret_leaves(records: dict[str, list[dict[str, Any]]]) -> None:
    assert "a-secret-that-nobody-may-see" not in str(records)
    assert [row["signature_key"] for row in records["webhooks"]] == [None, None, None]
    servers = [row["imap"] for row in records["connected_accounts"] if row["imap"]]
    assert servers == [
        {"host": "mail.example.com", "port": 993, "username": "sales", "password": None} for _ in range(2)
    ]


def test_suggested_streams_exist_and_leave_out_what_costs_a_request_per_parent() -> None:
    metadata = yaml.safe_load((Path(__file__).parents[1] / "metadata.yaml").read_text())
    suggested = set(metadata["data"]["suggestedStreams"]["streams"])
    assert suggested <= set(NAMES)
    assert not suggested & {"comment_threads", "user_posts", "sequence_subscriptions"}


@pytest.mark.parametrize("name", ["groups", "exports", "playbooks", "custom_activities", "memberships"])
def test_a_stream_that_the_plan_lacks_ends_clearly_and_check_names_it(name: str) -> None:
    groups = {
        "groups": "GET /group/",
        "exports": "GET /export/",
        "playbooks": "GET /playbook/",
        "custom_activities": "GET /custom_activity/",
        "memberships": "GET /organization/{id}/",
    }
    account = Account(refuse={groups[name]: 402})
    reading = account.read(name)
    assert reading.exit_code == 1
    (error,) = reading.errors
    assert error["failure_type"] == "config_error"
    assert f"Reading stream {name} failed: The Close plan does not include this." in error["message"]
    connection, output = account.connection(BRISK)
    prove(connection)
    assert any(f"Stream {name} cannot be read" in line for line in output.logs())
