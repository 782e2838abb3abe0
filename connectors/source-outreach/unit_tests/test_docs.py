"""What the documents say is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from source_outreach.collections import table
from source_outreach.config import DEFAULTS

FOLDER = Path(__file__).parents[1]
README = (FOLDER / "README.md").read_text()
BEHAVIOR = (FOLDER / "BEHAVIOR.md").read_text()
SPEC: dict[str, Any] = yaml.safe_load((FOLDER / "source_outreach" / "spec.yaml").read_text())["connectionSpecification"]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = re.split(r"\n##+ ", re.split(rf"\n##+ {heading}\n", README)[1])[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_streams_is_the_list_of_streams() -> None:
    assert [(row[0], row[2], row[3]) for row in rows("Supported Streams")] == [
        (
            f"`{name}`",
            "full refresh, incremental" if collection.cursor else "full refresh",
            f"`{collection.cursor}`" if collection.cursor else "",
        )
        for name, collection in table().items()
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


def test_the_requests_of_a_year_are_those_of_the_table() -> None:
    a_day, streams = (288, 96, 24, 1), len(table())
    reference = sum(collection.is_reference for collection in table().values())
    apps = sum(collection.has_app_scope for collection in table().values())
    # One each; `org_settings` takes one more, to find its id.
    requests = streams + 1
    expected = {
        "5": [5 * syncs * 365 for syncs in a_day],
        f"{apps} (all that an app may read)": [apps * syncs * 365 for syncs in a_day],
        f"{streams - reference}, without the {reference} reference streams": [
            (requests - reference) * syncs * 365 for syncs in a_day
        ],
        f"{streams} (all)": [requests * syncs * 365 for syncs in a_day],
        f"{streams}, `reference_interval_hours` 24": [
            ((requests - reference) * syncs + reference) * 365 for syncs in a_day
        ],
    }
    section = README.split("## Requests of the year")[1].split("\n| streams |")[1].split("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()[2:]]
    found = {name: [int(re.sub(r"\D", "", figure)) for figure in figures] for name, *figures in cells}
    assert found == expected


def test_one_version_is_told_everywhere() -> None:
    version = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]["version"].removesuffix("+unpublished")
    metadata = yaml.safe_load((FOLDER / "metadata.yaml").read_text())["data"]
    assert metadata["dockerImageTag"] == version
    assert f"source-outreach/{version}" == DEFAULTS.user_agent


def test_suggested_streams_exist() -> None:
    metadata = yaml.safe_load((FOLDER / "metadata.yaml").read_text())["data"]
    assert set(metadata["suggestedStreams"]["streams"]) <= table().keys()


def test_every_secret_of_the_table_is_in_the_list_of_behaviours() -> None:
    secrets = {name for collection in table().values() for name in collection.secrets}
    assert not [name for name in secrets if f"`{name}`" not in BEHAVIOR]


def test_the_quirks_are_numbered_and_each_names_a_test_that_exists() -> None:
    entries = re.split(r"^(\d+)\. ", BEHAVIOR, flags=re.MULTILINE)[1:]
    numbers, texts = entries[::2], entries[1::2]
    assert numbers == [str(number) for number in range(1, len(texts) + 1)]
    for number, text in zip(numbers, texts, strict=True):
        assert "**Why" in re.sub(r"\s+", " ", text), number
        named = re.findall(r"`([\w/.-]+\.py)::(\w+)`", text)
        assert named, f"quirk {number} names no test"
        for file, test in named:
            assert f"def {test}(" in (FOLDER / "unit_tests" / file).read_text(), f"{file}::{test}"
