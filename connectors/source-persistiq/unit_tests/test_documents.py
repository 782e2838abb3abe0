"""README.md and metadata.yaml say what the code does; schemas and streams agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs among the development requirements
import pytest
import yaml

from source_kit import schemas
from source_kit.run import load_spec
from source_persistiq.config import DEFAULTS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
STREAMS = {
    "users", "mailboxes", "leads", "campaigns", "campaign_leads", "campaign_replies", "events", "lead_statuses",
    "lead_fields", "dnc_domains", "tags", "webhook_plugin",
}  # fmt: skip
CURSORS = {"leads": "updated_at", "events": "event_at", "campaign_replies": "sent_at"}


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_the_table_of_streams_tells_key_and_cursor(api: Any, name: str) -> None:
    stream = api.stream(name)
    cells = next(re.findall(r"\|([^|]*)", line) for line in README.splitlines() if line.startswith(f"| `{name}` |"))
    key, cursor = cells[3].strip(), cells[4].strip()
    assert key == ("none" if stream.primary_key is None else "`id`")
    assert cursor == (f"`{CURSORS[name]}`" if name in CURSORS else "")
    assert (stream.cursor_field or None) == CURSORS.get(name)
    assert ("incremental" in cells[2]) is (name in CURSORS)


def test_every_stream_has_a_schema_with_its_key_and_cursor_and_no_schema_is_left_over(api: Any) -> None:
    assert {path.stem for path in (ROOT / "source_persistiq" / "schemas").glob("*.json")} == STREAMS
    for name in STREAMS:
        properties = schemas.load("source_persistiq", name)["properties"]
        assert ("id" in properties) is (name != "webhook_plugin")
        assert CURSORS.get(name, "id") in properties or name == "webhook_plugin"


def test_the_campaign_that_an_account_answered_with_is_declared_to_the_last_count() -> None:
    stats = {
        "prospects_contacted": 1, "prospects_reached": 1, "prospects_opened": 1, "prospects_replied": 0,
        "prospects_bounced": 0, "prospects_optedout": 0, "total_prospects": 1,
    }  # fmt: skip
    creator = {"id": "u_abc123", "name": "Jo Doe", "email": "jo@example.com"}
    campaign = {"id": "c_N2G2Mx", "name": "My First Campaign", "creator": creator, "stats": stats}
    schema = schemas.load("source_persistiq", "campaigns")
    assert schema["properties"].keys() == campaign.keys()
    assert schema["properties"]["stats"]["properties"].keys() == stats.keys()
    assert schema["properties"]["creator"]["properties"].keys() == creator.keys()
    jsonschema.Draft7Validator(schema).validate(campaign)


def test_the_table_of_options_holds_every_option_that_is_shown() -> None:
    properties = load_spec("source_persistiq")["connectionSpecification"]["properties"]
    shown = {name for name, option in properties.items() if not option.get("airbyte_hidden")}
    assert {name for name in shown if f"\n| `{name}` |" in README} == shown
    assert f"| `num_workers` | requests in flight, 1 to 32 | {DEFAULTS.num_workers} |" in README
    assert f"| {DEFAULTS.lookback_window_seconds} |" in README
    assert f"`{DEFAULTS.user_agent}`" in README


def test_suggested_streams_exist_and_the_version_is_the_user_agents() -> None:
    data = yaml.safe_load((ROOT / "metadata.yaml").read_text())["data"]
    assert set(data["suggestedStreams"]["streams"]) < STREAMS
    assert DEFAULTS.user_agent == f"{data['dockerRepository']}/{data['dockerImageTag']}"


@pytest.mark.parametrize("has_more", [True, "true", "True", 1])
def test_a_list_goes_on_however_true_is_spelled(api: Any, has_more: Any) -> None:
    answers = {None: {"has_more": has_more, "tags": [{"id": "1"}]}, "2": {"has_more": False, "tags": [{"id": "2"}]}}
    api.serve("tags", lambda params: answers[params.get("page")])
    assert len(api.read("tags")[0]) == 2
