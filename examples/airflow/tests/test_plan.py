"""How an account is split."""

from __future__ import annotations

from accounts.plan import Job, Stream, jobs, summary


def stream(name: str, *, incremental: bool = True) -> Stream:
    cursor = ["at"] if incremental else []
    return {"name": name, "columns": ["id", "at"], "key": [["id"]], "cursor": cursor, "incremental": incremental}


CLOSE = [stream(name) for name in ("leads", "call_activities", "event_log", "tasks")] + [
    stream("users", incremental=False)
]


def named(planned: list[Job]) -> list[tuple[str, str, list[str], dict[str, str]]]:
    return [(job["group"], job["part"], [each["name"] for each in job["streams"]], job["overlay"]) for job in planned]


def test_streams_are_grouped_and_what_no_group_names_is_the_rest() -> None:
    assert named(jobs("source-closeio", CLOSE, "2025-01-01")) == [
        ("leads", "ongoing", ["leads"], {}),
        ("activities", "ongoing", ["call_activities"], {}),
        ("events", "ongoing", ["event_log"], {}),
        ("rest", "ongoing", ["tasks", "users"], {}),
    ]


def test_a_connector_is_known_by_its_name_wherever_it_lies() -> None:
    assert len(jobs("/opt/connectors/source-closeio", CLOSE, "")) == 4
    assert [job["group"] for job in jobs("source-unknown", CLOSE, "")] == ["rest"]


def test_the_past_is_split_into_windows_that_touch_and_lists_are_read_whole() -> None:
    planned = jobs("source-unknown", CLOSE[3:], "2025-01-01", ["2025-07-01", "2026-01-01"])
    assert named(planned) == [
        ("rest", "whole", ["users"], {}),
        ("rest", "ongoing", ["tasks"], {"start_date": "2026-01-01"}),
        ("rest", "2025-01-01..2025-07-01", ["tasks"], {"start_date": "2025-01-01", "end_date": "2025-07-01"}),
        ("rest", "2025-07-01..2026-01-01", ["tasks"], {"start_date": "2025-07-01", "end_date": "2026-01-01"}),
    ]


def test_without_a_start_the_first_window_has_none() -> None:
    ongoing, window = named(jobs("source-unknown", [stream("tasks")], "", ["2025-07-01"]))
    assert window == ("rest", "..2025-07-01", ["tasks"], {"end_date": "2025-07-01"})
    assert ongoing == ("rest", "ongoing", ["tasks"], {"start_date": "2025-07-01"})


def test_dates_before_the_start_split_nothing() -> None:
    (job,) = jobs("source-unknown", [stream("tasks")], "2026-01-01", ["2025-07-01"])
    assert (job["part"], job["overlay"]) == ("ongoing", {})


def test_finished_windows_are_left_out() -> None:
    planned = jobs("source-unknown", [stream("tasks")], "2025-01-01", ["2025-07-01", "2026-01-01"])
    done = {(job["group"], job["part"]) for job in planned[1:2]}
    again = jobs("source-unknown", [stream("tasks")], "2025-01-01", ["2025-07-01", "2026-01-01"], done)
    assert again == [planned[0], planned[2]]


def test_a_summary_has_what_a_job_needs() -> None:
    found = {"name": "leads", "json_schema": {"properties": {}}, "supported_sync_modes": ["full_refresh"]}
    assert summary(found) == {"name": "leads", "columns": [], "key": [], "cursor": [], "incremental": False}
    timed = {"supported_sync_modes": ["full_refresh", "incremental"], "default_cursor_field": ["at"]}
    key = {"source_defined_primary_key": [["a"], ["b"]], "json_schema": {"properties": {"a": {}, "b": {}}}}
    assert summary(found | timed | key) == {
        "name": "leads",
        "columns": ["a", "b"],
        "key": [["a"], ["b"]],
        "cursor": ["at"],
        "incremental": True,
    }


def test_what_is_new_comes_before_what_is_old_in_all_groups() -> None:
    planned = jobs("source-closeio", CLOSE, "2025-01-01", ["2026-01-01"])
    parts = ["ongoing", "whole", "ongoing", "whole", "ongoing", *["2025-01-01..2026-01-01"] * 3]
    assert [job["part"] for job in planned] == parts


def test_streams_whose_edits_stay_with_the_date_of_creation_are_not_split() -> None:
    planned = jobs("source-closeio", [stream("activities"), stream("call_activities")], "2025-01-01", ["2026-01-01"])
    assert named(planned) == [("activities", "whole", ["activities", "call_activities"], {})]
    assert len(jobs("source-unknown", [stream("call_activities")], "2025-01-01", ["2026-01-01"])) == 2
