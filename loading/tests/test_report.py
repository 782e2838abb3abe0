"""The report is one file that needs no network, and a browser draws every chart in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.examples import ANSWER_ROWS, ANSWERS, RESULTS
from warehouse.browser import dom_of
from warehouse.findings import FINDINGS
from warehouse.page import render


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(RESULTS, ANSWERS))
    return path


def test_the_page_asks_for_nothing_outside_itself(page: Path) -> None:
    text = page.read_text()
    head = text[: text.index("</head>")]
    assert "default-src 'none'" in head
    without_scripts = re.sub(r"(<script[^>]*>).*?</script>", r"\1", text, flags=re.DOTALL)
    assert re.findall(r"\b(?:src|href|action)=|@import|url\(|://", without_scripts) == []
    assert len(text) < 1_500_000


def test_data_cannot_end_the_script_they_stand_in(page: Path) -> None:
    assert page.read_text().count("</script>") == 2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "pipeline",
            "50 open opportunities worth EUR 9 thousand a year, EUR 4 thousand weighted by confidence; "
            "EUR 5 thousand won.",
        ),
        ("calls", "16 calls by 2 users in 2 weeks: 4.0 each a week."),
        ("replies", "26 of 160 leads replied, 16 %; 5 of the replies are positive."),
        ("first_response", "Half of 13 conversations are answered within 1.5 h, nine of ten within 9.1 h."),
        ("sequences", "The 2 busiest sequences sent 60 mailings; 11 were answered, 18 %."),
    ],
)
def test_a_finding_says_what_the_rows_hold(name: str, sentence: str) -> None:
    assert FINDINGS[name](ANSWER_ROWS[name]) == sentence


@pytest.mark.browser
def test_chromium_draws_every_chart_without_network(page: Path, tmp_path: Path) -> None:
    dom, console = dom_of(page, tmp_path)
    assert console == []
    assert 'data-charts="drawn"' in dom
    charts = re.findall(r'<div class="chart[^"]*" id="([^"]+)"(.*?)</svg>', dom, flags=re.DOTALL)
    drawn = {name: len(re.findall(r'aria-roledescription="(?:bar|rect mark)"', inside)) for name, inside in charts}
    assert drawn == {
        "answer-pipeline": 4,
        "answer-calls": 3,
        "answer-replies": 6,
        "answer-first_response": 2,
        "answer-sequences": 4,
        # Eight streams and one line for the others, in four panels.
        "load-closeio": 36,
        "load-persistiq": 36,
        "load-kustomer": 36,
        "load-outreach": 36,
    }
