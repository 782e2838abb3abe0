"""What a sales team asks of the mart. The SQL of each question is a model: `models/models/answers/<name>.sql`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from warehouse.databases import Database
from warehouse.models import PROJECT

ANSWERS_SCHEMA = "sales_answers"


@dataclass(frozen=True)
class Question:
    """`pivot` names row, column and value where a printed table wants another form than a chart."""

    name: str
    title: str
    pivot: tuple[str, str, str] | None = None

    @property
    def sql(self) -> str:
        """As dbt has it."""
        return (PROJECT / "models" / "answers" / f"{self.name}.sql").read_text()


@dataclass(frozen=True)
class Answer:
    """The rows of the question's model, by column name."""

    question: Question
    rows: Sequence[dict[str, Any]]

    @property
    def shown(self) -> Sequence[dict[str, Any]]:
        """The rows to print."""
        if self.question.pivot is None:
            return self.rows
        row, column, value = self.question.pivot
        columns = sorted({each[column] for each in self.rows})[-NEWEST:]
        table: dict[Any, dict[str, Any]] = {}
        for each in self.rows:
            line = table.setdefault(each[row], {row: each[row], **{str(name): 0 for name in columns}})
            if each[column] in columns:
                line[str(each[column])] = each[value]
        return list(table.values())


# Columns of a pivoted table, for a terminal.
NEWEST = 6

QUESTIONS = (
    Question("pipeline", "What is in the pipeline, by stage?"),
    Question("calls", "Who called how often, week by week?", ("user", "week", "calls")),
    Question("replies", "How many people reply, by campaign?"),
    Question("first_response", "How long do customers wait for a first response?"),
    Question("sequences", "Which sequences are mailed and answered most?"),
)


def answers(database: Database) -> list[Answer]:
    """Those to questions that the loaded systems can answer."""
    with database.tables(ANSWERS_SCHEMA) as tables:
        models = tables.names()
        found = [
            Answer(question, tables.records(f'SELECT * FROM "{question.name}"'))
            for question in QUESTIONS
            if question.name in models
        ]
    return [answer for answer in found if answer.rows]
