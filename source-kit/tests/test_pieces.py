"""Large texts in pieces: the same value as in one go, whatever stands in them."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit import json_text, pieces

TEXTS = st.sampled_from(["", "a", '},{"type":"a","id":', '"', "\\", "é"])
LINKED = st.fixed_dictionaries({"type": st.sampled_from(["a", "b"]), "id": st.integers(0, 9)})
RESOURCES = st.lists(
    st.builds(
        lambda linked, text, inner: {**linked, "text": text, "linked": inner},
        LINKED,
        TEXTS,
        st.lists(LINKED, max_size=4),
    ),
    min_size=1,
    max_size=9,
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Pieces of 60 bytes; the texts that are parsed."""
    parsed: list[bytes] = []
    loads = json_text.loads

    def counted(content: bytes, **options: bool) -> object:
        parsed.append(content)
        return loads(content, **options)

    monkeypatch.setattr(pieces, "LEAST_BYTES", 1)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 60)
    monkeypatch.setattr(json_text, "loads", counted)
    return parsed


def resources(count: int) -> bytes:
    return b",".join(b'{"type":"a","id":%d,"text":"%b"}' % (number, b"x" * 50) for number in range(count))


def test_a_list_is_parsed_in_pieces_and_what_stands_behind_it_too(small: list[bytes]) -> None:
    content = b'{"data":[%b],"meta":{"count":4}}' % resources(4)
    assert pieces.loads(content) == orjson.loads(content)
    assert [len(text) for text in small] == [81, 81, 81, 112 + len(pieces.CUT)]


def test_a_text_of_another_form_is_parsed_as_one(small: list[bytes]) -> None:
    for content in (b'{"rows":[%b]}' % resources(3), b"[%b]" % resources(3), b'"%b"' % (b"x" * 200)):
        assert pieces.loads(content) == orjson.loads(content)
    assert len(small) == 3


@pytest.mark.parametrize("rows", [resources(4), b" , \n ".join(b'{ "id": %d, "x": [] }' % n for n in range(100, 120))])
def test_the_list_need_not_come_first_nor_be_written_tightly(small: list[bytes], rows: bytes) -> None:
    content = b'{"meta":{"data":"data"},"links":null,"data": [ %b ],"x":0}' % rows
    assert pieces.loads(content) == orjson.loads(content)
    assert len(small) > 3


@pytest.mark.parametrize(
    "content",
    [
        b'{"data":[%b],"data":[]}' % resources(4),
        b'{"data":[%b],"data":null}' % resources(4),
        b'{"data":[{"type":"a","id":0,"linked":[%b]},%b]}' % (resources(4), resources(2)),
        b'{"data":[%b,{"type":"a","id":12345678901234567890123,"f":NaN,"s":"\xff"}]}' % resources(4),
        b'{"data":[%b,null,7,{"type":"a","id":1}]}' % resources(4),
        b' { "data" : [ %b ] }\n' % resources(4),
    ],
)
def test_whatever_comes_is_read_as_in_one_go(content: bytes) -> None:
    assert repr(pieces.loads(content)) == repr(json_text.loads(content))


@pytest.mark.parametrize("end", [b"", b"]", b"]}}", b",]}", b"],}"])
def test_what_is_no_json_is_none_in_pieces_either(end: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 1|char|EOF|Extra"):
        pieces.loads(b'{"data":[' + resources(4) + end)


@given(RESOURCES, st.dictionaries(TEXTS, TEXTS))
def test_lists_with_beginnings_of_resources_anywhere_are_read_as_in_one_go(
    listed: list[dict[str, object]], meta: dict[str, str]
) -> None:
    content = orjson.dumps({"data": listed, "meta": meta})
    assert pieces.loads(content) == orjson.loads(content)


@given(RESOURCES, st.integers(0, 400), st.integers(0, 400))
def test_a_text_that_was_cut_or_doubled_anywhere_is_read_as_in_one_go(
    listed: list[dict[str, object]], first: int, last: int
) -> None:
    content = orjson.dumps({"data": listed})
    content = content[:first] + content[last:]
    try:
        expected = repr(json_text.loads(content))
    except ValueError:
        expected = None
    try:
        found = repr(pieces.loads(content))
    except ValueError:
        found = None
    assert found == expected
