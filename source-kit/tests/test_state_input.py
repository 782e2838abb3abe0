"""The --state input in all its wrappings, and what becomes of other connectors' states."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from source_kit.errors import ConfigError
from source_kit.foreign_state import ForeignRule, adopt
from source_kit.state_input import StreamState, cursor_instant, parse_state, with_usual_times

OWN = {"date_updated": "2026-01-01T00:00:00Z", "__v": 1}
OLD = {"date_updated": "2026-01-01T00:00:00.123000+00:00"}


def stream(name: str, state: Any) -> dict[str, Any]:
    return {"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        {},
        [],
        [{}],
        {"type": "LEGACY"},
        {"type": "LEGACY", "data": None},
        {"bookmarks": {}},
        {"leads": None},
        [stream("leads", None)],
    ],
)
def test_these_are_no_state(nothing: Any) -> None:
    assert parse_state(nothing) == {}


@pytest.mark.parametrize(
    "value",
    [
        [stream("leads", OWN)],
        stream("leads", OWN),
        [{"type": "STATE", "state": stream("leads", OWN)}],
        {"type": "STATE", "state": stream("leads", OWN)},
        [{"stream": {"stream_descriptor": {"name": "leads", "namespace": None}, "stream_state": OWN}}],
        {
            "type": "GLOBAL",
            "global": {"stream_states": [{"stream_descriptor": {"name": "leads"}, "stream_state": OWN}]},
        },
        [{"type": "LEGACY", "data": {"leads": OWN}}],
        [{"type": "LEGACY", "data": None}, stream("leads", OWN)],
        [{"state": None, **stream("leads", OWN)}],
        [{"type": "STREAM", "state": stream("users", OLD), "stream": stream("leads", OWN)["stream"]}],
        {"data": {"leads": OWN}},
        {"leads": OWN},
        [stream("leads", OLD), stream("leads", OWN)],
    ],
)
def test_every_wrapping_of_an_own_state_gives_the_same(value: Any) -> None:
    assert parse_state(value) == {"leads": StreamState(OWN, own=True)}


@pytest.mark.parametrize(
    "state",
    [
        {"date_updated": "x", "__full_refresh": True},
        {"__ab_full_refresh_sync_complete": True},
        {"__ab_no_cursor_state_message": True},
    ],
)
def test_states_of_full_refreshes_are_our_own_without_a_version(state: dict[str, Any]) -> None:
    assert parse_state([stream("leads", state)]) == {"leads": StreamState(state, own=True)}


def test_an_airbyte_state_without_our_version_is_foreign() -> None:
    assert parse_state([stream("leads", OLD)]) == {"leads": StreamState(OLD, own=False)}


def test_singer_bookmarks_come_in_three_forms() -> None:
    value = {
        "currently_syncing": "leads",
        "bookmarks": {
            "leads": {"date_updated": "2026-01-01", "offset": {"skip": 300}},
            "customers": "2026-06-11T13:37:51Z",
            "notes": {"replication_key": "updated_at", "replication_key_value": "2026-01-02"},
        },
    }
    assert parse_state(value) == {
        "leads": StreamState({"date_updated": "2026-01-01", "offset": {"skip": 300}}, own=False, singer=True),
        "customers": StreamState({"bookmark": "2026-06-11T13:37:51Z"}, own=False, singer=True),
        "notes": StreamState({"updated_at": "2026-01-02"}, own=False, singer=True),
    }
    for wrapped in ({"type": "STATE", "value": value}, [value], [{"type": "LEGACY", "data": value}], {"data": value}):
        assert parse_state(wrapped) == parse_state(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", "The state file is not a state: it is a text."),
        (5, "The state file is not a state: it is a number."),
        ([1], "The state file is not a state: entry 0 of the list is a number instead of an object."),
        ([{}, {"x": 1}], "entry 1 of the list has neither stream, nor global, nor data"),
        ([{"type": "STREAM"}], "entry 0 of the list has neither stream, nor global, nor data"),
        ([{"stream": {}}], "entry 0 of the list has no stream_descriptor with a name"),
        ([{"stream": "leads"}], "entry 0 of the list has no stream_descriptor with a name"),
        ({"global": 1}, "the object has a global part without a list of stream_states"),
        ({"bookmarks": []}, "its bookmarks are not an object"),
        ({"type": "STATE", "value": 1}, "its value is not an object"),
        ({"type": "STATE", "state": None}, "the object has neither stream, nor global, nor data"),
        ([{}, {"type": "STATE", "state": None}], "entry 1 of the list has neither stream, nor global, nor data"),
        ([{"type": "LEGACY", "data": 5}], "entry 0 of the list has neither stream, nor global, nor data"),
        ([{"type": "GLOBAL", "data": None}], "entry 0 of the list has neither stream, nor global, nor data"),
        (
            [stream("leads", "2026")],
            "The state of stream leads is a text instead of an object. Clear the state of this",
        ),
        ({"bookmarks": {"leads": 5}}, "The state of stream leads is a number instead of an object"),
        ({"leads": "2026"}, "The state of stream leads is a text instead of an object"),
        (
            [stream("leads", {"__v": 2})],
            r"The state of stream leads has a format that this version does not know \(__v is not 1\)",
        ),
        ([stream("leads", {"__v": True})], "has a format that this version does not know"),
    ],
)
def test_what_is_no_state_is_refused_with_a_reason(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_state(value)


@pytest.mark.parametrize("value", ["yesterday", "", 5, ["2026-01-01"], "0001-01-01T00:00:00+05:00"])
def test_a_cursor_that_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"The state of stream leads holds .* in date_updated. Clear the state"):
        cursor_instant("leads", {"date_updated": value}, "date_updated")


def test_a_time_that_somebody_wrote_in_another_form_is_written_as_records_have_it() -> None:
    state = {"date_updated": "2026-001", "date_created": "2026-01-01 00:00 UTC", "other": "2026-01", "__v": 1}
    assert with_usual_times("leads", state, ["date_updated", "date_created", "date_sent"]) == {
        **state,
        "date_updated": "2026-01-01T00:00:00.000000+00:00",
    }


RULES = (
    ForeignRule("leads", take=True, cursor_from="date_updated", singer=True, minus=timedelta(minutes=1)),
    ForeignRule("leads", take=True, cursor_from="date_updated", singer=False, minus=timedelta(days=1)),
    ForeignRule("calls", take=False, cursor_from="date_created", cursor_to="date_updated", reason="which lost rows"),
)


def test_own_states_are_never_touched() -> None:
    assert adopt({"calls": StreamState(OWN, own=True)}, RULES, False) == ({"calls": StreamState(OWN, own=True)}, [])


@pytest.mark.parametrize(
    ("singer", "expected"),
    [(True, "2025-12-31T23:59:00.123000+00:00"), (False, "2025-12-31T00:00:00.123000+00:00")],
)
def test_a_safe_foreign_state_is_taken_over_with_a_step_back(singer: bool, expected: str) -> None:
    states, warnings = adopt({"leads": StreamState({**OLD, "offset": 1}, own=False, singer=singer)}, RULES, False)
    assert states == {"leads": StreamState({"date_updated": expected, "__v": 1}, own=True)}
    assert warnings == []


def test_an_unsafe_foreign_state_starts_again_unless_it_is_trusted() -> None:
    given = {"calls": StreamState({"date_created": "2026-01-01"}, own=False)}
    assert adopt(given, RULES, False) == (
        {},
        ["Stream calls starts again: its state is of another connector, which lost rows."],
    )
    assert adopt(given, RULES, True) == (
        {"calls": StreamState({"date_updated": "2026-01-01T00:00:00.000000+00:00", "__v": 1}, own=True)},
        [],
    )


def test_a_foreign_state_of_an_unknown_stream_starts_again() -> None:
    assert adopt({"users": StreamState(OLD, own=False)}, RULES, True) == (
        {},
        ["Stream users starts again: its state is of another connector and cannot be used."],
    )


def test_states_of_streams_that_are_read_whole_are_dropped_silently() -> None:
    assert adopt({"users": StreamState(OLD, own=False)}, RULES, False, ignored={"users"}) == ({}, [])


@pytest.mark.parametrize("value", [{}, {"date_updated": None}, {"date_updated": "soon"}])
def test_a_foreign_state_without_a_usable_cursor_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"The state of stream leads .* Clear the state of this stream"):
        adopt({"leads": StreamState({"x": 1, **value}, own=False)}, RULES, False)


def test_a_singer_bookmark_without_its_key_starts_again_with_a_warning() -> None:
    """The Singer SDK keeps only `starting_replication_value` until a stream was read for the first time."""
    begun = parse_state({"bookmarks": {RULES[0].stream: {"starting_replication_value": "2026-01-01"}}})
    states, warnings = adopt(begun, RULES, False)
    assert states == {}
    assert warnings == [
        f"Stream {RULES[0].stream} starts again: its Singer bookmark holds no {RULES[0].cursor_from} yet."
    ]
