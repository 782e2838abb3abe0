"""What one attempt must keep, whatever it went through. Each rule is a function that returns all problems it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from platform_replay.attempt import Attempt
from platform_replay.tracker import INCOMPLETE, StreamTrack

LEGAL_COURSE = re.compile(r"STARTED(,(RUNNING|RATE_LIMITED|RECORD|STATE))*(,(COMPLETE|INCOMPLETE))?")
TERMINAL = ("COMPLETE", INCOMPLETE)
EARLIEST_RESET_MS = 1_500_000_000_000  # a reset in seconds, or as a delta, lies far below


def _each(attempt: Attempt) -> Iterator[tuple[str, StreamTrack]]:
    for key, track in attempt.streams.items():
        yield key[1], track


def nothing_fails_the_sync(attempt: Attempt) -> list[str]:
    """No unknown stream, no record without key where the destination deduplicates, no STATE of another type."""
    return sorted(set(attempt.tracker.faults))


def nothing_is_dropped(attempt: Attempt) -> list[str]:
    """Every line is a message with all that the platform asks for; half a line may only follow a kill."""
    tail = ["the last line has no newline"] if attempt.result.tail and not attempt.killed else []
    return sorted(set(attempt.tracker.dropped)) + tail


def counts_are_the_platforms_own(attempt: Attempt) -> list[str]:
    """sourceStats.recordCount of every STATE is the number of records since the stream's previous STATE."""
    return [
        f"{name}: STATE {number} says {checkpoint.said} records, the platform counted {checkpoint.counted}"
        for name, track in _each(attempt)
        for number, checkpoint in enumerate(track.checkpoints, start=1)
        if checkpoint.said != checkpoint.counted
    ]


def destination_agrees_with_the_counts(attempt: Attempt) -> list[str]:
    """All three counts of every acknowledged STATE are one number."""
    return [
        f"{name}: STATE {number} stands for {checkpoint.said} records, the destination stored {checkpoint.stored}"
        for name, track in _each(attempt)
        for number, checkpoint in enumerate(track.checkpoints, start=1)
        if checkpoint.stored is not None and not checkpoint.said == checkpoint.counted == checkpoint.stored
    ]


def every_record_belongs_to_one_state(attempt: Attempt) -> list[str]:
    """After the source's end no record waits for a STATE; a killed source may leave some, which are read again."""
    if attempt.killed:
        return []
    problems = []
    for name, track in _each(attempt):
        covered = sum(each.counted for each in track.checkpoints)
        if covered != track.records and track.events[-1:] != [INCOMPLETE]:
            problems.append(f"{name}: {track.records} records, {covered} of them before a STATE")
    return problems


def last_state_follows_the_last_record(attempt: Attempt) -> list[str]:
    """What comes directly before COMPLETE is a STATE: only then can the platform see the stream complete."""
    return [
        f"{name}: {track.events[-2]} came right before COMPLETE"
        for name, track in _each(attempt)
        if track.events[-1:] == ["COMPLETE"] and track.events[-2:-1] != ["STATE"]
    ]


def no_state_is_made_up(attempt: Attempt) -> list[str]:
    """The platform need not inject an empty STATE after a good attempt."""
    if attempt.tracker.exit_code != 0:
        return []
    return [f"{key[1]}: no STATE in a full refresh" for key in attempt.tracker.states_to_inject()]


def statuses_take_a_legal_course(attempt: Attempt) -> list[str]:
    """STARTED, then RUNNING, RATE_LIMITED, records and states, then one terminal status, and nothing after it."""
    problems = []
    for name, track in _each(attempt):
        course = ",".join(track.events)
        if course and not LEGAL_COURSE.fullmatch(course):
            problems.append(f"{name}: {shortened(course)}")
    return problems


def every_stream_ends_in_one_terminal_status(attempt: Attempt) -> list[str]:
    """Each configured stream, also one that was never reached; a killed source can say nothing."""
    if attempt.killed:
        return []
    problems = []
    for name, track in _each(attempt):
        terminal = [event for event in track.events if event in TERMINAL]
        if len(terminal) != 1 or track.events[-1] != terminal[0]:
            problems.append(f"{name}: terminal statuses {terminal}, last of all {track.events[-1:]}")
    return problems


def failures_are_explained(attempt: Attempt) -> list[str]:
    """INCOMPLETE goes with an ERROR trace of that stream and a non-zero exit code; exit code 0 with COMPLETE."""
    if attempt.killed:
        return []
    problems = []
    for name, track in _each(attempt):
        failed = INCOMPLETE in track.events
        if failed != bool(track.errors):
            problems.append(f"{name}: {track.events[-1:]} with {len(track.errors)} ERROR traces")
        if failed and attempt.tracker.exit_code == 0:
            problems.append(f"{name}: INCOMPLETE, but exit code 0 makes the platform report every stream complete")
    if attempt.tracker.exit_code != 0 and not attempt.tracker.errors:
        problems.append(f"exit code {attempt.tracker.exit_code} without an ERROR trace")
    return problems


def platform_sees_streams_complete(attempt: Attempt) -> list[str]:
    """After a good attempt every stream is COMPLETE on the connection's page: its last STATE has been acknowledged."""
    if attempt.tracker.exit_code != 0:
        return []
    return [f"{name}: {track.run_state}" for name, track in _each(attempt) if track.run_state != "COMPLETE"]


def rate_limits_are_told_legally(attempt: Attempt) -> list[str]:
    """RATE_LIMITED names its quota reset in milliseconds, and in the future."""
    problems = []
    for name, track in _each(attempt):
        for limit in track.limits:
            reset = limit.quota_reset
            if type(reset) is not int or reset < EARLIEST_RESET_MS or reset < limit.emitted_at:
                problems.append(f"{name}: quota_reset {reset!r}, told at {limit.emitted_at:.0f}")
    return problems


def estimates_are_of_one_type(attempt: Attempt) -> list[str]:
    """STREAM and SYNC estimates in one sync make the platform drop all of them."""
    types = attempt.tracker.estimate_types
    return [f"estimates of types {sorted(types)}"] if len(types) > 1 else []


def shortened(course: str) -> str:
    """The begin and end of a long course of events."""
    return course if len(course) <= 160 else f"{course[:80]} ... {course[-70:]}"


Rule = Callable[[Attempt], list[str]]
RULES: tuple[Rule, ...] = (
    nothing_fails_the_sync,
    nothing_is_dropped,
    counts_are_the_platforms_own,
    destination_agrees_with_the_counts,
    every_record_belongs_to_one_state,
    last_state_follows_the_last_record,
    no_state_is_made_up,
    statuses_take_a_legal_course,
    every_stream_ends_in_one_terminal_status,
    failures_are_explained,
    platform_sees_streams_complete,
    rate_limits_are_told_legally,
    estimates_are_of_one_type,
)
