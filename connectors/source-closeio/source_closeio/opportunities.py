"""Opportunities: the one large list that REST filters and orders by `date_updated`."""

from __future__ import annotations

from datetime import timedelta

from source_closeio.base import CloseTimeline
from source_closeio.custom_fields import BY_NAME, by_name
from source_kit import schemas
from source_kit.keyset import Keyset
from source_kit.windows import Window
from source_kit.work import Record, Start, Work


class Opportunities(CloseTimeline):
    """Every opportunity, by `date_updated`."""

    name = "opportunities"
    cursor_field = "date_updated"
    walked_field = "date_updated"
    resource = "opportunity/"
    page_size = 250

    @property
    def lag(self) -> timedelta:
        return timedelta(seconds=self.settings.common.lookback_window_seconds)

    def schema(self) -> schemas.Schema:
        """The schema file and the account's custom fields, typed."""
        extra = self.account.custom_properties("opportunity")
        if self.settings.custom_by_name:
            extra["custom"] = BY_NAME
        return schemas.extended(schemas.load(self.package, self.schema_name), extra)

    def work(self, start: Start) -> Work:
        """Ascending windows, open at the end, so that what is edited meanwhile is seen again."""
        keyset = Keyset(
            fetch=self.fetch_window,
            field="date_updated",
            page_size=self.page_size,
            lag=self.lag,
            emit=self.chosen,
            checkpoint=self.time_cursor.checkpoint,
        )
        return keyset.walk(Window(self.time_cursor.lower(start)))

    def chosen(self, records: list[Record]) -> list[Record]:
        """The records of a page as they leave."""
        if self.settings.custom_by_name:
            by_name(records, self.account.custom_fields("opportunity"))
        return records
