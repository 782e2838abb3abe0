"""What becomes of a connector's config and of its errors."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from accounts.connector import Config, Connector, ConnectorError
from accounts.plan import summary

RECORDS = [{"id": 1, "at": "2026-01-01T00:00:00Z"}, {"id": 2, "at": "2026-02-01T00:00:00Z"}]
Make = Callable[..., Connector]


def read(connector: Connector) -> list[str]:
    return [message["type"] for message in connector.read(map(summary, connector.streams()), [])]


def test_a_changed_config_is_kept_before_anything_that_follows(connector: Make) -> None:
    kept: list[Config] = []
    source = connector({"records": RECORDS, "token": 1}, kept)
    messages = source.read(map(summary, source.streams()), [])
    assert next(messages)["type"] == "CONTROL"
    assert [config["token"] for config in kept] == [2]
    assert sum(message["type"] == "RECORD" for message in messages) == 4


def test_the_next_command_uses_the_changed_config(connector: Make) -> None:
    kept: list[Config] = []
    source = connector({"records": RECORDS, "token": 1}, kept)
    read(source)
    read(source)
    assert [config["token"] for config in kept] == [2, 3]


def test_a_windows_dates_never_reach_the_kept_config(connector: Make) -> None:
    kept: list[Config] = []
    source = connector({"records": RECORDS, "token": 1, "start_date": "2025"}, kept)
    source.overlay = {"start_date": "2026-01-15", "end_date": "2026-03"}
    assert read(source).count("RECORD") == 3
    assert kept == [{"records": RECORDS, "token": 2, "start_date": "2025"}]


def test_the_options_are_those_of_the_spec(connector: Make) -> None:
    assert connector({}).options() == {"start_date"}
    assert connector({}, script="with-end-date").options() == {"start_date", "end_date"}


@pytest.mark.parametrize(("kind", "final"), [("config_error", True), ("transient_error", False)])
def test_an_error_comes_after_the_last_message_and_says_whether_to_try_again(
    connector: Make, kind: str, final: bool
) -> None:
    source = connector({"records": RECORDS, "fail": kind})
    seen: list[str] = []
    with pytest.raises(ConnectorError, match=f"source-fake read: It failed: {kind}.") as raised:
        seen.extend(message["type"] for message in source.read(map(summary, source.streams()), []))
    assert seen.count("RECORD") == 4
    assert raised.value.final is final


def test_a_connector_ends_when_nobody_reads_on(connector: Make) -> None:
    source = connector({"records": RECORDS, "hang": 60})
    messages = source.read(map(summary, source.streams()), [])
    assert next(messages)["type"] == "RECORD"
    began = time.monotonic()
    messages.close()
    assert time.monotonic() - began < 20
