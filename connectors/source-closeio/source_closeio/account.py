"""What several streams need to know of the account; each thing is asked for once, by whichever stream comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from source_closeio.custom_fields import CustomFields, custom_fields_of, has_data, shared_fields
from source_kit import timestamps
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rules import Rejected, Unavailable
from source_kit.work import Record


class Account:
    """Custom fields, the user of the key and its organisations. Thread-safe."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._lock = threading.RLock()
        self._fields: dict[str, CustomFields] = {}
        self._shared: list[Record] | None = None
        self._me: dict[str, Any] | None = None
        self._has_looked = False
        self._has_event_log = True
        self._latest_event: datetime | None = None
        self._search_shows_edits: bool | None = None
        # Whether the log takes a filter by object type alone, as far as is known; set by whoever is refused it.
        self.filters_events_by_type = True
        # Of its own: the proof waits for the budget of searches, which nothing else here needs.
        self._proof_lock = threading.Lock()

    def custom_fields(self, object_type: str) -> CustomFields:
        """The custom fields of an object type, shared ones included; where they are refused, a WARN says so once."""
        known = self._fields.get(object_type)
        if known is not None:
            return known
        with self._lock:
            if object_type not in self._fields:
                if self._shared is None:
                    self._shared = shared_fields(self._client)
                self._fields[object_type] = known = custom_fields_of(self._client, object_type, self._shared)
                if known.refused_with:
                    self._client.log(
                        "WARN",
                        f"The custom fields of the object type {object_type} cannot be read (status "
                        f"{known.refused_with}): their names and types are missing.",
                    )
            return self._fields[object_type]

    @property
    def me(self) -> dict[str, Any]:
        """The user of the key, with memberships and organisations."""
        with self._lock:
            if self._me is None:
                answer = self._client.send(Request("me/", "GET me/", what="the user of the API key"))
                self._me = dict(body(answer))
            return self._me

    def search_shows_edits(self, prove: Callable[[], bool]) -> bool:
        """Whether searches filter activities by `date_updated`; `prove` is called by whoever asks first."""
        with self._proof_lock:
            if self._search_shows_edits is None:
                self._search_shows_edits = prove()
            return self._search_shows_edits

    @property
    def has_event_log(self) -> bool:
        """Whether the role may see the event log."""
        self._look_at_log()
        return self._has_event_log

    @property
    def latest_event(self) -> datetime | None:
        """When the newest event happened, as of the first look: the run's horizon for edits. None without any."""
        self._look_at_log()
        return self._latest_event

    def _look_at_log(self) -> None:
        with self._lock:
            if self._has_looked:
                return
            request = Request("event/", "GET event/", params={"_limit": 1}, what="the event log", accepts=has_data)
            try:
                events = body(self._client.send(request))["data"]
            except (Unavailable, Rejected):  # refused with 403, or with 400
                self._has_event_log = False
            else:
                self._latest_event = timestamps.parse(events[0]["date_updated"]) if events else None
            self._has_looked = True

    @property
    def organization_ids(self) -> list[str]:
        """Those that the key may see: one with an API key."""
        return [each["id"] for each in self.me.get("organizations") or () if each.get("id")]
