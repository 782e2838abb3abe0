"""Instants as text: every published form is read, compared by instant, and written back unchanged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit import timestamps

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
INSTANTS = st.integers(0, (2090 - 1980) * 31_556_952_000).map(
    lambda milliseconds: datetime(1980, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
FORMS = st.sampled_from(["Z", "+00:00", "naive", "milliseconds", "microseconds", "india"])
INDIA = timezone(timedelta(hours=5, minutes=30))


def written(instant: datetime, form: str) -> str:
    """An instant in one of the forms that vendors mix."""
    if form == "Z":
        return instant.isoformat().replace("+00:00", "Z")
    if form == "naive":
        return instant.replace(tzinfo=None).isoformat()
    if form == "milliseconds":
        return instant.isoformat(timespec="milliseconds")
    if form == "microseconds":
        return instant.isoformat(timespec="microseconds")
    return instant.astimezone(INDIA).isoformat() if form == "india" else instant.isoformat()


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00+00:00",
        "2026-01-01T12:00:00.000000+00:00",
        "2026-01-01T12:00:00.000Z",
        "2026-01-01T12:00:00",
        "2026-01-01 12:00:00",
        "2026-01-01T17:30:00+05:30",
        "2026-01-01T04:00:00-08:00",
    ],
)
def test_every_published_form_of_an_instant_is_read(text: str) -> None:
    assert timestamps.parse(text) == NOON


def test_a_date_is_its_midnight_in_utc() -> None:
    assert timestamps.parse("2026-01-01") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-01-01T25:00:00Z", "1767268800"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        timestamps.parse(text)


@pytest.mark.parametrize(
    ("instant", "step", "expected"),
    [
        ("2026-01-01T12:00:00.123456Z", timestamps.MILLISECOND, "2026-01-01T12:00:00.123Z"),
        ("2026-01-01T12:00:59.999Z", timestamps.MINUTE, "2026-01-01T12:00:00.000Z"),
        ("2026-01-01T12:00:00Z", timestamps.SECOND, "2026-01-01T12:00:00.000Z"),
        ("1969-12-31T23:59:59.5Z", timestamps.SECOND, "1969-12-31T23:59:59.000Z"),
    ],
)
def test_floor_goes_down_to_the_step_before_1970_too(instant: str, step: timedelta, expected: str) -> None:
    assert timestamps.milliseconds_z(timestamps.floor(timestamps.parse(instant), step)) == expected


def test_instants_are_written_in_utc_in_the_two_forms_of_filters() -> None:
    instant = datetime(2026, 1, 1, 17, 30, 0, 123456, tzinfo=INDIA)
    assert timestamps.milliseconds_z(instant) == "2026-01-01T12:00:00.123Z"
    assert timestamps.microseconds_offset(instant) == "2026-01-01T12:00:00.123456+00:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-19T09:22:10.931820", "2026-06-19T09:22:10.931820Z"),
        ("2026-06-19T09:22:10", "2026-06-19T09:22:10Z"),
        ("2026-06-19 09:22:10", "2026-06-19 09:22:10Z"),
        ("2026-06-19T09:22:10Z", "2026-06-19T09:22:10Z"),
        ("2026-06-19T09:22:10+00:00", "2026-06-19T09:22:10+00:00"),
        ("2026-06-19T09:22:10-0800", "2026-06-19T09:22:10-0800"),
        ("2026-06-19", "2026-06-19"),
        ("", ""),
        ("a sentence that is quite long", "a sentence that is quite long"),
    ],
)
def test_only_a_time_without_zone_gets_one(text: str, expected: str) -> None:
    assert timestamps.with_zone(text) == expected


def test_zones_are_given_to_the_named_fields_only() -> None:
    records: list[dict[str, Any]] = [
        {"at": "2026-06-19T09:22:10", "text": "2026-06-19T09:22:10"},
        {"at": "2026-06-19T09:22:10Z"},
        {"at": None},
        {"at": 5},
        {"at": ""},
        {},
    ]
    timestamps.fix_zones(records, ["at"])
    assert records == [
        {"at": "2026-06-19T09:22:10Z", "text": "2026-06-19T09:22:10"},
        {"at": "2026-06-19T09:22:10Z"},
        {"at": None},
        {"at": 5},
        {"at": ""},
        {},
    ]


VALUES = st.sampled_from(
    [
        *("2026-06-19T09:22:10", "2026-06-19 09:22", "2026-06-19T09:22:10.123"),  # without zone
        *(
            "2026-06-19T09:22:10Z",
            "2026-06-19T09:22:10+00:00",
            "2026-06-19T09:22:10.5-08:00",
            "2026-06-19T09:22:10-0800",
        ),
        *("2026-06-19", "0001-01-01T00:00:00+05:00", "2026-06-30T23:59:60Z", "soon", "", "Z", None),
        *(5, 0.5, True, ["2026-06-19T09:22:10"], {"at": 1}),
    ]
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES), max_size=6)


@given(ROWS)
def test_a_page_is_treated_as_its_values_one_by_one(rows: list[dict[str, Any]]) -> None:
    expected = [
        {
            name: timestamps.with_zone(value) if name != "c" and isinstance(value, str) else value
            for name, value in row.items()
        }
        for row in rows
    ]
    timestamps.fix_zones(rows, ["a", "b"])
    assert rows == expected
    values = [row.get("c") for row in rows]
    assert timestamps.instants(values) == list(map(timestamps.instant, values))
    assert timestamps.timeless(rows, "c") == [timestamps.instant(value) for value in values].count(None)


def test_the_latest_value_is_told_by_instant_where_forms_are_mixed() -> None:
    values = ["2026-01-01T12:00:00.500000+00:00", "2026-01-01T12:00:01+00:00", "2026-01-01T12:00:00Z"]
    assert timestamps.latest(values) == "2026-01-01T12:00:01+00:00"
    assert timestamps.latest(["2026-01-01T12:00:00Z", "2026-01-01T17:29:00+05:30"]) == "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("values", "latest"),
    [
        (["2026-01-01T10:00:00+02:00", "2026-01-01T09:00:00+00:00"], "2026-01-01T09:00:00+00:00"),
        (["2026-01-01T10:00:00.000+02:00", "2026-01-01T09:00:00.000+00:00"], "2026-01-01T09:00:00.000+00:00"),
        (["2026-01-01T09:00:00-01:00", "2026-01-01T09:30:00+00:00"], "2026-01-01T09:00:00-01:00"),
        (["2026-01-01T09:00:00+05:30", "2026-01-01T08:30:00+04:30"], "2026-01-01T08:30:00+04:30"),
        (["2026-01-01T09:00:00-05:30", "2026-01-01T10:00:00+05:30"], "2026-01-01T09:00:00-05:30"),
        (["2026-01-01T08:00:00+04:30", "2026-01-01T08:30:00+05:30"], "2026-01-01T08:00:00+04:30"),
        (["2026-01-01T10:00:00.000000Z", "2026-01-01T10:00:00.0005+00"], "2026-01-01T10:00:00.0005+00"),
        (["2026-01-01T10:00:00+00:00", "2026-01-01T10:00:00.500Z"], "2026-01-01T10:00:00.500Z"),
        (["2026-01-01T10:00:00.1234Z", "2026-01-01T12:00:00+02:00"], "2026-01-01T10:00:00.1234Z"),
        (["2026-01-01T10:00:00Z", "2026-01-01T10:00:01z"], "2026-01-01T10:00:01z"),
    ],
)
def test_values_of_the_same_length_in_other_zones_are_compared_by_instant(values: list[str], latest: str) -> None:
    assert timestamps.latest(values) == latest
    assert timestamps.latest(values[::-1]) == latest


@given(st.lists(st.tuples(INSTANTS, FORMS), min_size=1, max_size=8))
def test_latest_and_direction_agree_with_the_instants_whatever_the_forms(rows: list[tuple[datetime, str]]) -> None:
    rows = [(timestamps.floor(instant, timestamps.MILLISECOND), form) for instant, form in rows]
    values = [written(instant, form) for instant, form in rows]
    instants = [instant for instant, _ in rows]
    assert timestamps.parse(timestamps.latest(values)) == max(instants)
    expected = 1 if instants == sorted(instants) else -1 if instants == sorted(instants, reverse=True) else 0
    assert timestamps.direction(instants) == expected


@given(st.lists(INSTANTS, min_size=1, max_size=8), FORMS)
def test_latest_agrees_with_the_instants_in_one_form(instants: list[datetime], form: str) -> None:
    values = [written(instant, form) for instant in instants]
    assert timestamps.parse(timestamps.latest(values)) == max(map(timestamps.parse, values))


def test_a_run_of_equal_values_ascends() -> None:
    assert timestamps.direction([timestamps.parse("2026-01-01T12:00:00Z")] * 3) == 1
