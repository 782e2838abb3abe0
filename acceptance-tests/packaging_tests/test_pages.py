"""Every page is in the index, says how it is tested, and names only tests, modules and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packaging_tests.repository import ROOT

HIDDEN = ("node_modules", "build", "dist")


def pages() -> list[Path]:
    """The documents of the repository, whatever else lies about."""
    found = [path for pattern in ("*.md", "*/*.md", "*/*/*.md") for path in ROOT.glob(pattern)]
    return sorted(
        path for path in found if not any(part in HIDDEN or part[0] == "." for part in path.relative_to(ROOT).parts)
    )


INDEX = ROOT / "docs" / "README.md"
TESTS = ROOT / "acceptance-tests" / "README.md"
EVERY_PAGE = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


def links(page: Path) -> list[Path]:
    """The files that a page links to."""
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)|src=\"([^\"]+)\"", page.read_text())
    return [page.parent / (first or second) for first, second in targets if "://" not in first + second]


def table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the rows of the table under a heading, code marks and head taken off."""
    section = re.split(r"^## ", page.read_text().split(f"\n## {heading}\n")[1], flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_there_are_pages() -> None:
    assert len(pages()) > 15
    assert INDEX in pages()


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(target) for target in links(page) if not target.exists()] == []


@EVERY_PAGE
def test_the_index_leads_to_the_page(page: Path) -> None:
    assert page == INDEX or page.resolve() in {target.resolve() for target in links(INDEX)}


@EVERY_PAGE
def test_a_page_says_once_how_it_is_tested(page: Path) -> None:
    assert len(re.findall(r"^Tested: [\w`]", page.read_text(), flags=re.M)) == 1


@EVERY_PAGE
def test_tests_that_a_page_names_exist(page: Path) -> None:
    folders = (page.parent, page.parent / "unit_tests", page.parent / "tests", ROOT, ROOT / "acceptance-tests")
    missing = []
    for name, test in re.findall(r"`([\w/.-]*\btest_\w+\.py)(?:::(\w+))?`", page.read_text()):
        files = [folder / name for folder in folders if (folder / name).is_file()]
        if not files or (test and not any(f"def {test}(" in file.read_text() for file in files)):
            missing.append(f"{name}::{test}")
    assert missing == []


def test_modules_that_the_architecture_names_exist() -> None:
    known = {
        path.name
        for folder in ("source-kit/source_kit", "tools", "connectors")
        for path in (ROOT / folder).rglob("*.py")
    }
    named = set(re.findall(r"\b(?!test_)(\w+\.py)\b", (ROOT / "docs" / "architecture.md").read_text()))
    assert len(named) > 5
    assert named - known == set()


def test_what_is_shown_of_adding_a_stream_is_in_the_code() -> None:
    page = (ROOT / "docs" / "adding-a-stream.md").read_text()
    files = [path for path in (ROOT / "connectors").glob("source-*/source_*/*.*") if path.suffix in (".py", ".yaml")]
    code = {line.strip().removesuffix(",") for path in files for line in path.read_text().splitlines()}
    examples = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    shown = {line.strip().removesuffix(",") for example in examples for line in example.splitlines() if line.strip()}
    assert len(shown) > 20
    assert shown - code == set()
    kinds = [cell for row in table(ROOT / "docs" / "adding-a-stream.md", "Which kind it is") for cell in row[1:]]
    words = re.findall(r"`([A-Z]\w+)`", " ".join(kinds))
    assert len(words) > 10
    known = {found[1] for line in code if (found := re.match(r"(?:class )?([A-Z]\w+)\b.*[:(]", line))}
    assert set(words) - known == set()
    assert set(re.findall(r"`(\w+\.(?:py|yaml))`", " ".join(kinds))) - {path.name for path in files} == set()


def test_the_page_of_the_tests_names_every_folder_and_no_other() -> None:
    folder = ROOT / "acceptance-tests"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")} | {
        "tests",
        "emulator_tests",
        "packaging_tests",
    }
    named = {row[0].strip("`") for row in table(TESTS, "The rest of this folder")}
    assert named == packages - {"tests", "emulator_tests", "packaging_tests"}
    for row in table(TESTS, "Where a test goes"):
        assert any(base.glob(row[1].strip("`")) for base in (ROOT, folder)), row[1]


def test_the_fixtures_and_parts_of_scenarios_that_are_explained_exist() -> None:
    conftest = (ROOT / "acceptance-tests" / "tests" / "conftest.py").read_text()
    for row in table(TESTS, "Fixtures"):
        assert f"def {row[0].strip('`')}(" in conftest
    described = (ROOT / "acceptance-tests" / "harness" / "connector.py").read_text()
    scenario = described.split("class Scenario:")[1].split("class Connector:")[0]
    explained = {name for row in table(TESTS, "What a scenario is") for name in re.findall(r"`(\w+)`", row[0])}
    assert explained == set(re.findall(r"^    (\w+): ", scenario, flags=re.M))


@EVERY_PAGE
def test_targets_of_make_that_a_page_names_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-zA-Z][\w%-]*):", makefile, flags=re.M))
    named = set(re.findall(r"`make ([a-z][\w-]*)|^\$? ?make ([a-z][\w-]*)", page.read_text(), flags=re.M))
    patterns = [re.compile(target.replace("%", r"[\w-]+")) for target in targets]
    unknown = [first or second for first, second in named if not any(p.fullmatch(first or second) for p in patterns)]
    assert unknown == []
