"""The state of one stream while it is read: where it starts, how it advances, and when a STATE may leave.

`{"<cursor>": "<value>", "__v": 1}` in incremental reads; `{"<cursor>": v, "__full_refresh": true}` while a full refresh
runs and `{"__ab_full_refresh_sync_complete": true}` after it, as the CDK has it. Streams without a cursor end with the
CDK's no-cursor state. Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from source_kit.timestamps import parse
from source_kit.work import Start

VERSION_KEY = "__v"
VERSION = 1
FULL_REFRESH_KEY = "__full_refresh"
# The second position of streams that also look for edits of old records: up to here they have been found.
EVENTS_UNTIL_KEY = "__events_until"
FULL_REFRESH_DONE: Mapping[str, Any] = {"__ab_full_refresh_sync_complete": True}
NO_CURSOR_STATE: Mapping[str, Any] = {"__ab_no_cursor_state_message": True}
_MARKERS = (VERSION_KEY, FULL_REFRESH_KEY, *FULL_REFRESH_DONE, *NO_CURSOR_STATE)


class StateLedger:
    """What may be said about the progress of one stream."""

    def __init__(self, cursor_field: str | None, incremental: bool, given: Mapping[str, Any]) -> None:
        """`given` is the stream's input state, already validated."""
        self._cursor = cursor_field
        self._incremental = incremental and cursor_field is not None
        self.is_done = not self._incremental and cursor_field is not None and FULL_REFRESH_DONE.items() <= given.items()
        in_full_refresh = FULL_REFRESH_KEY in given
        is_usable = bool(given) and not self.is_done and in_full_refresh is not self._incremental
        self._position = {k: v for k, v in given.items() if k not in _MARKERS} if is_usable and cursor_field else {}
        self._stays = False
        self._held: Mapping[str, Any] | None = None
        self._count = 0

    def start(self) -> Start:
        """Where the read begins."""
        return Start(self._incremental, dict(self._position))

    def advance(self, checkpoint: Mapping[str, Any] | None, *, holds: bool = False) -> None:
        """Take over a checkpoint; cursor values never go backwards. After one that `holds`, none is taken over."""
        self._stays = self._stays or holds
        for key, value in () if self._stays else (checkpoint or {}).items():
            known = self._position.get(key)
            if known is None or not isinstance(value, str) or parse(value) > parse(known):
                self._position[key] = value

    def wrote(self, records: int) -> None:
        """Account for records that have been written."""
        self._count += records

    def reached(
        self, checkpoint: Mapping[str, Any] | None, *, holds: bool = False
    ) -> tuple[Mapping[str, Any], int] | None:
        """Everything before a checkpoint has been written: the STATE that may leave now, and its record count.

        A STATE is held until the next one differs, so that no two equal ones have records between them.
        """
        previous = dict(self._position)
        self.advance(checkpoint, holds=holds)
        leaving = None
        if self._held is not None and self._position != previous:
            leaving = (self._held, self._count)
            self._count = 0
        if checkpoint is not None and self._cursor is not None:
            self._held = self._value()
        return leaving

    def interrupted(self) -> tuple[Mapping[str, Any], int] | None:
        """The last safe STATE of a stream that ends early, if one is held."""
        return None if self._held is None else (self._held, self._count)

    def final(self) -> Mapping[str, Any]:
        """The state after the stream's last record."""
        if self._cursor is None:
            return NO_CURSOR_STATE
        return self._value() if self._incremental else FULL_REFRESH_DONE

    def finish(self) -> tuple[Mapping[str, Any], int]:
        """The STATE that ends the stream, with the count of records since the previous one."""
        count, self._count, self._held = self._count, 0, None
        return self.final(), count

    def _value(self) -> Mapping[str, Any]:
        marker = {VERSION_KEY: VERSION} if self._incremental else {FULL_REFRESH_KEY: True}
        return {**self._position, **marker}
