"""The source: configuration, authentication, budgets and streams of Kustomer put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import requests

from source_kit.client import HttpClient
from source_kit.config import CommonOptions
from source_kit.errors import SourceError, StreamUnavailable
from source_kit.oauth import Auth, bearer
from source_kit.record_ids import NAME as RECORD_IDS
from source_kit.rules import Denied
from source_kit.source import KitSource
from source_kit.stream import KitStream
from source_kustomer import config, streams
from source_kustomer.budget import KustomerBudget
from source_kustomer.errors import RULES, WHO_AM_I, ReadOnlyClient, is_somebody
from source_kustomer.foreign import FOREIGN_RULES


class SourceKustomer(KitSource):
    """Reads Kustomer; never writes."""

    name = "source-kustomer"
    rules = RULES
    foreign_rules = FOREIGN_RULES
    client_class = ReadOnlyClient

    def parse(self, given: Mapping[str, Any]) -> tuple[CommonOptions, list[str]]:
        self.settings, warnings = config.parse(given)
        return self.settings.common, warnings

    def authentication(self, session: requests.Session) -> Auth:
        return bearer(self.settings.api_key)

    def budget(self, options: CommonOptions) -> KustomerBudget:
        return KustomerBudget(
            self.clock,
            share=options.rate_limit_share,
            max_per_minute=options.max_requests_per_minute,
            searches_per_minute=self.settings.search_requests_per_minute,
            log=self.output.log,
        )

    def build_streams(self, client: HttpClient) -> Sequence[KitStream]:
        """Every stream; those of klasses are left out, with a warning, where the key may not list klasses."""
        built = [*streams.build(client, self.settings), *streams.record_ids(client, self.settings)]
        try:
            return [*built, *streams.klass_streams(client, self.settings)]
        except StreamUnavailable as unavailable:
            self.output.log("WARN", f"There are no streams per klass: {unavailable.message}")
            return built

    def streams_for(self, client: HttpClient, names: Sequence[str]) -> Sequence[KitStream]:
        """Klasses are asked for only where one of their streams is read; if that fails, it is those streams that do. A
        klass that is not listed is looked for once more."""
        built = streams.build(client, self.settings)
        if RECORD_IDS in names:
            built += streams.record_ids(client, self.settings)
        wanted = {name for name in names if name.startswith(streams.KLASS_STREAM)}
        found: dict[str, KitStream] = {}
        try:
            for _ in range(2):
                if wanted - found.keys():
                    found |= {stream.name: stream for stream in streams.klass_streams(client, self.settings)}
        except Denied:
            raise
        except SourceError as failure:
            others = sorted(wanted - found.keys())
            found |= {name: streams.UnlistedKlass(client, self.settings, name, failure) for name in others}
        return [*built, *found.values()]

    def probe(self, client: HttpClient) -> None:
        client.send(replace(WHO_AM_I, accepts=is_somebody))


SOURCE = SourceKustomer
