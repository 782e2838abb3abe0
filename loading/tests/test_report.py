"""The report is one file that needs neither network nor scripts, and a browser shows all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.examples import ANSWER_ROWS, ANSWERS, BUILT, RESULTS
from warehouse.browser import dom_of, picture
from warehouse.findings import FINDINGS
from warehouse.page import render

# Texts of charts that their picture cuts, how far the page is wider than its window, and what cards must be scrolled.
MEASURE = """<script>
const inside = (text, svg) => text.left >= svg.left - 1 && text.right <= svg.right + 1 && text.bottom <= svg.bottom + 1;
const cut = [...document.querySelectorAll(".chart svg text")].filter(text => text.textContent &&
  !inside(text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect())).map(text => text.textContent);
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const cards = [...document.querySelectorAll(".card")];
const scrolled = cards.filter(card => card.scrollWidth > card.clientWidth).map(card => card.id);
document.body.setAttribute("data-measured", JSON.stringify([cut, wide, scrolled]));
</script></body>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(RESULTS, BUILT, ANSWERS, "duckdb"))
    return path


def test_the_page_asks_for_nothing_outside_itself(page: Path) -> None:
    text = page.read_text()
    assert "default-src 'none'" in text[: text.index("</head>")]
    # Names of namespaces, which nobody fetches, and what is in the page itself.
    known = re.compile(r'xmlns(:xlink)?="http://www.w3.org/[^"]+"|src="data:image/svg\+xml;base64,[^"]+"')
    assert re.findall(r"\b(?:src|href|action)=|@import|url\((?!#)|://", known.sub("", text)) == []
    assert len(text) < 600_000


def test_data_bring_no_markup(page: Path) -> None:
    text = page.read_text()
    assert "<script" not in text
    assert "Autumn &lt;/svg&gt;&lt;script&gt;" in text
    assert text.count("<svg") == text.count("</svg>") == len(ANSWERS)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "pipeline",
            "50 open opportunities worth EUR 9 thousand, EUR 4 thousand of it expected; EUR 5 thousand won.",
        ),
        ("calls", "16 calls by 2 users in 2 weeks: 4.0 each a week."),
        ("replies", "26 of 160 people replied, 16 %; 5 of them positively."),
        ("first_response", "Half of 13 conversations are answered within 1.5 h, nine of ten within 9.1 h."),
        ("sequences", "The 2 busiest sequences sent 60 messages; 11 were answered, 18 %."),
    ],
)
def test_a_finding_says_what_the_rows_hold(name: str, sentence: str) -> None:
    assert FINDINGS[name](ANSWER_ROWS[name]) == sentence


def test_a_question_may_be_printed_in_another_form() -> None:
    (calls,) = (answer for answer in ANSWERS if answer.question.name == "calls")
    assert calls.shown == [
        {"user": "Ada", "2026-11-09": 7, "2026-11-16": 3},
        {"user": "grace.hopper@example.com", "2026-11-09": 6, "2026-11-16": 0},
    ]


def test_every_chart_is_drawn(page: Path) -> None:
    charts = re.findall(r'<article class="card[^"]*" id="([^"]+)">(.*?)</article>', page.read_text(), flags=re.DOTALL)
    drawn = {name: len(re.findall(r'aria-roledescription="(?:bar|rect mark)"', inside)) for name, inside in charts}
    assert drawn == {"pipeline": 6, "calls": 3, "replies": 6, "first_response": 2, "sequences": 4}


@pytest.mark.browser
def test_chromium_shows_every_text_in_light_and_dark_and_on_a_narrow_screen(page: Path, tmp_path: Path) -> None:
    measured = tmp_path / "measured.html"
    without_policy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
    measured.write_text(without_policy.replace("</body>", MEASURE))
    for width, screen in ((1100, "wide"), (500, "narrow")):
        dom, console = dom_of(measured, tmp_path / "profile", width)
        (found,) = re.findall(r'data-measured="([^"]*)"', dom)
        cut, wide, scrolled = json.loads(found.replace("&quot;", '"'))
        assert (cut, wide, console) == ([], 0, [])
        assert scrolled == [] or screen == "narrow"
    light, dark = tmp_path / "light.png", tmp_path / "dark.png"
    picture(page, tmp_path / "profile", light, (1100, 1400))
    picture(page, tmp_path / "profile", dark, (1100, 1400), dark=True)
    assert light.read_bytes() != dark.read_bytes()


@pytest.mark.browser
def test_chromium_finds_nothing_to_complain_about(page: Path, tmp_path: Path) -> None:
    _, console = dom_of(page, tmp_path)
    assert console == []
