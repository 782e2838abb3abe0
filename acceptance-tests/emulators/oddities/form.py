"""What the oddities must know about an API's answers. A vendor's form says where rows, links and cursors are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from emulators.messages import Request

Body = dict[str, Any]
Row = dict[str, Any]


class Form:
    """The form of one API's lists. `position` is the text that tells one page of a walk from another."""

    page_parameters: frozenset[str] = frozenset(["page"])
    underived: frozenset[str] = frozenset()
    """Streams whose records are not the rows of a list: no oddity of a row shows in them."""
    derived: Mapping[str, str] = MappingProxyType({})
    """Streams whose records are made of rows: of all that may be odd, only the cursor shows in them, in this column."""
    times_out = False
    """Whether searches say that they have timed out."""

    def key(self, body: Body) -> str | None:
        """The member that holds the rows; None where there is none."""
        return "data" if isinstance(body.get("data"), list) else None

    def attributes(self, row: Row) -> Row:
        """The part of a row that becomes columns."""
        return row

    def row_of(self, attributes: Row) -> Row:
        """A row that has attributes and nothing else."""
        return attributes

    def column(self, attribute: str) -> str:
        """The column of an attribute."""
        return attribute

    def identity(self, row: Row) -> str:
        """What tells a row apart, in the answer as in the truth."""
        return str(row.get("id"))

    def cursor(self, record: Row) -> str | None:
        """The attribute that is the row's cursor, where it may be odd; `record` is flat, its names are the API's."""
        return None

    def time(self, record: Row) -> str | None:
        """An attribute with a time that is no cursor."""
        return None

    def relations(self, row: Row, kind: str) -> bool:
        """Make the relationships of a row odd; whether there were any."""
        return False

    def walk(self, request: Request) -> str:
        """Equal for all pages of a walk."""
        kept = sorted((name, value) for name, value in request.params.items() if name not in self.page_parameters)
        return f"{request.method} {request.path}?{urlencode(kept)}"

    def question(self, request: Request) -> str:
        """Equal for requests for the same rows, whatever columns they ask for."""
        return request.identity

    def subject(self, request: Request) -> str:
        """What is asked for, in a few words."""
        return f"{request.method} {request.path}"

    def is_first(self, request: Request) -> bool:
        """Whether this is the first page of a walk."""
        return request.params.get("page", "1") == "1"

    def size(self, request: Request) -> int:
        """How many rows were asked for."""
        return 100

    def may_repeat(self, request: Request) -> bool:
        """Whether the walk goes on by pages or cursors, so that a page may have a row more than was asked for."""
        return True

    def has_next(self, body: Body) -> bool:
        """Whether the answer announces another page."""
        return False

    def page_after_gap(self, request: Request) -> tuple[Request, bool] | None:
        """For a walk with an empty page before its second one: what to ask in truth, and whether this is the gap.

        None where such a walk is not possible.
        """
        return None

    def point_after(self, body: Body, request: Request) -> None:
        """Let the answer to `request` announce the page that follows it in a walk with a gap."""

    def point_to_itself(self, body: Body, request: Request) -> bool:
        """Let the answer announce itself as the next page; whether that is possible."""
        return False

    def raw_record(self, record: Row) -> Row:
        """A flat record with the API's names, to ask `cursor` and `time` about."""
        return record


def with_params(request: Request, changes: Iterable[tuple[str, str]]) -> Request:
    """The same request with other parameters."""
    changed = dict(changes)
    params = {**{name: value for name, value in request.params.items() if name not in changed}, **changed}
    return replace(request, query=urlencode(params), _params=None)
