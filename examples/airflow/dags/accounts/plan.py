"""How an account's streams are split into jobs: by groups of streams and, for back-fills, by windows of time.

A job is one read of the connector, one mapped task of Airflow, and one set of states.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypedDict

# Group -> patterns of its streams; what no pattern takes is the group "rest". The first pattern that fits decides.
GROUPS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "source-closeio": {
        "leads": ("leads", "contacts", "opportunities"),
        "activities": ("activities", "*_activities", "custom_activity_instances", "user_posts"),
        "events": ("event_log", "events", "deleted_records"),
    },
    "source-persistiq": {"leads": ("leads", "campaign*")},
    "source-kustomer": {"conversations": ("conversation*", "messages", "notes", "attachments", "satisfaction*")},
    "source-outreach": {"prospects": ("prospects", "accounts", "mailings", "calls", "events", "sequence_states")},
}
# Streams that are cut by the creation of their records: a window has their edits, whenever those are made, and so would
# never be finished. Patterns, as above.
UNSPLIT: Mapping[str, Sequence[str]] = {
    "source-closeio": ("activities", "*_activities", "custom_activity_instances", "user_posts", "comment_threads"),
}
REST = "rest"
ONGOING, WHOLE = "ongoing", "whole"


class Stream(TypedDict):
    """What a job must know of a stream; small enough for an XCom. `columns`: some come only if they are asked for."""

    name: str
    columns: list[str]
    key: list[list[str]]
    cursor: list[str]
    incremental: bool


class Job(TypedDict):
    """`part` is ONGOING, WHOLE (streams that no date narrows) or a window's bounds; `overlay` goes over the config."""

    group: str
    part: str
    streams: list[Stream]
    overlay: dict[str, str]


def summary(stream: Mapping[str, Any]) -> Stream:
    """The stream of a catalog as jobs carry it."""
    return {
        "name": stream["name"],
        "columns": list(stream["json_schema"].get("properties", {})),
        "key": stream.get("source_defined_primary_key") or [],
        "cursor": stream.get("default_cursor_field") or [],
        "incremental": "incremental" in stream["supported_sync_modes"],
    }


def jobs(
    connector: str,
    streams: Iterable[Stream],
    start_date: str,
    split_at: Sequence[str] = (),
    finished: Collection[tuple[str, str]] = (),
) -> list[Job]:
    """The jobs that read these streams once.

    `split_at` are dates in ascending order. The time from `start_date` to the last of them is read in windows between
    them, each of which is read once: `finished` names the (group, part) that need no more. What comes after the last
    date is the ongoing part, which goes on in every run, and is planned first: what is new is there before what is old.
    """
    grouped: dict[str, list[Stream]] = {}
    for stream in streams:
        grouped.setdefault(group_of(connector, stream["name"]), []).append(stream)
    bounds = [bound for bound in split_at if bound > start_date]
    unsplit = UNSPLIT.get(_name(connector), ())
    planned = [
        job for group, members in grouped.items() for job in _of_group(group, members, unsplit, start_date, bounds)
    ]
    left = [job for job in planned if (job["group"], job["part"]) not in finished]
    return sorted(left, key=lambda job: job["part"] not in (ONGOING, WHOLE))


def group_of(connector: str, stream: str) -> str:
    """The group that a stream belongs to."""
    for group, patterns in GROUPS.get(_name(connector), {}).items():
        if _fits(stream, patterns):
            return group
    return REST


def _name(connector: str) -> str:
    return connector.rpartition("/")[2]


def _fits(stream: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(stream, pattern) for pattern in patterns)


def _of_group(
    group: str, streams: list[Stream], unsplit: Sequence[str], start_date: str, bounds: Sequence[str]
) -> list[Job]:
    # Streams without cursor are lists that are read whole: no date may narrow them.
    timed = [stream for stream in streams if stream["incremental"] and not _fits(stream["name"], unsplit)]
    if not bounds:
        return [Job(group=group, part=ONGOING, streams=streams, overlay={})]
    whole = [stream for stream in streams if stream not in timed]
    found = [Job(group=group, part=WHOLE, streams=whole, overlay={})] if whole else []
    if not timed:
        return found
    for start, end in zip([start_date, *bounds], bounds, strict=False):
        dates = {"start_date": start, "end_date": end} if start else {"end_date": end}
        found.append(Job(group=group, part=f"{start}..{end}", streams=timed, overlay=dates))
    return [*found, Job(group=group, part=ONGOING, streams=timed, overlay={"start_date": bounds[-1]})]
