"""Records with their texts: what leaves is what the records say, or no text at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit.json_text import UNHOLDABLE
from source_kit.numbered import Listed, NumberedList
from source_kit.work import Page, Record, in_order
from source_kit.written import Outline, Written, outlines, stamped, whole_of
from tests.engine_bench import Bench, Stream, plan_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def written(*records: Record) -> Written:
    return Written(records, list(map(orjson.dumps, records)))


def test_a_moment_is_added_to_texts_of_records_that_have_no_such_name() -> None:
    found = stamped(written({"id": 1}, {"id": 2, "x": {}}), "at", "noon")
    assert isinstance(found, Written)
    assert found.texts == [b'{"id":1,"at":"noon"}', b'{"id":2,"x":{},"at":"noon"}']
    assert list(found) == [{"id": 1, "at": "noon"}, {"id": 2, "x": {}, "at": "noon"}]


@pytest.mark.parametrize("odd", [{"id": 2, "at": None}, {"at": "then", "id": 2}, {"at": "no on".replace(" ", "")}, {}])
def test_where_a_moment_cannot_be_added_at_the_end_of_each_text_there_are_none(odd: Record) -> None:
    found = stamped(written({"id": 1}, odd), "at", "noon")
    assert type(found) is list
    assert [record["at"] for record in found] == ["noon", odd["at"]]


def test_records_leave_as_they_were_written() -> None:
    bench = Bench(Stream("leads", plan_of(Page(Written([{"id": 1}, {"id": 2}], [b'{"id":1 }', b'{"id":2 }'])))))
    bench.run()
    assert bench.ids("leads") == [1, 2]
    assert bench.output.written.count(b'"data":{"id":1 },"emitted_at":') == 1


def test_an_empty_page_that_was_written_is_no_line() -> None:
    assert Bench(Stream("leads", plan_of(Page(Written([], []))))).run().ids("leads") == []


def records(*numbers: int) -> list[Record]:
    return [{"id": number, "at": "noon", "x": [number]} for number in numbers]


def test_outlines_have_an_id_and_a_time_and_leave_as_they_were_written() -> None:
    found = outlines(records(1, 2), ["id", "at"])
    assert found == [{"id": 1, "at": "noon"}, {"id": 2, "at": "noon"}]
    bench = Bench(Stream("leads", plan_of(Page(found), Page(found[1:] + records(3)))))
    assert bench.run().ids("leads") == [1, 2, 2, 3]
    lines = bench.output.written.splitlines()
    assert [line.count(b'"x":[') for line in lines if b"RECORD" in line] == [1, 1, 1, 1]


def test_whoever_looks_at_what_an_outline_lacks_or_changes_it_is_told() -> None:
    (outline,) = outlines(records(1), ["id", "at"])
    assert outline.get("at") == "noon"
    with pytest.raises(KeyError):
        outline.get("x")
    with pytest.raises(KeyError):
        assert "x" not in outline
    assert "at" in outline


@pytest.mark.parametrize(
    "use",
    [
        lambda outline: outline.__setitem__("x", 1),
        lambda outline: outline.update(x=1),
        lambda outline: outline.setdefault("x", 1),
        lambda outline: outline.pop("at"),
        lambda outline: dict(outline),
        lambda outline: {**outline},
        lambda outline: outline | {"x": 1},
        lambda outline: {"x": 1} | outline,
        lambda outline: {}.update(outline),
        lambda outline: outline.copy(),
        lambda outline: list(outline.items()),
    ],
)
def test_nobody_makes_another_record_of_an_outline(use: Callable[[Any], Any]) -> None:
    (outline,) = outlines(records(1), ["id", "at"])
    with pytest.raises(TypeError, match="whole"):
        use(outline)


def test_an_outline_is_the_whole_record_wherever_that_is_wanted() -> None:
    assert whole_of(outlines(records(1), ["id", "at"]) + records(2)) == records(1, 2)


@pytest.mark.parametrize(
    "odd",
    [{"at": "noon"}, {"id": None, "at": "noon"}, {"id": [], "at": "noon"}, {"id": 2, "at": None}, {"id": 2}],
)
def test_of_records_that_one_without_id_or_time_is_among_there_are_no_outlines(odd: Record) -> None:
    with pytest.raises(ValueError, match="without id or time"):
        outlines([*records(1), odd], ["id", "at"])


@pytest.mark.parametrize("value", [UNHOLDABLE, "\ud800", 2**64, {1: 2}])
def test_a_record_that_cannot_be_written_as_it_stands_stays_whole_among_outlines(value: Any) -> None:
    odd = {"id": 2, "at": "noon", "x": value}
    found = outlines([*records(1), odd, *records(3)], ["id", "at"])
    assert list(map(type, found)) == [Outline, dict, Outline]
    assert whole_of(found) == [*records(1), odd, *records(3)]
    assert Bench(Stream("leads", plan_of(Page(found)))).run().ids("leads") == [1, 2, 3]


def test_of_no_records_there_are_none() -> None:
    assert outlines([], ["id", "at"]) == []


@pytest.mark.parametrize(("stamp", "text"), [(None, b'{"id":1}'), ("at", b'{"id":1,"at":"2026-01-01T12:00:00Z"}')])
def test_rows_of_lists_by_numbers_leave_as_they_were_written(stamp: str | None, text: bytes) -> None:
    walk = NumberedList(lambda number: Listed([{"id": 1}], False, NOON), stamp=stamp)
    found = next(iter(in_order(walk.read()))).records
    assert isinstance(found, Written)
    assert found.texts == [text]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.just("\ud800"), st.just(UNHOLDABLE)
)
ROWS = st.dictionaries(st.sampled_from(["id", "at", "name", "é"]), VALUES, max_size=4)


@given(st.lists(ROWS, max_size=5), st.sampled_from([None, "at"]), st.booleans())
def test_of_a_list_by_numbers_each_text_is_what_its_record_says(
    rows: list[dict[str, Any]], stamp: str | None, keeps: bool
) -> None:
    keep = (lambda record: record.get("name") is None) if keeps else None
    walk = NumberedList(lambda number: Listed(rows, False, NOON), stamp=stamp, keep=keep)
    for page in in_order(walk.read()):
        if isinstance(page.records, Written):
            assert page.records.texts == list(map(orjson.dumps, page.records))
