"""Rows of an answer: objects, each once, whatever else stands in the list."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.rows import Settled, has_list, identity, is_strange, settle


@pytest.mark.parametrize(
    ("listed", "left", "settled"),
    [
        ([{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 2}], Settled(2)),
        ([{"id": 1}, None, "x", 7, [1]], [{"id": 1}], Settled(5, 4)),
        ([{"id": 1, "a": 1}, {"id": 1, "a": 1}], [{"id": 1, "a": 1}], Settled(2)),
        ([{"id": 1, "a": 1}, {"id": 1, "a": 2}], [{"id": 1, "a": 1}, {"id": 1, "a": 2}], Settled(2)),
        ([{"a": 1}, {"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}], Settled(3)),
        ([{"id": [1]}, {"id": {"x": 1}}], [{"id": [1]}, {"id": {"x": 1}}], Settled(2)),
        ({"id": 1}, [{"id": 1}], Settled(1)),
        ([], [], Settled()),
    ],
)
def test_a_list_holds_objects_once(listed: Any, left: list[Any], settled: Settled) -> None:
    content = {"data": listed}
    assert settle(content, "data") == settled
    assert content["data"] == left


def test_what_has_no_list_is_left_alone() -> None:
    contents: list[Any] = [None, [], {}, {"data": None}, {"data": "x"}]
    for content in contents:
        assert settle(content, "data") == Settled()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"data": []}, True),
        ({"data": [None]}, True),
        ({"data": {"id": 1}}, True),
        ({"data": {}}, False),
        ({"data": {"data": [{"id": 1}]}}, False),
        ({"data": {"0": {"id": 1}, "1": {"id": 2}}}, False),
        ({"data": None}, False),
        ({"data": "x"}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_an_answer_has_its_list(content: Any, expected: bool) -> None:
    assert has_list(content, "data") is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"data": [None, "x"]}, True),
        ({"data": [[{"id": 1}]]}, True),
        ({"data": [None, {"id": 1}]}, False),
        ({"data": []}, False),
        ({"data": {"id": 1}}, True),
        (None, False),
    ],
)
def test_rows_of_which_none_is_one_are_strange(content: Any, expected: bool) -> None:
    assert is_strange(content, "data") is expected


def test_a_record_without_id_is_told_by_all_of_it() -> None:
    assert identity({"id": 7, "a": 1}) == 7
    assert identity({"a": 1}) == identity({"a": 1}) != identity({"a": 2})
    assert identity({"id": ["x"]}) == b'{"id":["x"]}'
