"""The lock files install the same everywhere, and say nothing about where they were made."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from packaging_tests.repository import LOCKS, ROOT, canonical, locked_versions

NAMES = ("build", "dev", "dist", "image", "airbyte-tests")
BUILD, DEVELOPMENT, DIST, IMAGE, AIRBYTE_TESTS = (ROOT / f"requirements-{name}.lock" for name in NAMES)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_names_no_address_and_no_folder(lock: Path) -> None:
    assert re.findall(r"://|--index|--find-links|--trusted-host|(?:^| )(?:-e|@) |/", lock.read_text()) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_a_hash(lock: Path) -> None:
    entries = re.split(r"\n(?=\w)", lock.read_text())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", [BUILD, DIST, IMAGE], ids=lambda lock: lock.name)
def test_what_is_shipped_is_what_was_tested(lock: Path) -> None:
    tested = locked_versions(DEVELOPMENT)
    untested = {name: found for name, found in locked_versions(lock).items() if not found <= tested.get(name, set())}
    assert untested == {}


def test_our_own_packages_are_never_asked_of_an_index() -> None:
    own = [name for lock in LOCKS for name in locked_versions(lock) if name.startswith("source-")]
    assert own == []


def test_the_images_hold_a_part_of_what_the_wheels_need() -> None:
    whole = locked_versions(DIST)
    assert {name: found for name, found in locked_versions(IMAGE).items() if whole.get(name) != found} == {}


def test_airbytes_command_line_is_that_of_the_locked_cdk_with_a_pytest_of_its_own() -> None:
    theirs, ours = locked_versions(AIRBYTE_TESTS), locked_versions(DEVELOPMENT)
    assert theirs["airbyte-cdk"] == ours["airbyte-cdk"]
    assert theirs["pytest"] != ours["pytest"]


def test_the_image_lock_holds_exactly_the_packages_of_its_list() -> None:
    lines = [line.split("#")[0].strip() for line in IMAGE.with_suffix(".in").read_text().splitlines()]
    assert set(locked_versions(IMAGE)) == {canonical(line) for line in lines if line}


def test_the_image_list_holds_exactly_what_the_connectors_import() -> None:
    scan = subprocess.run(
        [sys.executable, ROOT / "tools" / "import_closure.py"], capture_output=True, text=True, check=False
    )
    assert (scan.returncode, scan.stderr) == (0, ""), scan.stdout + scan.stderr
