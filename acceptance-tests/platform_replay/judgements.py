"""What the jobs must have led to: functions that return all problems they find; `checks` makes the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from harness.connector import Connector
from harness.messages import Record
from harness.truth import covers, differences
from platform_replay.attempt import Attempt
from platform_replay.catalog import Key
from platform_replay.jobs import ENDLESS_WAIT_SECONDS, NAMESPACE, Replays, Story

# The engine repeats RATE_LIMITED every 60 s; the rest is for the turn of its loop and a busy machine.
LONGEST_SILENCE_SECONDS = 66.0


# --- what tables hold ---------------------------------------------------------------------------------------------


def table_problems(replays: Replays, story: Story, *, exact: bool = True) -> list[str]:
    """Problems unless every table is the truth; not `exact`: rows may lie in it twice, and removed records stay."""
    problems = []
    for key in story.connection.warehouse.tables:
        compare = differences if exact else covers
        problems += compare(replays.stream(key), story.truth[key[1]], story.connection.warehouse.rows(key))
    return problems


def expect(is_so: bool, otherwise: str) -> list[str]:
    return [] if is_so else [otherwise]


# --- 1: counts; 2: statuses ---------------------------------------------------------------------------------------


def tables_hold_the_truth(replays: Replays) -> list[str]:
    return table_problems(replays, replays.first_sync)


def a_refused_stream_fails_alone(replays: Replays) -> list[str]:
    first, second = replays.refused.attempts
    name, _ = replays.connector.refusable
    expected = {name, *replays.connector.refused_with_it}
    failed = {key[1] for key, track in first.streams.items() if track.events[-1:] == ["INCOMPLETE"]}
    problems = expect(failed == expected, f"INCOMPLETE are {sorted(failed)} instead of {sorted(expected)}")
    problems += expect(not first.succeeded and second.succeeded, "the first attempt must fail, the second succeed")
    return problems + table_problems(replays, replays.refused, exact=False)


# --- 3: heartbeat -------------------------------------------------------------------------------------------------


def heartbeat_seconds(connector: Connector) -> float:
    """`maxSecondsBetweenMessages` of the connector's metadata."""
    return float(yaml.safe_load((connector.root / "metadata.yaml").read_text())["data"]["maxSecondsBetweenMessages"])


def wait_problems(replays: Replays, story: Story, least_limits: int) -> list[str]:
    (attempt,) = story.attempts
    (track,) = attempt.streams.values()
    problems = expect(attempt.succeeded, f"the read failed: {attempt.result.describe()}")
    problems += expect(len(track.limits) >= least_limits, f"RATE_LIMITED came {len(track.limits)} times")
    limit = heartbeat_seconds(replays.connector)
    tracker = attempt.tracker
    problems += expect(tracker.longest_without_beat < limit, f"{tracker.longest_without_beat:.0f} s without beat")
    silence = tracker.longest_silence
    problems += expect(silence < LONGEST_SILENCE_SECONDS, f"{silence:.0f} s without a word")
    return problems + table_problems(replays, story)


def a_short_wait_is_told(replays: Replays) -> list[str]:
    return wait_problems(replays, replays.waiting, least_limits=1)


def a_long_wait_is_told_every_minute(replays: Replays) -> list[str]:
    """Two messages at least: at its begin and a minute later, and the wait was as long as it should be."""
    beat = replays.long_waiting.attempts[0].tracker.longest_without_beat
    happened = expect(beat > LONGEST_SILENCE_SECONDS, f"waited {beat:.0f} s only: the check proves nothing")
    return happened + wait_problems(replays, replays.long_waiting, least_limits=2)


def hopeless_problems(replays: Replays, story: Story) -> list[str]:
    """A wait of more than an hour could outlast the heartbeat: the source gives up, and the next attempt goes on."""
    first, second = story.attempts
    if first.killed:
        return [f"the source sits out a wait of {ENDLESS_WAIT_SECONDS} s, it had to be killed"]
    kinds = [error["failure_type"] for error in first.tracker.errors]
    problems = expect(kinds == ["transient_error"], f"the errors are {kinds}")
    limit = heartbeat_seconds(replays.connector)
    problems += expect(limit > ENDLESS_WAIT_SECONDS, f"the heartbeat of {limit:.0f} s allows no wait of an hour")
    problems += expect(second.succeeded, "the next attempt failed")
    return problems + table_problems(replays, story, exact=False)


def a_refusal_for_hours_ends_the_attempt(replays: Replays) -> list[str]:
    return hopeless_problems(replays, replays.refused_for_long)


def a_budget_spent_for_hours_ends_the_attempt(replays: Replays) -> list[str]:
    return hopeless_problems(replays, replays.announced)


# --- 4: attempts of a job -----------------------------------------------------------------------------------------


def resumable(attempt: Attempt) -> set[Key]:
    return {key for key, track in attempt.streams.items() if track.configured["stream"].get("is_resumable")}


