"""Opportunities: the one large list that REST filters and orders by `date_updated`."""

from __future__ import annotations

from dataclasses import replace

from source_closeio.base import CloseTimeline
from source_closeio.witness import Witness
from source_kit.walks import walk
from source_kit.work import Plan, Start


class Opportunities(CloseTimeline):
    """Every opportunity, by `date_updated`."""

    name = "opportunities"
    cursor_field = "date_updated"
    walked_field = "date_updated"
    resource = "opportunity/"
    page_size = 250
    custom_type = "opportunity"

    def work(self, start: Start) -> Plan:
        """Ascending windows, open at the end, so that what is edited meanwhile is seen again; behind them what the
        event log says has changed and they did not bring."""
        cursor = self.time_cursor
        keyset = replace(self.pages.keyset(self.lag), checkpoint=cursor.checkpoint)
        witness = Witness(self, cursor, ["opportunity"], self.resource)
        return witness.over(walk(keyset, cursor.window(start)), start)
