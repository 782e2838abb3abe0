"""The source: configuration, authentication, budget and streams of Outreach put together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import requests

from source_kit import protocol
from source_kit.client import HttpClient
from source_kit.config import CommonOptions
from source_kit.foreign_state import ForeignRule
from source_kit.oauth import Auth
from source_kit.record_ids import NAME as RECORD_IDS
from source_kit.source import KitSource
from source_kit.stream import KitStream
from source_outreach import config, credentials, record_ids, streams
from source_outreach.collections import CUSTOM_OBJECT, KAIA_BUCKET
from source_outreach.counted import CountedBudget
from source_outreach.discovery import Account
from source_outreach.errors import RULES
from source_outreach.foreign import IGNORED_STATES, rules_for

MEDIA_TYPE = "application/vnd.api+json"
HEADERS = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
KAIA_PER_SECOND = 3.0
ANALYTICS = "source-outreach-requests"


class SourceOutreach(KitSource):
    """Reads Outreach."""

    name = "source-outreach"
    rules = RULES
    ignored_states = IGNORED_STATES
    # Without the content type, which a GET does not have, Outreach documents a 415.
    session_headers: Mapping[str, str] = HEADERS  # type: ignore[misc]  # a constant

    @property
    def foreign_rules(self) -> Sequence[ForeignRule]:  # type: ignore[override]  # depends on the look-back
        return rules_for(timedelta(seconds=self.settings.common.lookback_window_seconds))

    def parse(self, given: Mapping[str, Any]) -> tuple[CommonOptions, list[str]]:
        self.settings, warnings = config.parse(given)
        return self.settings.common, warnings

    def authentication(self, session: requests.Session) -> Auth:
        return credentials.authentication(
            self.settings.credentials,
            self.settings.common,
            config.DEFAULTS.api_url,
            self.store,
            session,
            self.clock,
            emit_control=self.output.control,
            log=self.output.log,
            on_secret=self.redactor.add,
            move_to=self._move_to,
        )

    def _move_to(self, api_url: str) -> None:
        """The host that serves the organisation, as signing in as an app tells it."""
        self.client.move_to(api_url)

    def budget(self, options: CommonOptions) -> CountedBudget:
        return CountedBudget(
            self.clock,
            per_day=self.settings.max_requests_per_day,
            share=options.rate_limit_share,
            max_per_minute=options.max_requests_per_minute,
            per_second={KAIA_BUCKET: KAIA_PER_SECOND},
        )

    def build_streams(self, client: HttpClient) -> Sequence[KitStream]:
        account = Account(client)
        standard = streams.reachable(streams.build(client, self.settings, account), client)
        # There is no scope for custom objects that an app could have.
        is_app = self.settings.credentials.is_app
        found: list[KitStream] = [*standard, *([] if is_app else streams.custom(client, self.settings, account))]
        if self.settings.common.record_ids_of:
            found.append(record_ids.stream(client, self.settings, account.custom_objects))
        return found

    def streams_for(self, client: HttpClient, names: Sequence[str]) -> Sequence[KitStream]:
        """Custom objects are looked for only if one is configured; what cannot be reached says so when it is read."""
        account = Account(client)
        found: list[KitStream] = [*streams.build(client, self.settings, account)]
        if RECORD_IDS in names and self.settings.common.record_ids_of:
            found.append(record_ids.stream(client, self.settings, account.custom_objects))
        if any(name.startswith(CUSTOM_OBJECT) for name in names):
            found += streams.custom(client, self.settings, account)
        return found

    def after_sync(self) -> None:
        """How much of the account's budget the sync took: plans have so many requests a year."""
        budget = self.client.budget
        if isinstance(budget, CountedBudget):
            self.output.log("INFO", budget.sentence())
            figures = json.dumps(budget.figures())
            self.output.message(protocol.analytics(ANALYTICS, figures, self.output.now_ms()))

    def probe(self, client: HttpClient) -> None:
        streams.token_probe(client)


SOURCE = SourceOutreach
