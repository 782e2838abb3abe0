"""What came of one window, against what the API counts of it: what proves that all of it came. Pure."""

from __future__ import annotations

from typing import Any

from source_kit.seen import Seen
from source_kit.tokens import TRUSTED_COUNT

# Of so many pages a walk keeps what came, to prove that all did. Windows are shorter; an uncut walk may be longer.
MOST_REMEMBERED_PAGES = 20


class Count:
    """`expected` is how many rows a walk will have emitted at the end, as far as counts tell; `total` what the whole
    window was counted to have, and `marks` those of the rows that came, as long as they are few enough to keep."""

    def __init__(self, page_size: int, cap: int | None) -> None:
        """`cap`: counts from there on mean only that there are as many at the least."""
        self._page_size = page_size
        self._cap = cap
        self.pages = self.emitted = self.left_out = 0
        self.expected: int | None = None
        self.total: int | None = None
        self.marks: set[Any] = set()
        self.is_wrong = False

    def known(self, total: int | None) -> int | None:
        """A count, unless it is capped."""
        return None if total is None or (self._cap is not None and total >= self._cap) else total

    def took(self, page: Seen, fresh: int) -> None:
        """Take note of a page of which so many rows were new."""
        self.pages += 1
        self.emitted += fresh
        total = self.known(page.fetched.total)
        if total is not None:
            self.expected = self.emitted + total - page.size
        self.total = total if self.pages == 1 else self.total
        self.left_out += page.size - len(page.every)
        self.marks.update(page.every)
        if self.pages > MOST_REMEMBERED_PAGES:
            self.total = None
            self.marks.clear()

    def lacking(self, total: int | None) -> int:
        """How many rows did not come of those that a count says, as far as it can be believed. What was left out (no
        objects, rows that came twice) may have been counted."""
        counted = self.known(total)
        if counted is None or self.is_wrong or counted >= TRUSTED_COUNT:
            return 0
        return max(0, counted - len(self.marks) - self.left_out)

    def proves_before(self, page: Seen) -> bool:
        """Whether all that was counted of the window, and is not counted of what a page and those behind it hold, has
        come. Some APIs count with every answer."""
        rest = self.known(page.fetched.total)
        if self.total is None or rest is None or self.pages == 0:
            return False
        again = sum(mark in self.marks for mark in page.every)
        return again < len(page.every) and self.total - rest <= len(self.marks) - again

    def is_end(self, page: Seen, *, is_full: bool, is_open: bool) -> bool:
        """Proven by the count where there is one that can be believed, else by a short page without token."""
        rows, total = page.size, page.fetched.total
        if not self.left_out and total is not None and (total < rows or self.emitted > (self.expected or 0)):
            self.is_wrong = True
        if self.expected is None or self.is_wrong or self.left_out:
            return not is_full
        if rows >= self._page_size and page.fetched.token is not None:
            return False
        # An open window can gain rows after it was counted, and a large count may be capped: then ask once more.
        is_settled = not is_open and self.expected < TRUSTED_COUNT
        return total == rows or (self.emitted >= self.expected and (is_settled or not is_full))
