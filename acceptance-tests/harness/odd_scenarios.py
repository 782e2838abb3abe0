"""Scenarios of odd answers: one for each kind, on a few streams of a small account, and all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from emulators.oddities.headers import HEADERS
from emulators.oddities.kinds import CURSORS, EVERYTHING, EXTRA_ROWS, OUTSIDE, RELATIONS, SPELLINGS, TIMES, VALUES
from harness.connector import Scenario
from harness.oddities import sent

Options = Mapping[str, Any]
# Of the rows in the scenario of one kind, of its answers, and of both where all kinds come at once.
ROW_SHARE, PAGE_SHARE = 0.1, 0.8
ROW_SHARE_OF_ALL, PAGE_SHARE_OF_ALL = 0.02, 0.2
IN_ROWS = (*VALUES, *CURSORS, *TIMES, SPELLINGS)
ON_PAGES = (
    "bom",
    *EXTRA_ROWS,
    "twice_in_answer",
    "twice_over_border",
    "empty_once",
    "reversed_once",
    "no_content_once",
)
# Of walks, whose names have times in them, there may be one that can be odd.
WHOLE_WALKS = ("gap", "twice_over_border")
FEWEST_PAGE_KINDS = 6
# No such row is newer than a STATE before it, by what it says.
OLDER = ("no_record_is_older_than_a_state_before_it",)


def everything(*, unless: Collection[str] = (), config: Options | None = None, full: Options | None = None) -> Scenario:
    """All kinds at once but those that this API cannot send. Each kind of row and header is sent, and several of pages,
    which depend on how the account is read."""
    rows = [kind for kind in (*IN_ROWS, *RELATIONS) if kind not in unless]
    pages = [kind for kind in EVERYTHING if kind not in (*unless, *IN_ROWS, *RELATIONS, *HEADERS)]
    shares = dict.fromkeys(rows, ROW_SHARE_OF_ALL) | dict.fromkeys(pages, PAGE_SHARE_OF_ALL)

    def judge(statistics: dict[str, Any]) -> list[str]:
        seen = [kind for kind in pages if statistics["odd"].get(kind)]
        few = [f"only these oddities of pages were sent: {seen}"] if len(seen) < FEWEST_PAGE_KINDS else []
        return sent(*rows, *HEADERS)(statistics) + few

    odd = {"odd": shares | dict.fromkeys(HEADERS, 1.0)}
    return Scenario("everything odd at once", odd, full or {}, config=config or {}, statistics=judge, odd=True)


def one_by_one(
    size: Options,
    streams: tuple[str, ...],
    *,
    rows: Collection[str] = IN_ROWS,
    pages: Collection[str] = ON_PAGES,
) -> tuple[Scenario, ...]:
    """One scenario for each kind; with rows also the headers in one, since they take turns."""
    shares = dict.fromkeys(rows, ROW_SHARE) | dict.fromkeys(pages, PAGE_SHARE)
    shares |= {kind: 1.0 for kind in pages if kind in WHOLE_WALKS}
    single = [
        Scenario(
            f"{kind} is sent",
            {**size, "odd": {kind: share}},
            size,
            streams=streams,
            statistics=sent(kind),
            odd=True,
            tolerated=OLDER if kind == OUTSIDE else (),
        )
        for kind, share in shares.items()
    ]
    headers = Scenario(
        "headers cannot be read or believed",
        {**size, "odd": list(HEADERS)},
        size,
        streams=streams,
        statistics=sent(*HEADERS),
    )
    return (*single, headers) if rows else tuple(single)
