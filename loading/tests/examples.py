"""A small load of each connector and an answer to each question, written out."""

from __future__ import annotations

from datetime import date
from typing import Any

from warehouse.models import Built
from warehouse.pyairbyte import SCRIPT, Load
from warehouse.questions import QUESTIONS, Answer
from warehouse.results import Result
from warehouse.summaries import StreamSummary

STREAMS = tuple(StreamSummary(f"stream_{n}", 1_000 // n, 20 // n, 0, 1.5 * (n % 2), 2.0 / n) for n in range(1, 13))
ROWS = {stream.name: stream.records for stream in STREAMS}
LABELS = {"closeio": "Close", "persistiq": "PersistIQ", "kustomer": "Kustomer", "outreach": "Outreach"}
RESULTS = [
    Result(name, label, SCRIPT, Load(9.5, sum(ROWS.values()), STREAMS), Load(4.5, 70, STREAMS), ROWS, ROWS, ROWS)
    for name, label in LABELS.items()
]
BUILT = Built(models=50, tests=170, seconds=12.5)
STAGE = ("system", "stage", "outcome", "currency", "opportunities", "value", "expected_value")
ANSWER_ROWS: dict[str, list[dict[str, Any]]] = {
    "pipeline": [
        dict(zip(STAGE, ("closeio", "Active", "open", "EUR", 50, 9000.0, 4000.0), strict=True)),
        dict(zip(STAGE, ("closeio", "Won", "won", "EUR", 20, 5000.0, 5000.0), strict=True)),
        dict(zip(STAGE, ("outreach", "Proposal", "open", None, 3, 700.0, 100.0), strict=True)),
    ],
    "calls": [
        {"user": "Ada", "week": date(2026, 11, 9), "calls": 7},
        {"user": "Ada", "week": date(2026, 11, 16), "calls": 3},
        {"user": "grace.hopper@example.com", "week": date(2026, 11, 9), "calls": 6},
    ],
    "replies": [
        {"campaign": "Autumn </svg><script>", "people": 100, "replied": 20, "positive": 5, "reply_percent": 20.0},
        {"campaign": "Spring", "people": 60, "replied": 6, "positive": 0, "reply_percent": 10.0},
    ],
    "first_response": [
        {"place": 1, "waited": "under 1 h", "conversations": 8, "median_hours": 1.5, "ninetieth_percentile_hours": 9.1},
        {"place": 2, "waited": "1 to 4 h", "conversations": 5, "median_hours": 1.5, "ninetieth_percentile_hours": 9.1},
    ],
    "sequences": [
        {"sequence": "3", "name": "Welcome", "messages": 40, "replies": 10, "reply_percent": 25.0},
        {"sequence": "4", "name": "", "messages": 20, "replies": 1, "reply_percent": 5.0},
    ],
}
ANSWERS = [Answer(question, ANSWER_ROWS[question.name]) for question in QUESTIONS]
