"""The page over the mart: one HTML file without scripts, which a policy in its head keeps off the network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.runner import PROJECT_ROOT
from warehouse.charts import CHARTS
from warehouse.findings import FINDINGS
from warehouse.models import Built
from warehouse.questions import Answer
from warehouse.results import Result

TITLE = "Sales and support data in one warehouse"
WAREHOUSES = {"duckdb": "DuckDB", "postgres": "PostgreSQL"}
# Pictures of the streams of each connector, where they have been drawn.
DIAGRAMS = PROJECT_ROOT / "docs" / "diagrams"


def render(results: Sequence[Result], built: Built, answers: Sequence[Answer], warehouse: str) -> str:
    """The page as HTML, charts as SVG in it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        title=TITLE,
        lead=_lead(results, WAREHOUSES[warehouse]),
        figures=_figures(results, built),
        results=results,
        answers=[_answer(answer) for answer in answers],
        diagrams=[{"label": result.label, "picture": _picture(result)} for result in results if _picture(result)],
        footer=(
            "The accounts are emulated: the loads are real, the business is made up. "
            "Made with PyAirbyte, dbt and Altair."
        ),
    )


def _lead(results: Sequence[Result], warehouse: str) -> str:
    names = [result.label for result in results]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return (
        f"{listed}, loaded through PyAirbyte into {warehouse} in full, changed, and loaded again: the second load read "
        "what had changed. The dbt models make one vocabulary of them, and answer."
    )


def _figures(results: Sequence[Result], built: Built) -> list[dict[str, str]]:
    differing = sum(abs(rows - held) for result in results for rows, held in result.differing.values())
    return [
        _figure(sum(sum(result.rows.values()) for result in results), "rows"),
        _figure(differing, "rows missing or in excess", "bad" if differing else "good"),
        _figure(sum(len(result.rows) for result in results), "tables"),
        _figure(sum(result.requests for result in results), "requests in the first load"),
        _figure(built.models, f"models, built and tested in {built.seconds:.0f} s"),
        _figure(built.tests, "tests of the models passed", "good"),
    ]


def _figure(value: int, meaning: str, mood: str = "") -> dict[str, str]:
    return {"value": f"{value:,}", "meaning": meaning, "mood": mood}


def _answer(answer: Answer) -> Mapping[str, Any]:
    question = answer.question
    return {
        "id": question.name,
        "title": question.title,
        "finding": FINDINGS[question.name](answer.rows),
        "chart": vl_convert.vegalite_to_svg(CHARTS[question.name](answer.rows)),
        "sql": question.sql.strip(),
    }


def _picture(result: Result) -> str:
    """The picture of the connector's streams as an address that holds it; nothing where there is none."""
    file = DIAGRAMS / f"source-{result.connector}.svg"
    return f"data:image/svg+xml;base64,{base64.b64encode(file.read_bytes()).decode()}" if file.is_file() else ""