def generations(attempt: Attempt) -> dict[Key, int]:
    return {key: track.configured["generation_id"] for key, track in attempt.streams.items()}


def given(attempt: Attempt) -> dict[Key, Record]:
    """The state that an attempt was given, by stream."""
    streams = [entry["stream"] for entry in attempt.state or []]
    return {
        (s["stream_descriptor"].get("namespace"), s["stream_descriptor"]["name"]): s["stream_state"] for s in streams
    }


def a_killed_full_refresh_goes_on(replays: Replays) -> list[str]:
    """Attempt 2 gets what was committed, in the same generation, and does not read that part again."""
    first, second = replays.full_refresh.attempts[:2]
    problems = expect(first.killed, "the source ended before it could be killed: the check proves nothing")
    begun = given(second)
    problems += expect(bool(begun), "nothing was committed: the check proves nothing")
    for key in resumable(first):
        same = generations(first)[key] == generations(second)[key]
        problems += expect(same, f"{key[1]}: another generation in the same job")
        again, whole = second.records(key), len(replays.full_refresh.truth[key[1]])
        problems += expect(key not in begun or again < whole, f"{key[1]}: {again} of {whole} records are read again")
    return problems


def a_finished_full_refresh_is_not_read_again(replays: Replays) -> list[str]:
    """Its final STATE was committed, but the attempt failed: the next one has nothing to read, and says COMPLETE."""
    third = replays.full_refresh.attempts[2]
    problems = expect(bool(resumable(third)), "no stream is resumable: the check proves nothing")
    for key in resumable(third):
        problems += expect(third.records(key) == 0, f"{key[1]}: {third.records(key)} records")
    return problems + expect(third.succeeded, "the attempt failed")


def what_cannot_resume_starts_anew(replays: Replays) -> list[str]:
    """A stream that is not resumable gets no state and a new generation, and reads everything."""
    problems = []
    attempts = replays.full_refresh.attempts[1:3]
    keys = set(attempts[0].streams) - resumable(attempts[0])
    for attempt in attempts:
        for key in keys:
            whole = len(replays.full_refresh.truth[key[1]])
            problems += expect(key not in given(attempt), f"{key[1]}: got a state")
            problems += expect(attempt.records(key) == whole, f"{key[1]}: {attempt.records(key)} of {whole} records")
    return problems + expect(bool(keys), "every stream is resumable: the check proves nothing")


def attempts_together_hold_everything(replays: Replays) -> list[str]:
    """Rows that were not acknowledged before a kill are gone; what was and what came later is the whole."""
    killed = replays.killed
    problems = expect(all(each.killed for each in killed.attempts[:2]), "no kill: the check proves nothing")
    problems += expect(killed.attempts[-1].succeeded, "the last attempt failed")
    return problems + table_problems(replays, killed, exact=False)


def a_new_job_starts_from_nothing(replays: Replays) -> list[str]:
    """A new generation, no state; the tables hold exactly the truth, and rows of no other generation."""
    story = replays.full_refresh
    third, fourth = story.attempts[2:]
    problems = expect(fourth.state is None, "the new job got a state")
    for key in fourth.streams:
        newer = generations(fourth)[key] > generations(third)[key]
        problems += expect(newer, f"{key[1]}: no new generation")
        held = story.connection.warehouse.generations(key)
        problems += expect(held <= {generations(fourth)[key]}, f"{key[1]}: rows of generations {sorted(held)}")
    return problems + table_problems(replays, story)


# --- 5: CONTROL ---------------------------------------------------------------------------------------------------


def the_config_of_the_last_control_works(replays: Replays) -> list[str]:
    first, second = replays.rotation.story.attempts
    problems = expect(first.killed, "the source was not killed: the check proves nothing")
    problems += expect(second.config == first.tracker.configs[-1], "attempt 2 has another config than the CONTROL")
    problems += expect(second.succeeded, f"attempt 2 failed: {second.result.describe()}")
    return problems + table_problems(replays, replays.rotation.story)


def tokens_work_once(replays: Replays) -> list[str]:
    """The config of before has become worthless, so it was the CONTROL that made attempt 2 work."""
    (status,) = replays.rotation.stale.of_type("CONNECTION_STATUS")
    said = status["connectionStatus"]["status"]
    problems = expect(said == "FAILED", f"check of the first config says {said}: the check before proves nothing")
    minted = replays.rotation.minted
    heard = sum(len(attempt.tracker.configs) for attempt in replays.rotation.story.attempts)
    return problems + expect(heard == minted >= 2, f"{minted} tokens were minted, {heard} CONTROLs heard")


# --- 6: refreshes -------------------------------------------------------------------------------------------------


