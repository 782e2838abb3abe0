"""What all streams of Kustomer share: the config, and a cursor that stays behind the index."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from source_kit.stream import KitStream, TimeCursor
from source_kustomer.config import Settings
from source_kustomer.endpoints import PACKAGE
from source_kustomer.errors import ReadOnlyClient
from source_kustomer.fetcher import KustomerFetcher


class KustomerStream(KitStream):
    """A stream of Kustomer, called like the stream in whose name its fetcher asks."""

    client: ReadOnlyClient
    package = PACKAGE
    pages: KustomerFetcher[Any]

    def __init__(self, pages: KustomerFetcher[Any], settings: Settings) -> None:
        self.name = pages.stream
        super().__init__(pages.client)
        self.pages = pages
        self.settings = settings

    @property
    def lag(self) -> timedelta:
        """How long after its time a record may not be found yet."""
        return self.settings.common.lag

    @property
    def time_cursor(self) -> TimeCursor:
        """By the stream's own field; states stay behind the request time by the lag."""
        common = self.settings.common
        return TimeCursor(str(self.cursor_field), common.start_date, self.lag, common.end_date)
