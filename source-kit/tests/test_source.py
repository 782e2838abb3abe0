"""The base class of sources: order of streams, what is missing, probes, and the CDK's way in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from airbyte_cdk.models import AirbyteMessage, ConfiguredAirbyteCatalogSerializer

from source_kit.budget import RateBudget
from source_kit.catalog_input import ConfiguredStream, parse_catalog
from source_kit.client import HttpClient
from source_kit.config import CommonOptions
from source_kit.connection import Connection
from source_kit.endpoint import NoEndpoint
from source_kit.errors import ConfigError, TransientError
from source_kit.oauth import Auth, basic
from source_kit.probes import NO_ANSWER, prove, unreadable
from source_kit.reading import read
from source_kit.rules import Denied, Unavailable
from source_kit.running import start_order
from source_kit.source import KitSource
from source_kit.state_input import parse_state
from source_kit.stream import KitStream
from source_kit.testing import FakeClock, KeptOutput, opened
from source_kit.work import Page, Plan, Start

OPTIONS = CommonOptions(
    start_date=None,
    user_agent="test/1",
    num_workers=2,
    lookback_window_seconds=0,
    rate_limit_share=1.0,
    max_requests_per_minute=None,
    api_url="https://api.vendor.test/",
    token_url=None,
)
LOGGER = logging.getLogger("airbyte")


class Rows(KitStream):
    """A stream that needs no request."""

    package = "none"
    cursor_field = "at"
    problem: Exception | None = None
    endpoint = NoEndpoint("none")

    def __init__(self, client: HttpClient, name: str, starts_after: Sequence[str] = ()) -> None:
        self._given_name = name
        self.starts_after = starts_after  # type: ignore[misc]  # a constant of a class elsewhere
        super().__init__(client)

    @property
    def name(self) -> str:
        return self._given_name

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "properties": {"id": {"type": "integer"}, "at": {"type": "string"}}}

    def work(self, start: Start) -> Plan:
        if self.problem is not None:
            raise self.problem
        yield Page([{"id": 1, "at": "2026-01-01T00:00:01Z"}], {"at": "2026-01-01T00:00:01Z"})
        return None

    def probe(self) -> None:
        if self.problem is not None:
            raise self.problem


@dataclass(frozen=True)
class Settings:
    """Those of the test; `problems` by name of stream."""

    common: CommonOptions
    problems: Mapping[str, Exception]


class Opened(Connection[Settings]):
    """A connection with the streams of the test."""

    def authentication(self, session: requests.Session) -> Auth:
        return basic("k")

    def budget(self) -> RateBudget:
        return RateBudget(self.clock)

    def streams(self) -> Sequence[KitStream]:
        streams = [Rows(self.client, "attachments", ("messages",)), Rows(self.client, "messages")]
        streams.append(Rows(self.client, "users"))
        for stream in streams:
            stream.problem = self.settings.problems.get(stream.name)
        return streams

    def probe(self) -> None:
        if "probe" in self.settings.problems:
            raise self.settings.problems["probe"]


class Source(KitSource):
    """A source whose streams have the problems of the test."""

    name = "source-test"
    connection = Opened

    def __init__(self, problems: Mapping[str, Exception] | None = None) -> None:
        super().__init__()
        self.problems = problems or {}

    def specification(self) -> Mapping[str, Any]:
        return {"connectionSpecification": {"properties": {"key": {"airbyte_secret": True}}}}

    def parse(self, config: Mapping[str, Any]) -> tuple[Settings, list[str]]:  # type: ignore[override]  # of this object
        if "key" not in config:
            raise ConfigError("key is missing.")
        return Settings(OPTIONS, self.problems), ["The key is old."]


def catalog(*names: str, mode: str = "incremental") -> dict[str, Any]:
    return {
        "streams": [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": mode,
                "destination_sync_mode": "append",
            }
            for name in names
        ]
    }


def configured(*names: str) -> list[ConfiguredStream]:
    return parse_catalog(catalog(*names))


def prepared(problems: Mapping[str, Exception] | None = None) -> tuple[Opened, KeptOutput]:
    source = Source(problems)
    source.clock = FakeClock()
    connection: Opened = opened(source, {"key": "k"})
    assert isinstance(connection.output, KeptOutput)
    return connection, connection.output


def sync(connection: Opened, *names: str, state: Any = None) -> int:
    return read(connection, configured(*names), parse_state(state or {}), "source-test")


def statuses(output: KeptOutput) -> list[tuple[str, str]]:
    traces = [message["trace"] for message in output.messages() if message["type"] == "TRACE"]
    found = [trace["stream_status"] for trace in traces if trace["type"] == "STREAM_STATUS"]
    return [(status["stream_descriptor"]["name"], status["status"]) for status in found]


def test_parents_start_before_children_whatever_the_catalog_says() -> None:
    connection, _ = prepared()
    streams = connection.streams()
    assert start_order(list(streams)) == ["messages", "attachments", "users"]
    assert start_order([streams[0], streams[2]]) == ["attachments", "users"]


def test_streams_that_wait_for_each_other_start_nevertheless() -> None:
    connection, _ = prepared()
    one, two = Rows(connection.client, "one", ("two",)), Rows(connection.client, "two", ("one",))
    assert start_order([one, two]) == ["one", "two"]


def test_a_read_of_known_streams_succeeds() -> None:
    connection, output = prepared()
    assert sync(connection, "users", "attachments", "messages") == 0
    # In the source's order, not the catalog's.
    assert [name for name, status in statuses(output) if status == "STARTED"] == ["messages", "attachments", "users"]
    assert sorted(name for name, status in statuses(output) if status == "COMPLETE") == [
        "attachments",
        "messages",
        "users",
    ]
    assert output.logs()[0] == "WARN The key is old."


def test_a_missing_stream_is_an_error_and_the_others_are_read() -> None:
    connection, output = prepared()
    assert sync(connection, "leads", "users") == 1
    assert statuses(output)[:2] == [("leads", "STARTED"), ("leads", "INCOMPLETE")]
    assert ("users", "COMPLETE") in statuses(output)
    (error,) = [m["trace"]["error"] for m in output.messages() if m.get("trace", {}).get("type") == "ERROR"]
    assert error["failure_type"] == "config_error"
    assert error["stream_descriptor"] == {"name": "leads"}
    assert error["message"].startswith("Stream leads of the catalog does not exist in source-test.")


def test_a_failed_stream_makes_the_exit_code_one() -> None:
    connection, output = prepared({"messages": Unavailable("No permission.")})
    assert sync(connection, "messages", "users") == 1
    assert ("messages", "INCOMPLETE") in statuses(output)
    assert ("users", "COMPLETE") in statuses(output)


def test_a_state_that_is_no_time_is_refused_before_anything_is_read() -> None:
    connection, output = prepared()
    states = parse_state({"users": {"at": "yesterday", "__v": 1}})
    with pytest.raises(ConfigError, match="state of stream users"):
        read(connection, configured("users"), states, "source-test")
    assert statuses(output) == [("users", "STARTED"), ("users", "INCOMPLETE")]


def test_a_state_that_somebody_wrote_by_hand_is_gone_on_from_in_the_usual_form() -> None:
    connection, output = prepared()
    assert sync(connection, "users", state={"users": {"at": "2026-032", "__v": 1}}) == 0
    states = [message["state"]["stream"]["stream_state"] for message in output.messages() if message["type"] == "STATE"]
    # The only record is older.
    assert states == [{"at": "2026-02-01T00:00:00.000000+00:00", "__v": 1}]


def test_a_foreign_state_without_rule_starts_the_stream_again_with_a_warning() -> None:
    connection, output = prepared()
    assert sync(connection, "users", state={"users": {"at": "2026-01-01T00:00:00Z"}}) == 0
    assert "WARN Stream users starts again: its state is of another connector and cannot be used." in output.logs()


@pytest.mark.parametrize("told", ["No permission.", "Stream users cannot be read: No permission."])
def test_check_names_unreadable_streams_once_and_succeeds(told: str) -> None:
    connection, output = prepared({"users": Unavailable(told)})
    prove(connection)
    assert "WARN Stream users cannot be read: No permission." in output.logs()


def test_check_fails_where_the_credentials_are_refused() -> None:
    connection, _ = prepared({"probe": Denied("The key was refused.")})
    with pytest.raises(Denied):
        prove(connection)


def test_a_key_that_is_refused_by_one_stream_only_while_probing_ends_the_check() -> None:
    connection, _ = prepared({"users": Denied("The key was refused.")})
    with pytest.raises(Denied):
        unreadable(connection.streams(), 2)


def test_a_stream_that_does_not_answer_in_time_is_named_and_holds_nothing_up() -> None:
    release = threading.Event()
    connection, _ = prepared({"users": Unavailable("No permission.")})
    slow, *others = connection.streams()
    slow.probe = release.wait  # type: ignore[method-assign,assignment]  # a server that never answers
    try:
        problems = unreadable([slow, *others], 2, seconds=0.2)
    finally:
        release.set()
    assert dict(problems) == {slow.name: NO_ANSWER} | {
        stream.name: "No permission." for stream in others if stream.name == "users"
    }
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("probe-"))


def test_a_bad_config_is_refused_before_the_cdk_validates_it() -> None:
    with pytest.raises(ConfigError, match="key is missing"):
        Source().configure({}, "")


def cdk_read(source: Source, *names: str, state: Any = None) -> list[AirbyteMessage]:
    wanted = ConfiguredAirbyteCatalogSerializer.load(catalog(*names))
    return list(source.read(LOGGER, source.configure({"key": "k"}, ""), wanted, state))


def test_the_cdk_gets_the_messages_of_the_engine_as_objects() -> None:
    messages = cdk_read(Source(), "users")
    kinds = [message.type.value for message in messages if message.type.value not in ("LOG", "TRACE")]
    assert kinds == ["RECORD", "STATE"]
    states = [message.state.stream.stream_state for message in messages if message.state and message.state.stream]
    assert [vars(state) for state in states if state] == [{"at": "2026-01-01T00:00:01Z", "__v": 1}]


def test_the_cdk_is_told_of_a_failed_stream_by_an_exception_at_the_end() -> None:
    source = Source({"users": Unavailable("No permission.")})
    with pytest.raises(ConfigError, match="Some streams failed"):
        cdk_read(source, "users")


def test_discover_has_the_key_and_cursor_of_every_stream() -> None:
    source = Source()
    found = {stream.name: stream for stream in source.discover(LOGGER, {"key": "k"}).streams}
    assert list(found) == ["attachments", "messages", "users"]
    users = found["users"]
    assert users.source_defined_primary_key == [["id"]]
    assert users.default_cursor_field == ["at"]
    assert users.source_defined_cursor
    assert [mode.value for mode in users.supported_sync_modes] == ["full_refresh", "incremental"]
    assert users.is_resumable


def test_check_uses_the_config_that_it_is_given() -> None:
    source = Source()
    assert source.check(LOGGER, {"key": "k"}).status.value == "SUCCEEDED"
    refused = source.check(LOGGER, {})
    assert (refused.status.value, refused.message) == ("FAILED", "key is missing.")
    assert source.check(LOGGER, {"key": "other"}).status.value == "SUCCEEDED"


@pytest.mark.parametrize("error", [Denied("The key was refused."), TransientError("Nothing answers.")])
def test_check_says_in_a_status_what_is_wrong(error: Exception) -> None:
    status = Source({"probe": error}).check(LOGGER, {"key": "k"})
    assert (status.status.value, status.message) == ("FAILED", str(error))


def test_secrets_are_masked_for_whoever_comes_without_the_console_script() -> None:
    source = Source({"probe": Denied("The key s3cret-key was refused.", internal_message="key s3cret-key")})
    status = source.check(LOGGER, {"key": "s3cret-key"})
    assert status.message == "The key **** was refused."
    logged = [message.log.message for message in source.message_repository.consume_queue() if message.log]
    assert "key ****" in logged


def test_one_object_checks_discovers_and_reads_again() -> None:
    source = Source()
    for _ in range(2):
        assert source.check(LOGGER, {"key": "k"}).status.value == "SUCCEEDED"
        assert len(source.discover(LOGGER, {"key": "k"}).streams) == 3
        assert [m.record.data["id"] for m in cdk_read(source, "users") if m.record] == [1]


def test_a_caller_that_stops_iterating_leaves_no_threads() -> None:
    before = set(threading.enumerate())
    source = Source()
    wanted = ConfiguredAirbyteCatalogSerializer.load(catalog("users", "messages", "attachments"))
    messages = source.read(LOGGER, {"key": "k"}, wanted)
    next(iter(messages))
    messages.close()  # type: ignore[attr-defined]  # a generator
    assert [thread for thread in threading.enumerate() if thread not in before] == []
