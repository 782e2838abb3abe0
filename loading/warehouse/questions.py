"""What a sales team asks, as SQL on the loaded tables. Every connector's tables are in a schema of its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Question:
    """`sql` gives one row per mark of the chart; `shown`, where a table wants another form, the rows to print."""

    name: str
    connector: str
    title: str
    sql: str
    shown: str = ""


@dataclass(frozen=True)
class Answer:
    """The rows that a question's `sql` gave, by column name."""

    question: Question
    rows: Sequence[dict[str, Any]]


# Of what is open the share that its confidence promises; what is won counts in full, what is lost not at all.
PIPELINE = """
SELECT pipeline_name AS pipeline, status_label AS stage, status_type AS outcome, count(*) AS opportunities,
       coalesce(sum(annualized_value), 0) / 100 AS annual_value,
       coalesce(sum(annualized_value * CASE status_type WHEN 'active' THEN confidence WHEN 'won' THEN 100 ELSE 0 END),
                0) / 10000 AS weighted_value
FROM closeio.opportunities
GROUP BY ALL
ORDER BY pipeline, min(CASE status_type WHEN 'active' THEN 1 WHEN 'won' THEN 2 ELSE 3 END), stage
"""

CALLS = """
SELECT user_name AS "user", date_trunc('week', activity_at)::DATE AS week, count(*) AS calls
FROM closeio.call_activities
WHERE activity_at >= date_trunc('week', (SELECT max(activity_at) FROM closeio.call_activities)) - INTERVAL 11 WEEK
GROUP BY ALL
ORDER BY "user", week
"""

# The newest six weeks, one column each.
CALLS_SHOWN = f"""
PIVOT (FROM ({CALLS}) WHERE week >= (SELECT max(week) FROM ({CALLS})) - INTERVAL 5 WEEK)
ON week USING coalesce(sum(calls), 0)::INT ORDER BY "user"
"""

REPLIES = """
WITH reached AS (
    SELECT campaign_id, count(DISTINCT lead_id) AS leads FROM persistiq.campaign_leads GROUP BY ALL
), replied AS (
    SELECT campaign_id, count(DISTINCT lead_id) AS replies,
           count(DISTINCT lead_id) FILTER (sentiment = 'positive') AS positive
    FROM persistiq.campaign_replies WHERE kind = 'reply' GROUP BY ALL
)
SELECT campaigns.name AS campaign, leads, coalesce(replies, 0) AS replies, coalesce(positive, 0) AS positive,
       round(100 * coalesce(replies, 0) / leads, 1) AS reply_percent
FROM persistiq.campaigns
JOIN reached ON reached.campaign_id = campaigns.id
LEFT JOIN replied ON replied.campaign_id = campaigns.id
ORDER BY reply_percent DESC, campaign
"""

FIRST_RESPONSE = """
WITH asked AS (
    SELECT conversation_id, min(sent_at) AS asked_at FROM kustomer.messages WHERE direction = 'in' GROUP BY ALL
), answered AS (
    SELECT asked.conversation_id, date_diff('minute', asked_at, min(sent_at)) / 60 AS hours
    FROM asked JOIN kustomer.messages USING (conversation_id)
    WHERE direction = 'out' AND NOT coalesce(auto, false) AND sent_at > asked_at
    GROUP BY asked.conversation_id, asked_at
), sorted AS (
    SELECT hours, CASE WHEN hours < 1 THEN 1 WHEN hours < 4 THEN 2 WHEN hours < 8 THEN 3 WHEN hours < 24 THEN 4
                       WHEN hours < 48 THEN 5 ELSE 6 END AS place
    FROM answered
)
SELECT place, ['under 1 h', '1 to 4 h', '4 to 8 h', '8 to 24 h', '1 to 2 days', 'longer'][place] AS waited,
       count(*) AS conversations, round((SELECT median(hours) FROM sorted), 1) AS median_hours,
       round((SELECT quantile_cont(hours, 0.9) FROM sorted), 1) AS ninetieth_percentile_hours
FROM sorted
GROUP BY ALL
ORDER BY place
"""

SEQUENCES = """
SELECT sequences.id::VARCHAR AS sequence, coalesce(sequences.name, '') AS name, count(*) AS mailings,
       count(repliedat) AS replied, round(100 * count(repliedat) / count(*), 1) AS reply_percent
FROM outreach.mailings
JOIN outreach.sequences ON sequences.id = mailings.sequenceid
GROUP BY sequences.id, sequences.name
ORDER BY mailings DESC, sequences.id
LIMIT 12
"""

QUESTIONS = (
    Question("pipeline", "closeio", "What is in the pipeline, by stage?", PIPELINE),
    Question("calls", "closeio", "Who called how often, week by week?", CALLS, CALLS_SHOWN),
    Question("replies", "persistiq", "How many leads reply, by campaign?", REPLIES),
    Question("first_response", "kustomer", "How long do customers wait for a first response?", FIRST_RESPONSE),
    Question("sequences", "outreach", "Which sequences are mailed and answered most?", SEQUENCES),
)


def ask(connection: DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query, by column name."""
    found = connection.execute(sql)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
