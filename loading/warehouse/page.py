"""The report: one HTML file with everything in it, which a policy in its head keeps off the network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from warehouse.charts import ANSWERS, load_chart
from warehouse.findings import FINDINGS
from warehouse.questions import Answer
from warehouse.results import Result

TITLE = "Sales and support data in one DuckDB file"


def render(results: Sequence[Result], answers: Sequence[Answer]) -> str:
    """The page as HTML; charts are drawn by Vega, which is in the page too."""
    charts = {f"answer-{answer.question.name}": ANSWERS[answer.question.name](answer.rows) for answer in answers}
    charts |= {f"load-{result.connector}": load_chart(result) for result in results}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        title=TITLE,
        lead=_lead(results),
        figures=_figures(results),
        results=results,
        answers=[_answer(answer) for answer in answers],
        loads=[_load(result) for result in results],
        footer=(
            "The accounts are emulated: the loads are real, the business is made up. Made by make demo-duckdb with "
            "PyAirbyte, DuckDB and Altair."
        ),
        library=_in_script(vl_convert.javascript_bundle()),
        charts=_in_script(orjson.dumps(charts).decode()),
    )


def _in_script(text: str) -> str:
    """JavaScript or JSON that cannot end the script element it stands in."""
    return re.sub(r"<(?=/script|!--)", r"\\x3C", text, flags=re.IGNORECASE)


def _lead(results: Sequence[Result]) -> str:
    names = [result.label for result in results]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return (
        f"{listed}, loaded through PyAirbyte in full, changed, and loaded again: the second load read what had changed."
    )


def _figures(results: Sequence[Result]) -> list[dict[str, str]]:
    differing = sum(abs(rows - held) for result in results for rows, held in result.differing.values())
    return [
        _figure(sum(sum(result.rows.values()) for result in results), "rows"),
        _figure(differing, "rows missing or in excess", "bad" if differing else "good"),
        _figure(sum(len(result.rows) for result in results), "tables"),
        _figure(sum(sum(result.columns.values()) for result in results), "columns"),
        _figure(sum(result.requests for result in results), "requests in the first load"),
        _figure(round(sum(result.first.seconds for result in results)), "seconds for the first load"),
    ]


def _figure(value: int, meaning: str, mood: str = "") -> dict[str, str]:
    return {"value": f"{value:,}", "meaning": meaning, "mood": mood}


def _answer(answer: Answer) -> Mapping[str, Any]:
    question = answer.question
    return {
        "id": f"answer-{question.name}",
        "connector": question.connector,
        "title": question.title,
        "finding": FINDINGS[question.name](answer.rows),
        "sql": question.sql.strip(),
    }


def _load(result: Result) -> Mapping[str, Any]:
    waited = sum(stream.waited for stream in result.first.streams)
    return {
        "id": f"load-{result.connector}",
        "connector": result.connector,
        "title": result.label,
        "finding": (
            f"{result.first.records:,} rows of {len(result.first.streams)} streams in {result.first.seconds:.1f} s "
            f"with {result.requests:,} requests; {waited:.0f} s of waits for the rate limit in all workers together."
        ),
    }
