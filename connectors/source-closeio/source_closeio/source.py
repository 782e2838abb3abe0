"""The source: configuration, authentication, budget and streams of Close put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import requests

from source_closeio import config, search, streams
from source_closeio.account import WHO_AM_I
from source_closeio.config import Settings
from source_closeio.errors import RULES
from source_closeio.foreign import FOREIGN_RULES, IGNORED_STATES
from source_closeio.record_ids import listings
from source_kit.budget import RateBudget
from source_kit.connection import Connection
from source_kit.oauth import Auth, OAuth, basic, bearer
from source_kit.record_ids import wanted_ids
from source_kit.source import KitSource
from source_kit.stream import KitStream

# What production has borne where searches came back without rate headers.
SEARCHES_PER_SECOND = 2.0


class CloseConnection(Connection[Settings]):
    """One organisation of Close."""

    rules = RULES
    foreign_rules = FOREIGN_RULES
    ignored_states = IGNORED_STATES
    # Date-only values are of the zone that the client names.
    session_headers: Mapping[str, str] = {"X-TZ-Offset": "0"}  # type: ignore[misc]  # a constant

    def authentication(self, session: requests.Session) -> Auth:
        settings = self.settings
        if settings.auth_type == "api_key":
            return basic(settings.secret)
        if settings.auth_type == "access_token":
            return bearer(settings.secret)
        return OAuth(self.surroundings, config.TOKEN_PATHS, settings.common.token_url or "", session=session)

    def budget(self) -> RateBudget:
        return RateBudget(
            self.clock,
            share=self.options.rate_limit_share,
            max_per_minute=self.options.max_requests_per_minute,
            fallback_per_second={f"POST {search.PATH}": SEARCHES_PER_SECOND},
        )

    def streams(self) -> Sequence[KitStream]:
        build = partial(streams.build, self.client, self.settings)
        return [*build(), *wanted_ids(self.client, self.options.record_ids_of, lambda: listings(build()))]

    def probe(self) -> None:
        self.client.send(WHO_AM_I)


class SourceCloseio(KitSource):
    """Reads Close CRM."""

    name = "source-closeio"
    connection = CloseConnection
    parse = staticmethod(config.parse)


SOURCE = SourceCloseio
