"""The demo fits a terminal, and its picture in the README shows what it prints now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from demo.__main__ import DEFAULT_CONNECTOR, RECORDS
from demo.accounts import ACCOUNTS
from demo.cast import PICTURE
from demo.rows import MOST_STREAMS, Shown, largest, read_up_to, rows_of
from demo.table import table
from emulators import start
from harness.connector import Connector, all_connectors
from packaging_tests.repository import ROOT

COLUMNS = 100
EVERY_CONNECTOR = pytest.mark.parametrize("connector", all_connectors(), ids=lambda connector: connector.name)


@EVERY_CONNECTOR
def test_tables_fit_a_hundred_columns_whatever_a_stream_is_called(connector: Connector) -> None:
    state = {"parent_updated_at": "2026-11-26T00:45:49.123456+00:00", "__v": 1}
    streams = [Shown(name, 9_999_999, "999999", 99_999.9, state) for name in connector.stream_names]
    shown = table(
        ["stream", "records", "requests", "seconds", "read up to (UTC)"], rows_of(streams, connector.stream_names)
    )
    assert max(map(len, shown.splitlines())) <= COLUMNS


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"date_updated": "2026-11-22T01:27:52.892000+00:00", "__v": 1}, "2026-11-22 01:27:52"),
        ({"__events_until": "2026-11-23T00:00:00Z", "date_created": "2026-11-22T01:27:52Z"}, "2026-11-22 01:27:52"),
        ({"__ab_no_cursor_state_message": True}, "(whole list)"),
        ({"campaigns": {"a": "2026-11-26T00:45:49Z", "b": "2026-11-25T00:45:49Z"}}, "2026-11-25 00:45:49, 2 campaigns"),
        ({"parents": {"a": "5", "b": "6"}}, "2 parents"),
    ],
)  # fmt: skip
def test_a_state_is_shown_as_the_time_that_was_read_up_to(state: dict[str, Any], text: str) -> None:
    assert read_up_to(state) == text


def test_the_largest_streams_have_a_line_each_and_the_others_one_together() -> None:
    streams = [
        Shown("a", 5, "2", 0.5, {}),
        Shown("b", 9, "3", 1.5, {}),
        Shown("c", 1, "4", 0.0, {}),
        Shown("d", 2, "-", 0, {}),
    ]
    chosen = largest(streams, 2)
    assert rows_of(streams, chosen) == [
        ["a", "5", "2", "0.5", "(whole list)"],
        ["b", "9", "3", "1.5", "(whole list)"],
        ["and 2 more streams", "3", "4", "", ""],
    ]
    assert len(rows_of(streams, largest(streams, 4))) == 4


def test_the_demo_runs_and_fits_a_hundred_columns() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--venv", "--records", "200"],
        cwd=ROOT / "acceptance-tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the account holds exactly these" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= COLUMNS


def shown_in(picture: Path) -> str:
    """What stands in the terminal of the picture."""
    texts = ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}text")
    return "\n".join((text.text or "").replace("\xa0", " ") for text in texts)


def test_the_picture_shows_the_records_that_the_demo_reads_now() -> None:
    (connector,) = [each for each in all_connectors() if each.name == DEFAULT_CONNECTOR]
    with start(connector.emulator, **ACCOUNTS[connector.name].options(RECORDS)) as account:
        counts = account.truth_counts()
    records = sum(counts[stream.truth_name] for stream in connector.streams)
    text = shown_in(PICTURE)
    assert f"the account holds exactly these {records:,} records" in text, "make cast"
    assert f"and {len(connector.streams) - MOST_STREAMS} more streams" in text, "make cast"
    for name, records_of_stream in (("leads", counts["leads"]), ("tasks", counts["tasks"])):
        assert any(line.split()[:2] == [name, f"{records_of_stream:,}"] for line in text.splitlines()), name


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    assert "@font-face" not in PICTURE.read_text()
    assert "url(http" not in PICTURE.read_text()
