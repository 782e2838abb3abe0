"""The source: configuration, authentication, budget and streams of PersistIQ put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests

from source_kit.budget import RateBudget
from source_kit.client import HttpClient, Request
from source_kit.config import CommonOptions
from source_kit.errors import ConfigError
from source_kit.oauth import Auth, StaticAuth
from source_kit.record_ids import RecordIds, listings_of
from source_kit.rules import Unavailable
from source_kit.source import KitSource
from source_kit.stream import KitStream
from source_persistiq import config, endpoints, streams
from source_persistiq.errors import RULES
from source_persistiq.foreign import FOREIGN_RULES, IGNORED_STATES

# What the documentation says; the headers, which know better (500 was seen), replace it with the first answer.
DOCUMENTED_PER_MINUTE = 100


class SourcePersistiq(KitSource):
    """Reads PersistIQ."""

    name = "source-persistiq"
    rules = RULES
    foreign_rules = FOREIGN_RULES
    ignored_states = IGNORED_STATES
    max_attempts = 8

    def parse(self, given: Mapping[str, Any]) -> tuple[CommonOptions, list[str]]:
        self.settings, warnings = config.parse(given)
        # Also where the key came under its alias, and without the white space around it.
        self.redactor.add(self.settings.api_key)
        return self.settings.common, warnings

    def authentication(self, session: requests.Session) -> Auth:
        return StaticAuth("x-api-key", self.settings.api_key)

    def budget(self, options: CommonOptions) -> RateBudget:
        return RateBudget(
            self.clock,
            share=options.rate_limit_share,
            max_per_minute=options.max_requests_per_minute,
            assumed_per_minute=DOCUMENTED_PER_MINUTE,
        )

    def build_streams(self, client: HttpClient) -> Sequence[KitStream]:
        found: list[KitStream] = [*streams.build(client, self.settings)]
        wanted = self.settings.common.record_ids_of
        if wanted:
            found.append(RecordIds(client, listings_of(wanted, streams.listings(streams.build(client, self.settings)))))
        return found

    def probe(self, client: HttpClient) -> None:
        request = Request("users", endpoints.BUCKET, what="the list of users", accepts=endpoints.is_list_of_users)
        try:
            client.send(request)
        except Unavailable as error:
            if error.status != 404:
                raise
            text = f"There is no PersistIQ at {client.base_url} (404). Check api_url."
            raise ConfigError(text, internal_message=error.internal_message) from error


SOURCE = SourcePersistiq
