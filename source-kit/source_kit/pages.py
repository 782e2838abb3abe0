"""What an API announces is followed: pages that are empty although more is to come, and links that lead in circles.

An empty page is the end only where nothing is announced behind it. Seen: pages whose rows the key may not see, answers
that lost their rows once, links that repeat themselves for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from source_kit.errors import TransientError
from source_kit.windows import Fetched

# Empty pages in a row, or pages of one list without a row that is new.
MOST_PAGES_WITHOUT_ROWS = 50
Ask = Callable[[Any], Fetched]
"""Asks for the page after a token, None for the first."""


def endless(what: str) -> TransientError:
    """The loud end where an API announces more rows and never gives them."""
    return TransientError(
        "The API says again and again that there are more rows, and gives none that are new. Nothing was skipped "
        "silently: run the sync again; if it repeats, report it to the vendor with the log of this sync.",
        internal_message=what,
    )


def with_rows(ask: Ask, token: Any, what: str = "an empty page") -> Fetched:
    """The page after `token`, or where it is empty although more is announced, the first one behind it that is not.

    Each empty page is asked for again before it is passed, since it may be damage: also one behind another. A count is
    taken from where one was given.
    """
    total: int | None = None
    seen: set[Any] = set()
    while True:
        for _ in range(2):
            fetched = ask(token)
            total = fetched.total if total is None else total
            if fetched.size or fetched.token is None:
                return fetched if fetched.total is not None else replace(fetched, total=total)
        seen.add(token)
        if fetched.token in seen or len(seen) > MOST_PAGES_WITHOUT_ROWS:
            raise endless(what)
        token = fetched.token


def every(ask: Ask, what: str = "a list") -> Iterator[Fetched]:
    """All pages of one query, as far as they are announced. Raises `TransientError` where a token comes again."""
    fetched = with_rows(ask, None, what)
    seen = {None}
    while True:
        token, ready = fetched.token, [fetched]
        # A page of megabytes must not stay here while the caller works on it.
        del fetched
        yield ready.pop()
        if token is None:
            return
        if token in seen:
            raise endless(what)
        seen.add(token)
        fetched = with_rows(ask, token, what)
