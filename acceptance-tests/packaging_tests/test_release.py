"""One version everywhere, and a changelog that says what it brought. docs/releasing.md tells how it is changed."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from packaging_tests.repository import CONNECTORS, ROOT, metadata

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
RELEASING = (ROOT / "docs" / "releasing.md").read_text()
EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
NUMBER = r"\d+\.\d+\.\d+"


def settings(package: Path) -> dict[str, Any]:
    return tomllib.loads((package / "pyproject.toml").read_text())


def the_version() -> str:
    version: str = settings(ROOT / "source-kit")["project"]["version"]
    return version.removesuffix("+unpublished")


def sections() -> dict[str, str]:
    """The text under each heading of the changelog, by what stands in its brackets."""
    parts = re.split(r"^## \[(.+?)\].*\n", CHANGELOG, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_all_places_say_the_same_version() -> None:
    said = {"source-kit": the_version()}
    for connector in CONNECTORS:
        module = connector / connector.name.replace("-", "_")
        said[f"{connector.name} package"] = settings(connector)["project"]["version"].removesuffix("+unpublished")
        said[f"{connector.name} for Airbyte's suite"] = settings(connector)["tool"]["poetry"]["version"]
        said[f"{connector.name} image"] = str(metadata(connector)["dockerImageTag"])
        agents = re.findall(rf'"{connector.name}/({NUMBER})"', (module / "config.py").read_text())
        said[f"{connector.name} user agent"] = agents[0]
    assert set(said.values()) == {the_version()}, said


def test_the_changelog_has_what_is_not_released_then_the_versions_from_the_newest_which_is_the_present_one() -> None:
    unreleased, *versions = sections()
    assert unreleased == "Unreleased"
    assert versions[0] == the_version()
    numbers = [tuple(map(int, version.split("."))) for version in versions]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == len(numbers)


def test_every_section_of_the_changelog_says_something_under_the_usual_headings() -> None:
    for version, text in sections().items():
        found = re.findall(r"^### (.+)$", text, flags=re.MULTILINE)
        assert found == [kind for kind in KINDS if kind in found], version
        bodies = re.split(r"^### .+\n", text, flags=re.MULTILINE)[1:]
        assert version == "Unreleased" or bodies, version
        assert [body for body in bodies if not body.strip().startswith("- ")] == [], version


@EVERY_CONNECTOR
def test_the_pages_date_the_versions_as_the_changelog_does(connector: Path) -> None:
    dated = dict(re.findall(rf"^## \[({NUMBER})\] - (\S+)$", CHANGELOG, flags=re.MULTILINE))
    assert dated.keys() == sections().keys() - {"Unreleased"}
    page = (connector / "README.md").read_text().split("\n## Changelog\n")[1]
    rows = re.findall(rf"^\| ({NUMBER}) \| (\S+) \|", page, flags=re.MULTILINE)
    assert rows[0][0] == the_version()
    for version, day in rows:
        assert dated[version] == day
        assert date.fromisoformat(day)


def test_the_checklist_names_every_file_that_holds_the_version() -> None:
    """A search over all that is committed, so that a new place cannot be forgotten."""
    version = re.escape(the_version())
    patterns = ("*.toml", "*.yaml", "*.yml", "*.md", "Dockerfile", "*.py")
    skipped = ("tests", "unit_tests", "packaging_tests")
    holding = {
        path.relative_to(ROOT)
        for top in ("source-kit", "connectors", "docs", "examples", "loading", "tools")
        for pattern in patterns
        for path in (ROOT / top).rglob(pattern)
        if not any(part in skipped or part.startswith(".") for part in path.relative_to(ROOT).parts)
        and re.search(rf"(?<![\d.]){version}(?![\d.]*\d)", path.read_text())
    }
    named = {
        path
        for pattern in re.findall(r"^   - `([^`]+)`", RELEASING, flags=re.MULTILINE)
        for path in (found.relative_to(ROOT) for found in ROOT.glob(pattern))
    }
    assert holding - named == set()
    assert named - holding - {Path("CHANGELOG.md")} == set()


def test_the_checklist_names_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+)(?:-%)?:", makefile, flags=re.MULTILINE))
    used = set(re.findall(r"`make ([\w-]+)", RELEASING)) | set(re.findall(r"^make ([\w-]+)", RELEASING, flags=re.M))
    assert {"dist", "test-dist", "sbom", "audit", "airbyte-qa", "airbyte-tests", "acceptance"} <= used
    assert used <= targets


def test_links_of_the_checklist_lead_somewhere() -> None:
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", RELEASING)]
    assert [target for target in targets if "://" not in target and not (ROOT / "docs" / target).exists()] == []
