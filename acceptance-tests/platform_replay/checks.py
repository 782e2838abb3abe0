"""All checks of platform conformance as a table: a name, what is promised, and a function that returns the problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.connector import Connector
from platform_replay import judgements as judged
from platform_replay import rules
from platform_replay.jobs import LONG_WAIT_SECONDS, Replays

SHOWN = 12


@dataclass(frozen=True)
class Check:
    """One promise; `judge` returns all problems. `oauth`: only for connectors that have it. `thorough`: waits long."""

    name: str
    promise: str
    judge: Callable[[Replays], list[str]]
    oauth: bool = False
    thorough: bool = False

    def applies_to(self, connector: Connector) -> bool:
        return connector.oauth is not None or not self.oauth


def in_every_attempt(rule: rules.Rule) -> Callable[[Replays], list[str]]:
    """A rule, for every attempt of every story."""

    def judge(replays: Replays) -> list[str]:
        return [
            f"{name}, attempt {number}: {problem}"
            for name, story in replays.stories()
            for number, attempt in enumerate(story.attempts, start=1)
            for problem in rule(attempt)
        ]

    return judge


def of_rule(rule: rules.Rule) -> Check:
    promise = (rule.__doc__ or "").strip().splitlines()[0]
    return Check(rule.__name__.replace("_", " "), promise, in_every_attempt(rule))


def of(judge: Callable[[Replays], list[str]], promise: str, *, oauth: bool = False, thorough: bool = False) -> Check:
    return Check(judge.__name__.replace("_", " "), promise, judge, oauth, thorough)


CHECKS: tuple[Check, ...] = (
    *map(of_rule, rules.RULES),
    of(judged.tables_hold_the_truth, "After a first sync every table is exactly what the account holds."),
    of(judged.a_refused_stream_fails_alone, "The others are committed; the next attempt reads what was missing."),
    of(judged.a_short_wait_is_told, "RATE_LIMITED with its reset, then RUNNING; nothing is lost."),
    of(
        judged.a_long_wait_is_told_every_minute,
        f"In a wait of {LONG_WAIT_SECONDS} s something is said every 60 s.",
        thorough=True,
    ),
    of(
        judged.a_refusal_for_hours_ends_the_attempt,
        "Retry-After beyond an hour: transient error, the next attempt goes on.",
    ),
    of(judged.a_budget_spent_for_hours_ends_the_attempt, "The same, where headers announce it before any 429."),
    of(judged.a_killed_full_refresh_goes_on, "Same job, same generation: it resumes from the last committed STATE."),
    of(
        judged.a_finished_full_refresh_is_not_read_again,
        "Given its final STATE in the same job it sends no record.",
    ),
    of(judged.what_cannot_resume_starts_anew, "Streams without cursor are read whole in every attempt."),
    of(judged.attempts_together_hold_everything, "kill -9 twice, with STATEs that were never acknowledged."),
    of(judged.a_new_job_starts_from_nothing, "New generation, no state; old rows are gone afterwards."),
    of(
        judged.the_config_of_the_last_control_works,
        "Killed after a rotation, the next attempt can log in.",
        oauth=True,
    ),
    of(
        judged.tokens_work_once,
        "The config of before is worthless; every minted token came in a CONTROL.",
        oauth=True,
    ),
    of(judged.a_sync_between_reads_only_changes, "The generation stays, the state is used."),
    of(judged.a_truncating_refresh_reads_everything, "generation_id = minimum_generation_id, no state."),
    of(judged.a_merging_refresh_reads_everything, "generation_id > minimum_generation_id = 0, no state."),
    of(judged.deselected_fields_are_no_obstacle, "Half of the properties are missing in json_schema."),
    of(judged.keys_and_cursors_reach_the_destination, "They cannot be deselected, and no record lacks them."),
    of(judged.a_namespace_comes_back_in_every_message, "RECORD, STATE, statuses, estimates and errors carry it."),
    of(judged.a_state_in_a_namespace_is_understood, "The next sync goes on from it."),
    of(
        judged.strange_catalog_fields_are_passed_over,
        "sync_id, destination_object_name, include_files and unknown ones.",
    ),
)


def shown(problems: list[str]) -> str:
    """The first problems, one a line, and how many more there are."""
    more = len(problems) - SHOWN
    return "\n".join([*problems[:SHOWN], *([f"... and {more} more"] if more > 0 else [])])
