"""The source: configuration, authentication, budgets and streams of Kustomer put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import requests

from source_kit.connection import Connection
from source_kit.errors import SourceError, StreamUnavailable
from source_kit.oauth import Auth, bearer
from source_kit.record_ids import NAME as RECORD_IDS
from source_kit.rules import Denied
from source_kit.source import KitSource
from source_kit.stream import KitStream
from source_kustomer import config, streams
from source_kustomer.budget import KustomerBudget
from source_kustomer.config import Settings
from source_kustomer.errors import RULES, WHO_AM_I, ReadOnlyClient, is_somebody
from source_kustomer.foreign import FOREIGN_RULES


class KustomerConnection(Connection[Settings]):
    """One organisation of Kustomer."""

    rules = RULES
    foreign_rules = FOREIGN_RULES
    client_class = ReadOnlyClient

    def authentication(self, session: requests.Session) -> Auth:
        return bearer(self.settings.api_key)

    def budget(self) -> KustomerBudget:
        return KustomerBudget(
            self.clock,
            share=self.options.rate_limit_share,
            max_per_minute=self.options.max_requests_per_minute,
            searches_per_minute=self.settings.search_requests_per_minute,
            log=self.output.log,
        )

    def streams(self) -> Sequence[KitStream]:
        """Every stream; those of klasses are left out, with a warning, where the key may not list klasses."""
        built = [*streams.build(self.client, self.settings), *streams.record_ids(self.client, self.settings)]
        try:
            return [*built, *streams.klass_streams(self.client, self.settings)]
        except StreamUnavailable as unavailable:
            self.output.log("WARN", f"There are no streams per klass: {unavailable.message}")
            return built

    def streams_for(self, names: Sequence[str]) -> Sequence[KitStream]:
        """Klasses are asked for only where one of their streams is read; if that fails, it is those streams that do. A
        klass that is not listed is looked for once more."""
        built = streams.build(self.client, self.settings)
        if RECORD_IDS in names:
            built += streams.record_ids(self.client, self.settings)
        wanted = {name for name in names if name.startswith(streams.KLASS_STREAM)}
        found: dict[str, KitStream] = {}
        try:
            for _ in range(2):
                if wanted - found.keys():
                    found |= {stream.name: stream for stream in streams.klass_streams(self.client, self.settings)}
        except Denied:
            raise
        except SourceError as failure:
            others = sorted(wanted - found.keys())
            found |= {name: streams.UnlistedKlass(self.client, self.settings, name, failure) for name in others}
        return [*built, *found.values()]

    def probe(self) -> None:
        self.client.send(replace(WHO_AM_I, accepts=is_somebody))


class SourceKustomer(KitSource):
    """Reads Kustomer; never writes."""

    name = "source-kustomer"
    connection = KustomerConnection
    parse = staticmethod(config.parse)


SOURCE = SourceKustomer