def whole_read_problems(story: Story, attempt: Attempt) -> list[str]:
    problems = expect(attempt.state is None, "a refreshed stream got a state") + expect(attempt.succeeded, "it failed")
    for key in attempt.streams:
        sent, whole = attempt.records(key), len(story.truth[key[1]])
        problems += expect(sent == whole, f"{key[1]}: {sent} records sent, the account holds {whole}")
    return problems


def a_sync_between_reads_only_changes(replays: Replays) -> list[str]:
    first, second = replays.refreshes.attempts[:2]
    sent = [sum(track.records for track in attempt.streams.values()) for attempt in (first, second)]
    problems = expect(generations(first) == generations(second), "a sync has another generation")
    return problems + expect(0 < sent[1] < sent[0], f"{sent[0]} records, then {sent[1]}")


def a_truncating_refresh_reads_everything(replays: Replays) -> list[str]:
    """generation_id = minimum_generation_id, no state: rows of before are gone when the stream is complete."""
    attempt = replays.refreshes.attempts[2]
    configured = [track.configured for track in attempt.streams.values()]
    truncates = all(each["generation_id"] == each["minimum_generation_id"] > 0 for each in configured)
    problems = expect(truncates, "the catalog does not truncate: the check proves nothing")
    for key in attempt.streams:
        held = replays.refreshes.connection.warehouse.generations(key)
        problems += expect(0 not in held, f"{key[1]}: rows of before the refresh are left")
    return problems + whole_read_problems(replays.refreshes, attempt)


def a_merging_refresh_reads_everything(replays: Replays) -> list[str]:
    """generation_id > minimum_generation_id = 0, no state: all again, and deduplicated by key it is the truth."""
    attempt = replays.refreshes.attempts[3]
    configured = [track.configured for track in attempt.streams.values()]
    merges = all(each["generation_id"] > each["minimum_generation_id"] == 0 for each in configured)
    problems = expect(merges, "the catalog does not merge: the check proves nothing")
    problems += whole_read_problems(replays.refreshes, attempt)
    return problems + table_problems(replays, replays.refreshes)


# --- 7: deselected fields -----------------------------------------------------------------------------------------


def deselected_fields_are_no_obstacle(replays: Replays) -> list[str]:
    """The platform drops the fields, so the source may send them; the selected ones are the truth's."""
    (attempt,) = replays.deselected.attempts
    problems = expect(attempt.succeeded, f"the read failed: {attempt.result.describe()}")
    for key, track in attempt.streams.items():
        stream = replays.stream(key)
        # None, of the one row of a stream without a key.
        names = [path[0] for path in track.configured["primary_key"]]
        truth = {_values(record, names): record for record in replays.deselected.truth[key[1]]}
        sent = [stream.comparable(record) for record in attempt.result.records.get(key[1], [])]
        wrong = {
            name
            for record in sent
            for name in track.selected
            if name in record and record[name] != truth[_values(record, names)].get(name)
        }
        problems += expect(len(sent) == len(truth), f"{key[1]}: {len(sent)} of {len(truth)} records")
        problems += expect(not wrong, f"{key[1]}: other values in {sorted(wrong)}")
    return problems


def _values(record: Record, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(record[name] for name in names)


def keys_and_cursors_reach_the_destination(replays: Replays) -> list[str]:
    (attempt,) = replays.deselected.attempts
    problems = []
    for key, track in attempt.streams.items():
        needed = {path[0] for path in track.configured["primary_key"]} | set(track.configured["cursor_field"][:1])
        rows = replays.deselected.connection.warehouse.rows(key)
        lacking = sum(1 for row in rows if any(row.get(name) is None for name in needed))
        problems += expect(not lacking, f"{key[1]}: {lacking} rows lack one of {sorted(needed)}")
    return problems


# --- 8: catalogs --------------------------------------------------------------------------------------------------


def a_namespace_comes_back_in_every_message(replays: Replays) -> list[str]:
    """In records, states, statuses, estimates and errors: with another one the platform knows no such stream."""
    problems = [fault for attempt in replays.namespaced.attempts for fault in attempt.tracker.faults]
    silent = [key[1] for key, track in replays.namespaced.attempts[0].streams.items() if not track.events]
    problems += expect(not silent, f"nothing of {silent} came with namespace {NAMESPACE}")
    return sorted(set(problems)) + table_problems(replays, replays.namespaced, exact=False)


def a_state_in_a_namespace_is_understood(replays: Replays) -> list[str]:
    first, second = replays.namespaced.attempts
    again = [
        f"{key[1]}: {second.records(key)} of {first.records(key)} records again"
        for key in first.streams
        if key[1] in replays.walkers and second.records(key) >= first.records(key)
    ]
    return again + expect(len(given(second)) > 0, "there was no state")


def strange_catalog_fields_are_passed_over(replays: Replays) -> list[str]:
    return [
        f"attempt {number}: {attempt.result.describe()}"
        for number, attempt in enumerate(replays.namespaced.attempts, start=1)
        if not attempt.succeeded
    ]
