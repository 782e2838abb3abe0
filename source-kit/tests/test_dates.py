"""Dates that people write, and spans of time: by pendulum."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit import dates, timestamps

DAY = datetime(2024, 1, 31, tzinfo=UTC)
TEN = datetime(2024, 1, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", DAY),
        (" 2024-01-31 ", DAY),
        ("20240131", DAY),
        ("2024-031", DAY),
        ("2024-W05-3", DAY),
        ("2024/01/31", DAY),
        ("2024-01", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-31T10:00:00Z", TEN),
        ("2024-01-31 10:00", TEN),
        ("2024-01-31T10:00:00.000000000Z", TEN),
        ("2024-01-31T15:30:00+05:30", TEN),
        ("2024-01-31T15:30:00+0530", TEN),
        # What pendulum refuses and records may hold.
        ("2024-01-31T15:30:00 +05:30", TEN),
        ("2024-01-31 10:00:00 UTC", TEN),
        ("2024-01-31t10:00:00z", TEN),
    ],
)
def test_every_form_of_a_date_is_read(text: str, expected: datetime) -> None:
    found = dates.read(text)
    assert (found, found.tzinfo, type(found)) == (expected, UTC, datetime)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2024", "10:00", "P1D", "P2024-01-31", "yesterday", "31.01.2024", "1706695200", "1706695200000"),
        *("2023-02-29", "2024-13-01", "2024-01-31T25:00:00Z", "2024-01-31T10:00:60Z", "0000-01-01"),
        *("2024-01-31/2024-02-01", "2024-01-31T10:00:00Z/P1D", "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0663\u0661"),
        *("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2024-01-31T10:00:00+24:00"),
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        dates.read(text)


@given(st.one_of(st.text(), st.text("0123456789-/:TZW+. ", max_size=30), st.from_regex(r"\A[0-9]{4}-[0-9-]{2,}T.*\Z")))
def test_nothing_but_a_value_error_comes_of_any_text(text: str) -> None:
    try:
        found = dates.read(text)
    except ValueError:
        return
    assert found.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999), st.integers(-14 * 60, 14 * 60))
def test_both_readers_agree(moment: datetime, offset: int) -> None:
    text = moment.replace(tzinfo=timezone(timedelta(minutes=offset))).isoformat()
    assert dates.read(text) == timestamps.parse(text)


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(0), timedelta(days=40_000)))
def test_a_span_is_taken_off_exactly(moment: datetime, span: timedelta) -> None:
    before_all = datetime.min.replace(tzinfo=UTC)
    expected = before_all if span > moment - before_all else dates.minus(moment, span)
    assert timestamps.before(moment, span) == expected


def test_before_the_first_year_there_is_nothing() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert timestamps.before(first, timedelta(days=1)) == first
    with pytest.raises(OverflowError):
        dates.minus(first, timedelta(days=1))


def test_steps_begin_at_the_beginning_and_end_before_the_end() -> None:
    march = datetime(2024, 3, 31, tzinfo=UTC)
    assert dates.steps(DAY, march, days=30) == [DAY, datetime(2024, 3, 1, tzinfo=UTC)]
    assert dates.steps(DAY, march + timedelta(seconds=1), days=30)[-1] == march
    assert dates.steps(march, DAY, days=30) == []
