"""What the documents say is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from source_closeio.config import DEFAULTS
from source_closeio.secrets import without_secrets
from unit_tests.closeio_account import Account

FOLDER = Path(__file__).parents[1]
README = (FOLDER / "README.md").read_text()
BEHAVIOR = (FOLDER / "BEHAVIOR.md").read_text()
SPEC: dict[str, Any] = yaml.safe_load((FOLDER / "source_closeio" / "spec.yaml").read_text())["connectionSpecification"]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = re.split(r"\n##+ ", re.split(rf"\n##+ {heading}\n", README)[1])[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_streams_is_the_list_of_streams() -> None:
    connection, _ = Account().connection()
    streams = connection.streams()
    assert [row[:5] for row in rows("Supported Streams")] == [
        [
            f"`{stream.name}`",
            f"`{stream.http_method} /{stream.path().rstrip('/')}/`",
            "full refresh, incremental" if stream.cursor_name else "full refresh",
            f"`{stream.cursor_name}`" if stream.cursor_name else "",
            f"`{stream.primary_key}`",
        ]
        for stream in streams
    ]


def test_the_table_of_the_configuration_is_that_of_the_spec() -> None:
    documented = {row[0].strip("`"): row for row in rows("Configuration")}
    properties = SPEC["properties"]
    assert set(documented) == set(properties)
    for name, details in properties.items():
        assert ("hidden" in documented[name][1]) == bool(details.get("airbyte_hidden")), name
        if "default" in details:
            assert documented[name][2] == str(details["default"]).lower(), name
    assert documented["user_agent"][2] == DEFAULTS.user_agent


def test_one_version_is_told_everywhere() -> None:
    version = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]["version"].removesuffix("+unpublished")
    metadata = yaml.safe_load((FOLDER / "metadata.yaml").read_text())["data"]
    changelog = (FOLDER.parents[1] / "CHANGELOG.md").read_text()
    released = [found for found in re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE) if found != "Unreleased"]
    assert metadata["dockerImageTag"] == version
    assert released[0] == version
    assert DEFAULTS.user_agent == f"source-closeio/{version}"


def test_suggested_streams_exist_and_leave_out_the_derived_ones() -> None:
    metadata = yaml.safe_load((FOLDER / "metadata.yaml").read_text())["data"]
    suggested = metadata["suggestedStreams"]["streams"]
    assert set(suggested) <= {row[0].strip("`") for row in rows("Supported Streams")}
    assert "user_posts" not in suggested


def test_the_quirks_are_numbered_and_each_names_a_test_that_exists() -> None:
    entries = re.split(r"^(\d+)\. ", BEHAVIOR, flags=re.MULTILINE)[1:]
    numbers, texts = entries[::2], entries[1::2]
    assert numbers == [str(number) for number in range(1, len(texts) + 1)]
    for number, text in zip(numbers, texts, strict=True):
        assert "**Why" in re.sub(r"\s+", " ", text), number
        named = re.findall(r"`([\w/.-]+\.py)::(\w+)`", text)
        assert named, f"quirk {number} names no test"
        for file, test in named:
            path = FOLDER.parents[1] / file if "/" in file else FOLDER / "unit_tests" / file
            assert re.search(rf"def {test}\(", path.read_text()), f"quirk {number}: {file}::{test}"


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README + BEHAVIOR):
        assert target.startswith("http") or (FOLDER / target).exists(), target


def test_live_secrets_leave_as_null() -> None:
    record: dict[str, Any] = {
        "id": "emailacct_1",
        "signature_key": "s",
        "smtp": {"host": "h", "password": "p"},
        "tokens": [{"access_token": "t", "token_type": "Bearer"}],
        "keyboard": "qwerty",
    }
    without_secrets(record)
    assert record == {
        "id": "emailacct_1",
        "signature_key": None,
        "smtp": {"host": "h", "password": None},
        "tokens": [{"access_token": None, "token_type": "Bearer"}],
        "keyboard": "qwerty",
    }
