"""The model of the platform itself: every rule finds the fault that it is there for, on logs written by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.messages import Message, Result
from platform_replay import catalog as catalogs
from platform_replay import rules
from platform_replay.attempt import Attempt, conclude, feed
from platform_replay.catalog import CannotDeselect, Key
from platform_replay.connection import Connection
from platform_replay.tracker import Tracker

LEADS: Key = (None, "leads")
TAGS: Key = (None, "tags")
NOW_MS = 1_760_000_000_000
SCHEMA = {"properties": {"id": {"type": "string"}, "at": {"type": ["null", "string"]}, "n": {"type": "integer"}}}
CATALOG: dict[str, Any] = {
    "streams": [
        {
            "stream": {"name": "leads", "json_schema": SCHEMA, "is_resumable": True},
            "sync_mode": "incremental",
            "destination_sync_mode": "append_dedup",
            "cursor_field": ["at"],
            "primary_key": [["id"]],
        },
        {
            "stream": {"name": "tags", "json_schema": SCHEMA},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
            "cursor_field": [],
            "primary_key": [["id"]],
        },
    ]
}


def record(stream: str, key: str | None, **more: Any) -> Message:
    return {"type": "RECORD", "record": {"stream": stream, "data": {"id": key, **more}, "emitted_at": NOW_MS}}


def state(stream: str, at: str, count: float | None) -> Message:
    content = {"stream_descriptor": {"name": stream}, "stream_state": {"at": at, "__v": 1}}
    stats = {} if count is None else {"sourceStats": {"recordCount": count}}
    return {"type": "STATE", "state": {"type": "STREAM", "stream": content, **stats}}


def trace(kind: str, **content: Any) -> Message:
    return {"type": "TRACE", "trace": {"type": kind, "emitted_at": float(NOW_MS), **content}}


def status(stream: str, value: str, **more: Any) -> Message:
    described = {"stream_descriptor": {"name": stream}, "status": value, **more}
    return trace("STREAM_STATUS", stream_status=described)


def limited(stream: str, reset: Any) -> Message:
    reason = {"type": "RATE_LIMITED", "rate_limited": {"quota_reset": reset}}
    return status(stream, "RUNNING", reasons=[reason])


def error(stream: str) -> Message:
    return trace("ERROR", error={"message": "no", "stream_descriptor": {"name": stream}})


def control(token: str) -> Message:
    content = {"type": "CONNECTOR_CONFIG", "emitted_at": NOW_MS, "connectorConfig": {"config": {"token": token}}}
    return {"type": "CONTROL", "control": content}


GOOD: list[Message] = [
    status("leads", "STARTED"),
    status("tags", "STARTED"),
    limited("leads", NOW_MS + 5_000),
    status("leads", "RUNNING"),
    record("leads", "a", n=1),
    record("leads", "b", n=2),
    status("tags", "RUNNING"),
    record("tags", "t"),
    state("leads", "2025-01-02", 2.0),
    record("leads", "c", n=3),
    state("leads", "2025-01-03", 1.0),
    status("leads", "COMPLETE"),
    state("tags", "", 1.0),
    status("tags", "COMPLETE"),
]


def connection() -> Connection:
    return Connection({"token": "first"}, copy.deepcopy(CATALOG))


def attempt_of(
    messages: Sequence[Message | bytes],
    *,
    exit_code: int = 0,
    killed: bool = False,
    tail: bytes = b"",
    times: Sequence[float] | None = None,
    on: Connection | None = None,
    job: Any = None,
    destination_fails: bool = False,
) -> Attempt:
    """An attempt whose source said this, a message a second unless `times` says otherwise."""
    kept = on or connection()
    catalog = (job or kept.sync()).next_attempt()
    given = kept.state_file()
    lines = [each if isinstance(each, bytes) else orjson.dumps(each) for each in messages]
    at = list(times or range(1, len(lines) + 1))
    tracker, load = Tracker(catalog, 0.0), kept.warehouse.load(catalog)
    for _ in feed(zip(lines, at, strict=True), tracker, load, kept):
        pass
    succeeded = conclude(tracker, load, kept, exit_code, at[-1] if at else 0.0, destination_fails)
    result = Result(exit_code, lines, tail, "", 1.0, Path())
    return Attempt(catalog, given, {}, tracker, result, killed, succeeded)


def changed(index: int, *instead: Message | bytes) -> list[Message | bytes]:
    """The good log with one message replaced by others, or left out."""
    return [*GOOD[:index], *instead, *GOOD[index + 1 :]]


def with_namespace(message: Message, namespace: str) -> Message:
    other = copy.deepcopy(message)
    other["record"]["namespace"] = namespace
    return other


def test_the_good_log_breaks_no_rule() -> None:
    attempt = attempt_of(GOOD)
    assert attempt.succeeded
    assert {rule.__name__: rule(attempt) for rule in rules.RULES} == {rule.__name__: [] for rule in rules.RULES}


FAULTY: list[tuple[rules.Rule, list[Message | bytes], int, str]] = [
    (rules.nothing_fails_the_sync, changed(4, record("deals", "a")), 0, "a RECORD of stream deals"),
    (rules.nothing_fails_the_sync, changed(4, with_namespace(GOOD[4], "crm")), 0, "in namespace crm"),
    (rules.nothing_fails_the_sync, [*GOOD, status("deals", "COMPLETE")], 0, "status COMPLETE of stream deals"),
    (rules.nothing_fails_the_sync, changed(4, record("leads", None, n=1)), 0, "a record without primary key"),
    (rules.nothing_fails_the_sync, [*GOOD, {"type": "STATE", "state": {"type": "GLOBAL"}}], 0, "a STATE of type"),
    (rules.nothing_fails_the_sync, [*GOOD, error("deals")], 0, "an ERROR of stream deals"),
    (rules.nothing_is_dropped, [*GOOD, b"Traceback (most recent call last):"], 0, "no JSON object"),
    (rules.nothing_is_dropped, [*GOOD, {"type": "TRACE", "trace": {"type": "ERROR"}}], 0, "without type or time"),
    (rules.nothing_is_dropped, [*GOOD, {"type": "RECORD", "record": {"stream": "leads", "data": {}}}], 0, "RECORD"),
    (rules.counts_are_the_platforms_own, changed(8, state("leads", "2025-01-02", 3.0)), 0, "says 3.0"),
    (rules.counts_are_the_platforms_own, changed(8, state("leads", "2025-01-02", None)), 0, "says None"),
    (rules.destination_agrees_with_the_counts, changed(8, state("leads", "x", 1.0)), 0, "stored 2.0"),
    (rules.every_record_belongs_to_one_state, changed(10), 0, "3 records, 2 of them before a STATE"),
    (rules.last_state_follows_the_last_record, changed(10), 0, "leads: RECORD came right before COMPLETE"),
    (rules.no_state_is_made_up, changed(12), 0, "tags: no STATE in a full refresh"),
    (rules.statuses_take_a_legal_course, changed(0), 0, "leads: RATE_LIMITED,RUNNING,RECORD"),
    (rules.statuses_take_a_legal_course, [*GOOD, status("leads", "RUNNING")], 0, "leads: STARTED"),
    (rules.statuses_take_a_legal_course, [*GOOD, state("leads", "2025-01-04", 0.0)], 0, "leads: STARTED"),
    (rules.every_stream_ends_in_one_terminal_status, changed(13), 0, "tags: terminal statuses []"),
    (rules.every_stream_ends_in_one_terminal_status, [*GOOD, status("tags", "COMPLETE")], 0, "'COMPLETE', 'COMPLETE'"),
    (rules.failures_are_explained, changed(13, status("tags", "INCOMPLETE")), 1, "with 0 ERROR traces"),
    (rules.failures_are_explained, changed(13, error("tags"), status("tags", "INCOMPLETE")), 0, "exit code 0 makes"),
    (rules.failures_are_explained, changed(13, error("tags"), GOOD[13]), 1, "['COMPLETE'] with 1 ERROR traces"),
    (rules.failures_are_explained, list(GOOD), 1, "exit code 1 without an ERROR trace"),
    (rules.platform_sees_streams_complete, changed(11), 0, "leads: RUNNING"),
    (rules.platform_sees_streams_complete, [*GOOD[:11], GOOD[12], GOOD[13], GOOD[11]], 0, "leads: RUNNING"),
    (rules.rate_limits_are_told_legally, changed(2, limited("leads", 5)), 0, "quota_reset 5"),
    (rules.rate_limits_are_told_legally, changed(2, limited("leads", float(NOW_MS + 1))), 0, "quota_reset 17"),
    (rules.rate_limits_are_told_legally, changed(2, limited("leads", NOW_MS - 1)), 0, "quota_reset 17"),
    (
        rules.estimates_are_of_one_type,
        [
            *GOOD,
            trace("ESTIMATE", estimate={"name": "leads", "type": "STREAM"}),
            trace("ESTIMATE", estimate={"name": "tags", "type": "SYNC"}),
        ],
        0,
        "estimates of types ['STREAM', 'SYNC']",
    ),
]


@pytest.mark.parametrize(
    ("rule", "messages", "exit_code", "words"),
    FAULTY,
    ids=[f"{number}-{f[0].__name__}" for number, f in enumerate(FAULTY)],
)
def test_a_rule_finds_its_fault(rule: rules.Rule, messages: list[Message | bytes], exit_code: int, words: str) -> None:
    assert words in "\n".join(rule(attempt_of(messages, exit_code=exit_code)))


def test_every_rule_is_shown_to_fail() -> None:
    assert {rule.__name__ for rule in rules.RULES} == {fault[0].__name__ for fault in FAULTY}


def test_only_records_and_states_are_heartbeats() -> None:
    """A source that tells every minute that it waits is not silent, but its heart does not beat."""
    messages = [GOOD[0], *[limited("leads", NOW_MS + 5_000)] * 3, record("leads", "a")]
    tracker = attempt_of(messages, times=[1.0, 60.0, 120.0, 180.0, 240.0], exit_code=1).tracker
    assert (tracker.longest_without_beat, tracker.longest_silence) == (240.0, 60.0)


def test_a_half_line_may_only_follow_a_kill() -> None:
    assert rules.nothing_is_dropped(attempt_of(GOOD, tail=b'{"type"')) == ["the last line has no newline"]
    assert rules.nothing_is_dropped(attempt_of(GOOD, tail=b'{"type"', killed=True, exit_code=-9)) == []


def test_the_platform_drops_fields_that_are_not_in_the_catalog() -> None:
    kept = connection()
    attempt_of(changed(4, record("leads", "a", n=1, secret=2)), on=kept)
    assert kept.warehouse.rows(LEADS) == [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]


def test_a_state_is_committed_when_the_destination_gives_it_back() -> None:
    """The source dies with its second STATE on its way: the first is kept, and the rows before it."""
    kept = connection()
    attempt_of(GOOD[:11], on=kept, exit_code=-9, killed=True)
    assert kept.states[LEADS]["stream"]["stream_state"] == {"at": "2025-01-02", "__v": 1}
    assert [row["id"] for row in kept.warehouse.rows(LEADS)] == ["a", "b"]


def test_a_config_is_kept_although_the_attempt_fails() -> None:
    kept = connection()
    attempt_of([control("second"), control("third")], on=kept, exit_code=-9, killed=True)
    assert kept.config == {"token": "third"}


def test_later_attempts_keep_the_state_of_what_can_resume_and_no_other() -> None:
    kept = connection()
    kept.catalog["streams"][0] |= {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    job = kept.sync()
    attempt_of(GOOD, on=kept, job=job, destination_fails=True)
    assert (set(kept.states), kept.generations) == ({LEADS, TAGS}, {LEADS: 1, TAGS: 1})
    second = job.next_attempt()
    assert (set(kept.states), kept.generations) == ({LEADS}, {LEADS: 1, TAGS: 2})
    assert [each["minimum_generation_id"] for each in second["streams"]] == [1, 2]
    kept.sync().next_attempt()
    assert (kept.state_file(), kept.generations) == (None, {LEADS: 2, TAGS: 3})


def test_without_the_flag_no_full_refresh_resumes() -> None:
    kept = connection()
    kept.resumes_full_refreshes = False
    kept.catalog["streams"][0]["sync_mode"] = "full_refresh"
    job = kept.sync()
    attempt_of(GOOD, on=kept, job=job, destination_fails=True)
    job.next_attempt()
    assert (kept.state_file(), kept.generations) == (None, {LEADS: 2, TAGS: 2})


def test_an_incremental_stream_keeps_state_and_generation_until_it_is_refreshed() -> None:
    kept = connection()
    attempt_of(GOOD, on=kept)
    again = kept.sync().next_attempt()["streams"][0]
    assert (LEADS in kept.states, again["generation_id"], again["minimum_generation_id"]) == (True, 0, 0)
    merged = kept.refresh([LEADS], truncate=False).next_attempt()["streams"][0]
    assert (LEADS in kept.states, merged["generation_id"], merged["minimum_generation_id"]) == (False, 1, 0)
    truncated = kept.refresh([LEADS], truncate=True).next_attempt()["streams"][0]
    assert (truncated["generation_id"], truncated["minimum_generation_id"], truncated["sync_id"]) == (2, 2, 4)


def test_old_generations_leave_the_table_when_the_stream_is_complete_and_not_before() -> None:
    kept = connection()
    attempt_of(GOOD, on=kept)
    attempt_of(GOOD, on=kept, exit_code=1)
    assert kept.warehouse.generations(TAGS) == {1}
    attempt_of(GOOD, on=kept, destination_fails=True)
    assert kept.warehouse.generations(TAGS) == {1, 3}
    attempt_of(GOOD, on=kept)
    assert kept.warehouse.generations(TAGS) == {4}


@pytest.mark.parametrize(("field", "words"), [("at", "the cursor"), ("id", "the primary key")])
def test_keys_and_cursors_cannot_be_deselected(field: str, words: str) -> None:
    with pytest.raises(CannotDeselect, match=words):
        catalogs.deselect(CATALOG, {"leads": {field}})


def test_half_of_the_other_fields_are_deselected() -> None:
    fields = catalogs.every_other_field(CATALOG)
    assert fields == {"leads": {"n"}, "tags": {"at"}}
    chosen = catalogs.deselect(CATALOG, fields)["streams"]
    assert [sorted(each["stream"]["json_schema"]["properties"]) for each in chosen] == [["at", "id"], ["id", "n"]]


Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize("change", [catalogs.with_fields_of_other_versions, lambda c: catalogs.in_namespace(c, "crm")])
def test_catalogs_are_copied_before_they_are_changed(change: Change) -> None:
    before = copy.deepcopy(CATALOG)
    assert change(CATALOG) != before
    assert before == CATALOG
