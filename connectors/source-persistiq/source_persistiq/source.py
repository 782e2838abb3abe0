"""The source: configuration, authentication, budget and streams of PersistIQ put together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import requests

from source_kit.budget import RateBudget
from source_kit.client import Request
from source_kit.connection import Connection
from source_kit.errors import ConfigError
from source_kit.oauth import Auth, StaticAuth
from source_kit.record_ids import wanted_ids
from source_kit.rules import Unavailable
from source_kit.source import KitSource
from source_kit.stream import KitStream
from source_persistiq import config, endpoints, streams
from source_persistiq.config import Settings
from source_persistiq.errors import RULES
from source_persistiq.foreign import FOREIGN_RULES, IGNORED_STATES

# What the documentation says; the headers, which know better (500 was seen), replace it with the first answer.
DOCUMENTED_PER_MINUTE = 100


class PersistiqConnection(Connection[Settings]):
    """One company of PersistIQ."""

    rules = RULES
    foreign_rules = FOREIGN_RULES
    ignored_states = IGNORED_STATES
    max_attempts = 8

    def authentication(self, session: requests.Session) -> Auth:
        # Also where the key came under its alias, and without the white space around it.
        self.redactor.add(self.settings.api_key)
        return StaticAuth("x-api-key", self.settings.api_key)

    def budget(self) -> RateBudget:
        return RateBudget(
            self.clock,
            share=self.options.rate_limit_share,
            max_per_minute=self.options.max_requests_per_minute,
            assumed_per_minute=DOCUMENTED_PER_MINUTE,
        )

    def streams(self) -> Sequence[KitStream]:
        build = partial(streams.build, self.client, self.settings)
        return [*build(), *wanted_ids(self.client, self.options.record_ids_of, lambda: streams.listings(build()))]

    def probe(self) -> None:
        request = Request("users", endpoints.BUCKET, what="the list of users", accepts=endpoints.is_list_of_users)
        try:
            self.client.send(request)
        except Unavailable as error:
            if error.status != 404:
                raise
            text = f"There is no PersistIQ at {self.client.base_url} (404). Check api_url."
            raise ConfigError(text, internal_message=error.internal_message) from error


class SourcePersistiq(KitSource):
    """Reads PersistIQ."""

    name = "source-persistiq"
    connection = PersistiqConnection
    parse = staticmethod(config.parse)


SOURCE = SourcePersistiq
