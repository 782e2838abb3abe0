"""The source: configuration, authentication, budget and streams of Outreach put together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import requests

from source_kit import protocol
from source_kit.connection import Connection
from source_kit.foreign_state import ForeignRule
from source_kit.oauth import Auth, OAuth
from source_kit.record_ids import NAME as RECORD_IDS
from source_kit.source import KitSource
from source_kit.stream import KitStream
from source_outreach import config, record_ids, streams
from source_outreach.collections import KAIA_BUCKET
from source_outreach.config import Settings
from source_outreach.counted import CountedBudget
from source_outreach.credentials import MINT_INTERVAL_SECONDS, RENEWAL_HINT
from source_outreach.discovery import Account
from source_outreach.errors import RULES
from source_outreach.foreign import IGNORED_STATES, rules_for

MEDIA_TYPE = "application/vnd.api+json"
HEADERS = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
KAIA_PER_SECOND = 3.0
ANALYTICS = "source-outreach-requests"


class OutreachConnection(Connection[Settings]):
    """One user or app of Outreach."""

    rules = RULES
    ignored_states = IGNORED_STATES
    # Without the content type, which a GET does not have, Outreach documents a 415.
    session_headers: Mapping[str, str] = HEADERS  # type: ignore[misc]  # a constant

    @property
    def foreign_rules(self) -> Sequence[ForeignRule]:  # type: ignore[override]  # depends on the look-back
        return rules_for(self.options.lag)

    def authentication(self, session: requests.Session) -> Auth:
        # The media type of the API is not that of the token endpoints: one takes a form, the other nothing.
        session.headers.pop("Content-Type", None)
        app, options = self.settings.credentials.app, self.options
        session.headers["Accept"] = "application/json" if app is None else f"{MEDIA_TYPE}, application/json"
        if app is None:
            return OAuth(
                self.surroundings,
                self.settings.credentials.paths,
                options.token_url or "",
                session=session,
                mint_interval_seconds=MINT_INTERVAL_SECONDS,
                renewal_hint=RENEWAL_HINT,
            )
        from source_outreach.s2s import S2S

        return S2S(
            app,
            self.surroundings,
            options.api_url,
            has_own_url=options.api_url != config.DEFAULTS.api_url,
            session=session,
            move_to=lambda url: self.client.move_to(url),
        )

    def budget(self) -> CountedBudget:
        return CountedBudget(
            self.clock,
            per_day=self.settings.max_requests_per_day,
            share=self.options.rate_limit_share,
            max_per_minute=self.options.max_requests_per_minute,
            per_second={KAIA_BUCKET: KAIA_PER_SECOND},
        )

    def streams(self) -> Sequence[KitStream]:
        client = self.client
        account = Account(client)
        standard = streams.reachable(streams.build(client, self.settings, account), client)
        # There is no scope for custom objects that an app could have.
        is_app = self.settings.credentials.is_app
        found: list[KitStream] = [*standard, *([] if is_app else streams.custom(client, self.settings, account))]
        if self.options.record_ids_of:
            found.append(record_ids.stream(client, self.settings, account))
        return found

    def streams_for(self, names: Sequence[str]) -> Sequence[KitStream]:
        """Custom objects are looked for only if one is configured; what cannot be reached says so when it is read."""
        client = self.client
        account = Account(client)
        found: list[KitStream] = [*streams.build(client, self.settings, account)]
        if RECORD_IDS in names and self.options.record_ids_of:
            found.append(record_ids.stream(client, self.settings, account))
        return [*found, *streams.custom_for(names, client, self.settings, account)]

    def after_sync(self) -> None:
        """How much of the account's budget the sync took: plans have so many requests a year."""
        budget = self.client.budget
        if isinstance(budget, CountedBudget):
            self.output.log("INFO", budget.sentence())
            figures = json.dumps(budget.figures())
            self.output.message(protocol.analytics(ANALYTICS, figures, self.output.now_ms()))

    def probe(self) -> None:
        streams.token_probe(self.client)


class SourceOutreach(KitSource):
    """Reads Outreach."""

    name = "source-outreach"
    connection = OutreachConnection
    parse = staticmethod(config.parse)


SOURCE = SourceOutreach
