"""The judge of reads under mutations, and the plan of what is mutated: without a connector."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.connector import Stream
from harness.messages import Message, Result
from mutator import hurried, judge
from mutator.judge import Finding, Reach
from mutator.outcome import Outcome, read_outcome, repaired
from mutator.plan import command_of, orders_of
from mutator.table import BY_NAME

TAGS = Stream("tags")
TRUTH = {"1": {"id": "1", "name": "x"}, "2": {"id": "2", "name": "y"}, "3": {"id": "3", "name": "z"}}
ALL = list(TRUTH.values())
BIG = 2**70


def applied(mutation: str = "row: odd field", *, may_lose: bool = False, **row: Any) -> dict[str, Any]:
    """What the emulator says of a mutation; of a row if there is one."""
    base = {"ids": [row.get("id", "")], "names": [], "id": "", "nameless": False, "has_parts": False}
    rows = [base | {"after_id": row.get("id", ""), "after_ids": [], "arrives": True, "fields": []} | row] if row else []
    return {
        "mutation": mutation, "may_lose": may_lose, "lasting": False, "rows": rows, "number": 1, "withheld": [],
        "endpoint": "GET /tags", "target": "GET /api/tags?page=1",
    }  # fmt: skip


def kinds(emitted: list[dict[str, Any]], *mutations: dict[str, Any], is_child: bool = False) -> list[str]:
    found = judge.completeness(TAGS, TRUTH, emitted, Reach(mutations, is_child))
    return [finding.kind for finding in found]


def trace(name: str, message: str, inner: str = "") -> Message:
    error = {"message": message, "internal_message": inner, "stream_descriptor": {"name": name}}
    return {"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 0, "error": error}}


def status(name: str, word: str) -> Message:
    inner = {"stream_descriptor": {"name": name}, "status": word}
    return {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 0, "stream_status": inner}}


def record(name: str, data: dict[str, Any]) -> Message:
    return {"type": "RECORD", "record": {"stream": name, "data": data, "emitted_at": 0}}


def outcome(*messages: Message, exit_code: int = 0, seconds: float = 1.0, stderr: str = "") -> Outcome:
    lines = [json.dumps(message).encode() for message in messages]
    return read_outcome(Result(exit_code, lines, b"", stderr, seconds, Path()))


def test_a_stream_that_is_all_there_has_no_findings() -> None:
    assert kinds(ALL) == []


def test_an_untouched_record_that_is_missing_is_lost() -> None:
    assert kinds(ALL[:2]) == ["lost"]
    assert kinds(ALL[:2], applied(id="1")) == ["lost"]


def test_nothing_is_lost_where_nobody_could_know_that_rows_are_missing() -> None:
    assert kinds([], applied("end: no cursor or link", may_lose=True)) == []


def test_rows_that_every_answer_withheld_may_be_missing_and_no_others() -> None:
    withheld = applied("end: empty page though more follows") | {"withheld": ["1", "2"]}
    assert kinds([ALL[2]], withheld | {"lasting": True}) == []
    assert kinds([ALL[0]], withheld | {"lasting": True}) == ["lost"]
    assert kinds([ALL[2]], withheld) == ["lost"]
    child = {"5": {"id": "5", "parent": "2"}}
    assert judge.completeness(TAGS, child, [], Reach((withheld | {"lasting": True},), is_child=True)) == []


@pytest.mark.parametrize(
    ("changes", "value", "found"),
    [
        ({}, None, []),
        ({}, "z", ["changed"]),
        ({"lasting": False}, None, ["changed"]),
        ({"target": "GET /api/tags"}, None, ["changed"]),
        ({"mutation": "status: server error"}, None, ["changed"]),
    ],
)
def test_a_field_whose_parameter_is_refused_every_time_may_be_null_and_no_other(
    changes: dict[str, Any], value: Any, found: list[str]
) -> None:
    tags = Stream("tags", asked_for={"links": "withLinks=true"})
    refused = applied("status: refused") | {"lasting": True, "target": "GET /api/tags?withLinks=true"} | changes
    truth = {"1": {"id": "1", "links": ["x"]}}
    findings = judge.completeness(tags, truth, [{"id": "1", "links": value}], Reach((refused,)))
    assert [finding.kind for finding in findings] == found


@pytest.mark.parametrize(
    ("line", "knows"),
    [
        ("Stream tags: the API counts 3 records more than it gives. The state stays before that window.", True),
        ("Stream tags: Some may be missing; the state stays, so that the next sync looks again.", True),
        ("Stream tags: 3 rows were no objects and were left out.", False),
        ("Stream users: the state stays", False),
    ],
)
def test_a_stream_knows_of_losses_that_it_warns_of_and_whose_state_it_holds(line: str, knows: bool) -> None:
    warning, remark = ({"type": "LOG", "log": {"level": level, "message": line}} for level in ("WARN", "INFO"))
    assert judge.knows_of_losses("tags", outcome(warning)) is knows
    assert not judge.knows_of_losses("tags", outcome(remark))


def test_what_is_behind_an_answer_without_body_may_be_missing_where_it_lasts() -> None:
    without_body = applied("status: success without body")
    assert kinds([], without_body | {"lasting": True}) == []
    assert kinds([], without_body) == ["lost"]


def test_a_row_that_went_may_be_missing_and_one_that_is_an_object_may_not() -> None:
    assert kinds(ALL[:2], applied(id="3", arrives=False)) == []
    assert kinds(ALL[:2], applied(id="3")) == ["mutated row lost"]


def test_a_row_under_its_new_id_has_arrived() -> None:
    assert kinds([*ALL[:2], {"id": "9", "name": "z"}], applied(id="3", after_id="9")) == []
    assert kinds([*ALL[:2], {"name": "z"}], applied(id="3", after_id="")) == []


def test_a_record_that_nobody_sent_is_invented() -> None:
    assert kinds([*ALL, {"id": "9"}]) == ["invented"]
    assert kinds([*ALL, {"name": "no id"}]) == ["invented"]


def test_an_untouched_record_comes_once_and_unchanged() -> None:
    assert kinds([*ALL, ALL[0]]) == ["repeated"]
    assert kinds([{"id": "1", "name": "other"}, *ALL[1:]]) == ["changed"]
    assert kinds([{"id": "1", "name": "other"}, *ALL[1:]], applied(id="1", fields=["name"])) == []


def test_a_field_that_a_touched_row_defines_may_differ_and_no_other() -> None:
    truth = {"1": {"id": "1", "custom.cf_0123456789": "x", "name": "y"}}
    reach = Reach((applied(id="cf_0123456789", arrives=False), applied(id="name", arrives=False)))
    assert judge.completeness(TAGS, truth, [{"id": "1", "name": "y"}], reach) == []
    (finding,) = judge.completeness(TAGS, truth, [{"id": "1"}], reach)
    assert finding == Finding("changed", "tags", "1 differ in ['name']: ['1']")


def test_one_mutated_field_may_not_change_the_whole_row() -> None:
    wide = {"1": {"id": "1", "a": 1, "b": 2, "c": 3, "d": 4}}
    reach = Reach((applied(id="1", fields=["a"]),))
    assert judge.completeness(TAGS, wide, [{"id": "1", "a": None, "b": 2, "c": 3, "d": 4}], reach) == []
    (finding,) = judge.completeness(TAGS, wide, [{"id": "1"}], reach)
    assert finding == Finding("changed", "tags", "1 differ in ['a', 'b', 'c', 'd']: ['1']")


def test_records_that_name_a_touched_row_are_touched_in_child_streams_only() -> None:
    truth = {"5": {"id": "5", "parent": "p"}}
    mutation = applied(id="p")
    assert judge.completeness(TAGS, truth, [], Reach((mutation,), is_child=True)) == []
    assert judge.completeness(TAGS, truth, [], Reach((applied(id="q", has_parts=True),), is_child=True)) == []
    (finding,) = judge.completeness(TAGS, truth, [], Reach((mutation,)))
    assert finding.kind == "lost"


def test_a_failure_needs_a_message_that_does_not_blame_the_connector() -> None:
    blame = "Stream tags failed because of a fault in the connector."
    inner = "KeyError in rows.py:7 _take"
    assert judge.clarity("tags", outcome(trace("tags", "Close refused the stream tags."))) == []
    assert judge.clarity("tags", outcome()) == [Finding("failed without a word", "tags", "status none")]
    assert judge.clarity("tags", outcome(trace("tags", blame, inner))) == [
        Finding("unclear message, KeyError in rows.py:7 _take", "tags", f"{blame} / {inner}")
    ]


def test_a_second_run_must_bring_what_the_first_has_not() -> None:
    first = outcome(record("tags", ALL[0]))
    rest = outcome(record("tags", ALL[1]), record("tags", ALL[2]), status("tags", "COMPLETE"))
    part = outcome(record("tags", ALL[1]), status("tags", "COMPLETE"))
    assert judge.recovery(TAGS, TRUTH, (first, rest), Reach(())) == []
    assert [f.kind for f in judge.recovery(TAGS, TRUTH, (first, part), Reach(()))] == ["lost after a second run"]
    assert [f.kind for f in judge.recovery(TAGS, TRUTH, (first, first), Reach(()))] == ["second run failed"]


def test_every_stream_needs_a_final_status_and_the_exit_code_fits() -> None:
    complete, incomplete = status("tags", "COMPLETE"), status("tags", "INCOMPLETE")
    assert judge.manners(outcome(complete), ["tags"], 60) == []
    assert judge.manners(outcome(incomplete, exit_code=1), ["tags"], 60) == []
    assert [f.kind for f in judge.manners(outcome(incomplete), ["tags"], 60)] == ["exit code"]
    assert [f.kind for f in judge.manners(outcome(exit_code=1), ["tags"], 60)] == ["no final status"]
    assert [f.kind for f in judge.manners(outcome(complete, stderr="Exception in thread"), ["tags"], 60)] == ["stderr"]


def test_a_run_that_had_to_be_killed_is_a_hang_and_nothing_else() -> None:
    assert [f.kind for f in judge.manners(outcome(exit_code=-9, seconds=60.1), ["tags"], 60)] == ["hang"]


def test_check_and_discover_end_with_one_answer() -> None:
    connected = {"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": "No such key."}}
    unexpected = {"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": "Unexpected (X)"}}
    assert judge.command_outcome("check", outcome(connected), 60) == []
    assert [f.kind for f in judge.command_outcome("check", outcome(unexpected), 60)] == ["unclear message"]
    assert [f.kind for f in judge.command_outcome("discover", outcome(), 60)] == ["no clear end"]
    assert judge.command_outcome("discover", outcome(trace("tags", "No."), exit_code=1), 60) == []


@pytest.mark.parametrize(
    ("line", "readable"),
    [
        (b'{"a": "\\ud83d"}', b'{"a": "?"}'),
        (b'{"a": %d}' % BIG, b'{"a": %d}' % BIG),
        (b'{"a": NaN}', None),
        (b'{"a": ', None),
    ],
)
def test_lone_surrogates_and_large_integers_are_read_and_nan_is_not(line: bytes, readable: bytes | None) -> None:
    assert repaired(line) == readable


def test_output_that_is_no_json_is_a_finding() -> None:
    seen = read_outcome(Result(0, [b'{"type": "RECORD", "x": NaN}'], b"", "", 1.0, Path()))
    assert [finding.kind for finding in judge.manners(seen, [], 60)] == ["damaged output"]


def test_a_plan_is_the_same_for_the_same_seed_and_names_endpoints_that_are_asked() -> None:
    asked = {f"GET /{number}": number + 1 for number in range(12)}
    plan = [orders_of(1, "closeio", number, asked) for number in range(200)]
    assert plan == [orders_of(1, "closeio", number, asked) for number in range(200)]
    assert plan != [orders_of(2, "closeio", number, asked) for number in range(200)]
    for number, orders in enumerate(plan):
        assert all(0 <= order["occurrence"] < asked[order["endpoint"]] for order in orders)
        refusing = [order for order in orders if BY_NAME[order["mutation"]].refuses]
        numbers = [order["number"] for order in orders]
        assert len(orders) == 1 if refusing else numbers == [number * 100 + place for place in range(6)]


def test_two_rounds_in_sixteen_are_other_commands() -> None:
    assert [command_of(number) for number in range(4)] == ["read", "check", "discover", "read"]
    assert [command_of(number) for number in range(32)].count("read") == 28


def test_a_hurried_script_waits_a_part_of_its_time_and_measures_all_of_it(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(
        "import sys, threading, time\n"
        "began = time.monotonic()\n"
        "time.sleep(20)\n"
        "threading.Event().wait(20)\n"
        "print(sys.argv[1], 40 <= time.monotonic() - began < 400)\n"
    )
    began = time.monotonic()
    run = [sys.executable, str(Path(hurried.__file__)), "100", str(script), "x"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "x True\n"
    assert time.monotonic() - began < 10
