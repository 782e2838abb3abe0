"""The source: configuration, authentication, budget and streams of Outreach put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import requests

from source_kit.budget import RateBudget
from source_kit.catalog_input import ConfiguredStream
from source_kit.client import HttpClient
from source_kit.config import CommonOptions
from source_kit.foreign_state import ForeignRule
from source_kit.oauth import Auth
from source_kit.source import KitSource
from source_kit.state_input import StreamState
from source_kit.stream import KitStream
from source_outreach import config, streams
from source_outreach.discovery import Account
from source_outreach.errors import RULES
from source_outreach.foreign import IGNORED_STATES, rules_for

MEDIA_TYPE = "application/vnd.api+json"
HEADERS = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
KAIA_PER_SECOND = 3.0


class SourceOutreach(KitSource):
    """Reads Outreach."""

    name = "source-outreach"
    rules = RULES
    ignored_states = IGNORED_STATES
    # Without the content type, which a GET does not have, Outreach documents a 415.
    session_headers: Mapping[str, str] = HEADERS  # type: ignore[misc]  # a constant

    def __init__(self) -> None:
        super().__init__()
        # None: all streams are wanted.
        self._wanted: frozenset[str] | None = None

    @property
    def foreign_rules(self) -> Sequence[ForeignRule]:  # type: ignore[override]  # depends on the look-back
        return rules_for(timedelta(seconds=self.settings.common.lookback_window_seconds))

    def parse(self, given: Mapping[str, Any]) -> tuple[CommonOptions, list[str]]:
        self.settings, warnings = config.parse(given)
        return self.settings.common, warnings

    def authentication(self, session: requests.Session) -> Auth:
        return config.authentication(
            self.settings,
            self.store,
            session,
            self.clock,
            emit_control=self.output.control,
            log=self.output.log,
            on_secret=self.redactor.add,
        )

    def budget(self, options: CommonOptions) -> RateBudget:
        return RateBudget(
            self.clock,
            share=options.rate_limit_share,
            max_per_minute=options.max_requests_per_minute,
            per_second={config.KAIA_BUCKET: KAIA_PER_SECOND},
        )

    def sync(self, configured: Sequence[ConfiguredStream], states: Mapping[str, StreamState]) -> int:
        """As the base; custom objects are looked for only if one is configured."""
        self._wanted = frozenset(stream.name for stream in configured)
        return super().sync(configured, states)

    def build_streams(self, client: HttpClient) -> Sequence[KitStream]:
        with_custom_objects = self._wanted is None or any(name.startswith("custom_object_") for name in self._wanted)
        return streams.build(client, self.settings, Account(client), with_custom_objects=with_custom_objects)

    def probe(self, client: HttpClient) -> None:
        streams.token_probe(client)


SOURCE = SourceOutreach
