"""The base class of every source: an `AbstractSource` whose reads run on the engine.

A source has no config: each command opens a connection with the one that it is given. The console script opens it
itself (`open`); whoever uses the CDK's own entry point gets the same messages from `check`, `discover` and `read`.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import orjson
from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    Status,
)
from airbyte_cdk.sources.abstract_source import AbstractSource
from airbyte_cdk.sources.message import InMemoryMessageRepository, MessageRepository
from airbyte_cdk.sources.streams import Stream

from source_kit import in_process, reading
from source_kit.catalog_input import ConfiguredStream, parse_catalog
from source_kit.clock import Clock
from source_kit.config_store import ConfigStore
from source_kit.connection import Connection
from source_kit.errors import ConfigError, SourceError
from source_kit.output import Output, Sink
from source_kit.probes import prove
from source_kit.redaction import Redactor, secret_values
from source_kit.run import load_spec
from source_kit.state_input import StreamState, parse_state
from source_kit.surroundings import Surroundings
from source_kit.transport import BRISK, PATIENT, Patience


class KitSource(AbstractSource):
    """A source on the kit. Subclasses say how a config is read, and what a connection is."""

    name: ClassVar[str]
    connection: ClassVar[type[Connection[Any]]]

    def __init__(self) -> None:
        self.clock = Clock()
        self._repository = InMemoryMessageRepository()
        # The last config that came without the console script, as it was given, and where its renewed tokens are.
        self._kept: tuple[Mapping[str, Any], ConfigStore] | None = None

    @staticmethod
    @abstractmethod
    def parse(config: Mapping[str, Any]) -> tuple[Any, list[str]]:
        """The settings and warnings for the log. Raises `ConfigError` that names everything wrong with a config."""

    def open(
        self, store: ConfigStore, output: Output, redactor: Redactor, patience: Patience = PATIENT
    ) -> Connection[Any]:
        """A connection with the config of the store. Raises as `parse`."""
        settings, warnings = self.parse(store.config)
        for warning in warnings:
            output.log("WARN", warning)
        return self.connection(settings, Surroundings(output, redactor, store, self.clock), patience)

    # What a connection is opened for.

    def proof(self, connection: Connection[Any]) -> AirbyteConnectionStatus:
        """FAILED says in a sentence what to do, within 15 seconds; nothing is raised but bugs."""
        try:
            prove(connection)
        except SourceError as error:
            return _failed(error, connection.output, connection.redactor)
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def catalog(self, connection: Connection[Any]) -> AirbyteCatalog:
        """All streams of the account."""
        return AirbyteCatalog(streams=[stream.as_airbyte_stream() for stream in connection.streams()])

    def sync(
        self, connection: Connection[Any], streams: list[ConfiguredStream], states: Mapping[str, StreamState]
    ) -> int:
        """Read the configured streams, writing every message; the exit code."""
        return reading.read(connection, streams, states, self.name)

    # The CDK's way in.

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        """Check the config; raises `ConfigError` before the CDK validates it against the spec."""
        self.parse(config)
        return config

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        return list(self._opened(config).streams())

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """FAILED says in a sentence what to do."""
        try:
            connection = self._opened(config, patience=BRISK)
        except SourceError as error:
            redactor = self._redactor(config)
            return _failed(error, Output(self._queue_for_cdk, self.clock, redactor.clean), redactor)
        return self.proof(connection)

    def check_connection(self, logger: logging.Logger, config: Mapping[str, Any]) -> tuple[bool, Any | None]:
        """As `check`, but that it raises."""
        prove(self._opened(config, patience=BRISK))
        return True, None

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """The engine's messages, for callers that want objects. Whoever stops iterating ends the read."""
        streams = parse_catalog(orjson.loads(orjson.dumps(catalog)))
        states = parse_state([orjson.loads(orjson.dumps(in_process.plain(message))) for message in state or ()])

        def sync(sink: Sink) -> int:
            connection = self._opened(config, sink)
            code = self.sync(connection, streams, states)
            connection.output.flush()
            return code

        code: int | None = None
        for item in in_process.messages(sync):
            if isinstance(item, int):
                code = item
            else:
                yield item
        if code:
            raise ConfigError("Some streams failed; the errors above say why.")

    def _opened(
        self, config: Mapping[str, Any], sink: Sink | None = None, patience: Patience = PATIENT
    ) -> Connection[Any]:
        """A connection with a config that came without the console script, its secrets masked in what is written.

        The config that was given before, or that it has become, goes on with the tokens that were renewed since.
        """
        if self._kept is None or config not in (self._kept[0], self._kept[1].config):
            self._kept = (config, ConfigStore(None, config))
        redactor = self._redactor(config)
        output = Output(sink or self._queue_for_cdk, self.clock, redactor.clean)
        return self.open(self._kept[1], output, redactor, patience)

    def _redactor(self, config: Mapping[str, Any]) -> Redactor:
        return Redactor(secret_values(self.specification(), config))

    def specification(self) -> Mapping[str, Any]:
        """The spec file of the connector's package."""
        return load_spec(self.__module__.partition(".")[0])

    @property
    def message_repository(self) -> MessageRepository:
        """Logs and CONTROL messages on their way to the CDK's entry point."""
        return self._repository

    @property
    def raise_exception_on_missing_stream(self) -> bool:
        """A catalog with an unknown stream is an error, not a silent success."""
        return True

    def _queue_for_cdk(self, data: bytes) -> None:
        for message in in_process.parsed(data):
            self._repository.emit_message(message)


def _failed(error: SourceError, output: Output, redactor: Redactor) -> AirbyteConnectionStatus:
    if error.internal_message:
        output.log("INFO", error.internal_message)
    output.flush()
    return AirbyteConnectionStatus(status=Status.FAILED, message=redactor.clean(str(error.message)))
