"""Schemas are copies that callers may change, and the declared properties win over the account's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_kit import schemas


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with one schema file."""
    name = "schemas_of_a_test"
    folder = tmp_path / name / "schemas"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    (folder / "leads.json").write_text('{"type": "object", "properties": {"id": {"type": "string"}}}')
    monkeypatch.syspath_prepend(tmp_path)
    schemas._text.cache_clear()
    yield name
    sys.modules.pop(name, None)
    schemas._text.cache_clear()


def test_each_load_gives_a_fresh_copy(package: str) -> None:
    schemas.load(package, "leads")["properties"].clear()
    assert schemas.load(package, "leads") == {"type": "object", "properties": {"id": {"type": "string"}}}


def test_a_missing_schema_file_is_an_error(package: str) -> None:
    with pytest.raises(FileNotFoundError):
        schemas.load(package, "tasks")


def test_a_list_of_values_may_be_null_too() -> None:
    assert schemas.list_of({"type": "number"}) == {"type": ["null", "array"], "items": {"type": "number"}}


def test_properties_of_the_account_are_added_but_never_replace_declared_ones(package: str) -> None:
    extended = schemas.extended(
        schemas.load(package, "leads"), {"id": schemas.NUMBER, "custom.cf_1": schemas.list_of(schemas.DATE)}
    )
    assert extended["properties"] == {
        "id": {"type": "string"},
        "custom.cf_1": {"type": ["null", "array"], "items": {"type": ["null", "string"], "format": "date"}},
    }


def test_only_date_times_get_a_zone() -> None:
    schema = {"properties": {"at": schemas.DATE_TIME, "day": schemas.DATE, "name": schemas.TEXT, "any": {}}}
    assert schemas.zoned_fields(schema) == ("at",)
    assert schemas.zoned_fields({}) == ()
