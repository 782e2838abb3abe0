"""The resources of Outreach: how a page of a list, a window of time or one resource is asked for, and its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from source_kit import rows, schemas, timestamps
from source_kit.endpoint import Ask, Endpoint
from source_kit.rows import Record
from source_kit.windows import Window
from source_outreach.collections import Collection
from source_outreach.config import Settings
from source_outreach.flatten import Flattener
from source_outreach.forms import PLAIN, Form
from source_outreach.ranges import Timeless, range_of

# The query for the first row of a list.
ONE_ROW = {"page[size]": 1, "count": "false"}


@dataclass(frozen=True)
class ListAsk(Ask):
    """A page of a list, or of a window of it: the first one, or that `after` a cursor; with the number of all its rows,
    if `count`. With `id`: this one resource instead. `is_spent`: nobody needs the resources of the answer once they are
    records."""

    window: Window | None = None
    after: str | None = None
    count: bool = False
    form: Form = PLAIN
    id: int | str | None = None
    is_spent: bool = False


class CollectionEndpoint(Endpoint[ListAsk]):
    """`GET /<collection>` by cursor paging (which `page[size]` switches on), or `GET /<collection>/<id>`."""

    usual = ListAsk()

    def __init__(self, collection: Collection, settings: Settings) -> None:
        self.collection = collection
        self.page_size = settings.page_size
        self.end_date = settings.common.end_date
        # Whether records have a column for links to a CRM.
        self.has_connections = collection.is_connected and settings.data_connections
        self.bucket = collection.bucket
        self.may_be_one = not collection.is_listed
        self._flatten = Flattener(collection)

    @cached_property
    def times(self) -> tuple[str, ...]:
        """The date-times of the records."""
        return schemas.zoned_fields(self.collection.schema())

    def path(self, asked: ListAsk) -> str:
        """Relative to the version of the API."""
        return self.collection.path if asked.id is None else f"{self.collection.path}/{asked.id}"

    def params(self, asked: ListAsk) -> Mapping[str, Any]:
        """The page, and the range and order of a window; one resource takes no paging."""
        form, cursor, window = asked.form.params(self.collection.type), self.collection.cursor, asked.window
        if asked.id is not None:
            return form
        params: dict[str, Any] = {
            "page[size]": asked.limit or asked.size or self.page_size,
            "count": "true" if asked.count else "false",
            **form,
        }
        if window is not None and cursor is not None:
            params[f"filter[{cursor}]"] = range_of(window, self.end_date)
            if not isinstance(window, Timeless):
                params["sort"] = f"-{cursor}" if window.descending else cursor
        if asked.after is not None:
            params["page[after]"] = asked.after
        return params

    def records(self, content: Any, asked: ListAsk) -> list[Record]:
        """The flat records, with a `Z` on date-times without a zone; none from the end of the range on."""
        connections = asked.form.connections if self.has_connections else None
        records = self._flatten(content[self.rows_key], connections=connections, is_spent=asked.is_spent)
        timestamps.fix_zones(records, self.times)
        cursor = self.collection.cursor
        # Outreach gives rows beyond a bound, too.
        return records if cursor is None else timestamps.within(records, cursor, None, self.end_date)


def is_list_of_resources(content: Any) -> bool:
    """Whether this is a list as only an API of this kind gives it."""
    return rows.has_list(content, "data") and all(isinstance(each, dict) and "type" in each for each in content["data"])
