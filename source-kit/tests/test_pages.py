"""The iterator over what an API announces as its next pages."""

from __future__ import annotations

import weakref
from typing import Any

from source_kit.pages import every
from source_kit.testing import NOON
from source_kit.windows import Fetched


class Row(dict[str, Any]):
    """A record that can be watched."""


def test_a_page_leaves_memory_while_the_caller_still_works_on_the_iterator() -> None:
    def ask(token: Any) -> Fetched:
        return Fetched([Row(id=token)], NOON, "next" if token is None else None)

    pages = every(ask)
    page = next(pages)
    row = weakref.ref(page.records[0])
    del page
    assert row() is None
    assert [record for page in pages for record in page.records] == [{"id": "next"}]
