"""Each connector's README is its documentation page: in the order that Airbyte's pages have, and true to the code.

Streams and types are those that `discover` finds in an emulated account, options those of the spec.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from emulators import start
from harness.connector import all_connectors
from packaging_tests.repository import CONNECTORS, ROOT, metadata, specification

EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
EMULATORS = {connector.script: connector.emulator for connector in all_connectors()}
# What is special about a connector stands between the streams and the performance.
FIRST = ["Prerequisites", "Setup guide", "Supported sync modes", "Supported Streams"]
LAST = ["IP allow list", "Performance considerations", "Data type map", "Limitations & Troubleshooting", "Changelog"]
SYNC_MODES = {"full refresh": "full_refresh", "incremental": "incremental"}
FORMATS = {"date-time": "timestamp_with_timezone", "date": "date"}

GUIDE = ROOT / "docs" / "airbyte-oss.md"

Row = dict[str, str]


def readme(connector: Path) -> str:
    return (connector / "README.md").read_text()


def tables(page: Path, heading: str) -> list[Row]:
    """The rows of all tables under a heading of a page, or of a connector's README, by their column heads; code marks
    are taken off."""
    text = readme(page) if page.is_dir() else page.read_text()
    section = re.split(r"^##+ ", re.split(rf"^##+ {re.escape(heading)}\n", text, flags=re.M)[1], flags=re.M)
    rows: list[Row] = []
    head: list[str] = []
    for line in section[0].splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            head = []
        elif not head:
            head = cells
        elif set(line) - set("|-: "):
            rows.append(dict(zip(head, cells, strict=True)))
    return rows


@cache
def catalog(connector: Path) -> list[dict[str, Any]]:
    """The streams of an emulated account."""
    script = Path(sys.executable).with_name(connector.name)
    with start(EMULATORS[connector.name]) as account:
        done = subprocess.run(
            [script, "discover", "--config", "/dev/stdin"],
            input=json.dumps(account.config),
            capture_output=True,
            text=True,
            check=True,
        )
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    (streams,) = [message["catalog"]["streams"] for message in messages if message["type"] == "CATALOG"]
    return list(streams)


def airbyte_type(schema: dict[str, Any]) -> str:
    """What Airbyte makes of a column."""
    types = schema.get("type", [])
    kinds = {types} if isinstance(types, str) else {kind for kind in types if kind != "null"}
    if len(kinds) != 1:
        return "union" if kinds else "unknown"
    return str(FORMATS.get(schema.get("format", ""), *kinds))


@EVERY_CONNECTOR
def test_the_page_has_the_sections_of_airbytes_pages_in_their_order(connector: Path) -> None:
    text = readme(connector)
    headings = re.findall(r"^## (.+)$", text, flags=re.M)
    assert headings[: len(FIRST)] == FIRST
    assert headings[-len(LAST) :] == LAST
    name = metadata(connector)["name"]
    assert re.findall(r"^# .+$", text, flags=re.M) == [f"# {name}"]
    setup = text.split("\n## Setup guide\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (.+)$", setup, flags=re.M) == [
        f"Set up {name}",
        f"Set up the {name} connector in Airbyte",
        "Configuration",
    ]


@EVERY_CONNECTOR
def test_the_table_of_streams_is_what_discover_finds(connector: Path) -> None:
    documented = {row["stream"]: row for row in tables(connector, "Supported Streams")}
    # `kobject_<klass>` stands for one stream for each klass of the account.
    families = re.findall(r"`(\w+_)<\w+>`", readme(connector))
    found = {stream["name"]: stream for stream in catalog(connector)}
    of_families = {name for name in found if name not in documented and name.startswith(tuple(families))}
    assert found.keys() - of_families == {name for name in documented if "<" not in name}
    for name in found.keys() - of_families:
        stream, row = found[name], documented[name]
        assert {SYNC_MODES[mode] for mode in row["sync modes"].split(", ")} == set(stream["supported_sync_modes"]), name
        assert row["cursor"] == ".".join(stream.get("default_cursor_field") or []), name
        keys = [".".join(path) for path in stream.get("source_defined_primary_key") or []]
        assert row.get("key", "id") == (", ".join(keys) or "none"), name


@EVERY_CONNECTOR
def test_streams_resume_in_full_refresh_where_they_have_a_cursor(connector: Path) -> None:
    differing = [
        stream["name"]
        for stream in catalog(connector)
        if bool(stream.get("is_resumable")) != ("incremental" in stream["supported_sync_modes"])
    ]
    assert differing == []
    assert {row["sync mode"]: row["supported"] for row in tables(connector, "Supported sync modes")} == {
        "full refresh, overwrite and append": "all streams",
        "incremental, append and append + deduped": "streams with a cursor",
        "resumable full refresh": "streams with a cursor",
        "namespaces": "no",
    }


@EVERY_CONNECTOR
def test_the_table_of_options_is_that_of_the_spec(connector: Path) -> None:
    options = specification(connector)["connectionSpecification"]["properties"]
    documented = {row["key"]: row for row in tables(connector, "Configuration")}
    shown = {name for name, option in options.items() if not option.get("airbyte_hidden")}
    assert shown <= documented.keys() <= options.keys()
    for name, row in documented.items():
        assert row["meaning"].startswith("hidden") == (name not in shown), name
        if "default" in options[name]:
            assert row["default"] == str(options[name]["default"]).lower(), name


@EVERY_CONNECTOR
def test_the_map_of_types_has_the_types_of_the_columns(connector: Path) -> None:
    documented = [row["Airbyte type"] for row in tables(connector, "Data type map")]
    assert len(documented) == len(set(documented))
    assert set(documented) == {
        airbyte_type(column) for stream in catalog(connector) for column in stream["json_schema"]["properties"].values()
    }


@EVERY_CONNECTOR
def test_the_changelog_begins_with_the_version(connector: Path) -> None:
    data = metadata(connector)
    assert tables(connector, "Changelog")[0]["version"] == data["dockerImageTag"]
    default = {row["key"]: row["default"] for row in tables(connector, "Configuration")}["user_agent"]
    assert default == f"{data['dockerRepository']}/{data['dockerImageTag']}"


@EVERY_CONNECTOR
def test_the_links_of_a_page_lead_somewhere(connector: Path) -> None:
    text = readme(connector) + (connector / "BEHAVIOR.md").read_text()
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    assert [target for target in targets if "://" not in target and not (connector / target).exists()] == []


@EVERY_CONNECTOR
def test_suggested_streams_exist_and_are_documented(connector: Path) -> None:
    suggested = metadata(connector)["suggestedStreams"]["streams"]
    assert len(suggested) == len(set(suggested))
    assert set(suggested) <= {stream["name"] for stream in catalog(connector)}
    assert set(suggested) <= {row["stream"] for row in tables(connector, "Supported Streams")}


@EVERY_CONNECTOR
def test_airbyte_links_to_the_same_documents_from_the_definition_and_from_the_spec(connector: Path) -> None:
    data = metadata(connector)
    assert data["documentationUrl"] == specification(connector)["documentationUrl"]
    urls = [data["documentationUrl"], *(each["url"] for each in data["externalDocumentationUrls"])]
    assert [url for url in urls if not url.startswith("https://")] == []


@EVERY_CONNECTOR
def test_the_resources_of_the_guide_are_those_of_the_metadata(connector: Path) -> None:
    rows = {row["connector"]: row for row in tables(GUIDE, "3. Resources")}
    (job,) = metadata(connector)["resourceRequirements"]["jobSpecific"]
    needs = job["resourceRequirements"]
    assert rows[connector.name]["memory request, limit"] == f"{needs['memory_request']}, {needs['memory_limit']}"


def test_the_guide_has_every_argument_of_the_command() -> None:
    text = subprocess.run(
        [sys.executable, "-B", "-m", "register", "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    known = set(re.findall(r"--[a-z-]+|AIRBYTE_[A-Z_]+", text)) - {"--help"}
    documented = " ".join(row["argument"] for row in tables(GUIDE, "By command"))
    assert set(re.findall(r"--[a-z-]+|AIRBYTE_[A-Z_]+", documented)) == known


PAGES = [
    GUIDE,
    ROOT / "docs" / "meltano-and-dlt.md",
    ROOT / "docs" / "many-accounts.md",
    ROOT / "examples" / "airflow" / "README.md",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_the_guides_lead_somewhere(page: Path) -> None:
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())]
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_the_examples_name_streams_and_an_image_that_exist() -> None:
    close = ROOT / "connectors" / "source-closeio"
    streams = {stream["name"] for stream in catalog(close)}
    terraform = re.findall(r'name = "(\w+)", sync_mode', (ROOT / "docs" / "terraform" / "main.tf").read_text())
    meltano = (ROOT / "examples" / "meltano" / "meltano.yml").read_text()
    assert len(terraform) == 4
    assert {*terraform, *re.findall(r"- (\w+)\.\*", meltano)} <= streams
    assert re.findall(r"tag: ([\d.]+)", meltano) == [metadata(close)["dockerImageTag"]]
