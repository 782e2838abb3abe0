"""The base class of every source: an `AbstractSource` whose reads run on the engine.

The console script calls `prepare` and `sync`; whoever uses the CDK's own entry point gets the same messages
from `read`.
"""

from __future__ import annotations

import logging
import signal
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

import orjson
import requests
from airbyte_cdk.models import (
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    Status,
)
from airbyte_cdk.sources.abstract_source import AbstractSource
from airbyte_cdk.sources.message import InMemoryMessageRepository, MessageRepository
from airbyte_cdk.sources.streams import Stream

from source_kit import in_process, memory, protocol
from source_kit.budget import Budget
from source_kit.catalog_input import ConfiguredStream, parse_catalog
from source_kit.client import HttpClient
from source_kit.clock import Clock
from source_kit.config import CommonOptions
from source_kit.config_store import ConfigStore
from source_kit.engine import TERMINATED_EXIT_CODE, Engine, Terminated, begin_termination
from source_kit.errors import ConfigError, SourceError, TransientError
from source_kit.foreign_state import ForeignRule, adopt
from source_kit.lookback import TIME_KEYS
from source_kit.oauth import Auth
from source_kit.output import Output, OutputClosed, Sink
from source_kit.probes import unreadable, within
from source_kit.redaction import Redactor, secret_values
from source_kit.rules import Rule
from source_kit.run import load_spec
from source_kit.running import StreamRun, start_order
from source_kit.state import EVENTS_UNTIL_KEY, StateLedger
from source_kit.state_input import StreamState, parse_state, with_usual_times
from source_kit.stream import KitStream
from source_kit.transport import BRISK, MAX_ATTEMPTS, PATIENT, new_session

# For the proof of the credentials, then for a look at every stream: with its start, `check` stays within 15 s.
CHECK_SECONDS = 9.0
LEAST_PROBE_SECONDS = 3.0


class KitSource(AbstractSource):
    """A source on the kit. Subclasses say how the config is read, how to authenticate, and which streams there are."""

    rules: ClassVar[Sequence[Rule]] = ()
    foreign_rules: ClassVar[Sequence[ForeignRule]] = ()
    ignored_states: ClassVar[frozenset[str]] = frozenset()
    session_headers: ClassVar[Mapping[str, str]] = {}
    client_class: ClassVar[type[HttpClient]] = HttpClient
    max_attempts: ClassVar[int] = MAX_ATTEMPTS

    def __init__(self) -> None:
        self.clock = Clock()
        self._repository = InMemoryMessageRepository()
        self.output = Output(self._queue_for_cdk, self.clock)
        self.redactor = Redactor()
        self.store = ConfigStore(None, {})
        self.patience = PATIENT
        self._client: HttpClient | None = None
        # The config that was taken over, as it was given.
        self._given: Mapping[str, Any] | None = None

    # What a connector says about itself.

    @abstractmethod
    def parse(self, config: Mapping[str, Any]) -> tuple[CommonOptions, list[str]]:
        """Check the config, keep what the connector needs of it; the common options and warnings for the log."""

    @abstractmethod
    def authentication(self, session: requests.Session) -> Auth:
        """How requests prove who they are; `session` is for token requests."""

    @abstractmethod
    def budget(self, options: CommonOptions) -> Budget:
        """The rate limits as far as they are known before the first answer."""

    @abstractmethod
    def build_streams(self, client: HttpClient) -> Sequence[KitStream]:
        """Every stream, those that are discovered from the account included."""

    def streams_for(self, client: HttpClient, names: Sequence[str]) -> Sequence[KitStream]:
        """The streams that a read needs, `names` among them; a source may spare itself the discovery of others."""
        return self.build_streams(client)

    @abstractmethod
    def probe(self, client: HttpClient) -> None:
        """One cheap request that any valid credential may send; raises if the connection cannot work."""

    def after_sync(self) -> None:
        """What a source says at the end of a read, whether or not it went well; nothing, unless it has something."""

    # The console script's way in.

    def prepare(self, store: ConfigStore, output: Output, redactor: Redactor) -> None:
        """Take over the config; raises `ConfigError` that names everything wrong with it."""
        self.store, self.output, self.redactor = store, output, redactor
        self.patience, self._given = PATIENT, store.config
        self.options, warnings = self.parse(store.config)
        for warning in warnings:
            output.log("WARN", warning)
        self._client = None

    @property
    def client(self) -> HttpClient:
        """The one client of the source."""
        if self._client is None:
            options = self.options
            headers = {"User-Agent": options.user_agent, **self.session_headers}
            patience = replace(self.patience, attempts=min(self.patience.attempts, self.max_attempts))
            token_url = options.token_url or options.api_url
            session = new_session(token_url, headers, pool_size=1, patience=patience)
            budget = self.budget(options)
            budget.longest_wait = patience.longest_wait_seconds
            self._client = self.client_class(
                options.api_url,
                self.authentication(session),
                budget,
                self.clock,
                headers=headers,
                rules=self.rules,
                workers=options.num_workers,
                patience=patience,
                log=self.output.log,
            )
        return self._client

    def sync(self, streams: Sequence[ConfiguredStream], states: Mapping[str, StreamState]) -> int:
        """Read the configured streams, writing every message; the exit code. Ends soon after SIGTERM."""
        memory.settle()
        try:
            runs, missing = self._runs(streams, states)
        except SourceError:
            for stream in streams:
                self._end_unread(stream)
            raise
        engine = Engine(runs, self.client, self.output, self.clock, self.options.num_workers)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda number, frame: begin_termination(engine))
        try:
            for stream in missing:
                self._report_missing(stream)
            engine.run()
        except Terminated:
            return TERMINATED_EXIT_CODE
        finally:
            with suppress(OutputClosed):
                self.after_sync()
                self.output.flush()
        return 1 if engine.failed or missing else 0

    def _runs(
        self, streams: Sequence[ConfiguredStream], states: Mapping[str, StreamState]
    ) -> tuple[list[StreamRun], list[ConfiguredStream]]:
        adopted, warnings = adopt(
            states, self.foreign_rules, self.options.trust_foreign_state, ignored=self.ignored_states
        )
        for warning in warnings:
            self.output.log("WARN", warning)
        wanted = [configured.name for configured in streams]
        known = {stream.name: stream for stream in self.streams_for(self.client, wanted)}
        runs = {}
        for configured in streams:
            stream = known.get(configured.name)
            if stream is None:
                continue
            stream.selected = configured.columns
            given = adopted[configured.name].value if configured.name in adopted else {}
            given = with_usual_times(stream.name, given, _cursor_keys(stream, given))
            ledger = StateLedger(stream.cursor_name, configured.sync_mode == "incremental", given)
            runs[stream.name] = StreamRun(
                stream,
                ledger,
                mode=configured.sync_mode,
                namespace=configured.namespace,
                worker_share=stream.worker_share,
            )
        missing = [configured for configured in streams if configured.name not in known]
        # In the source's own order, which lets streams that share a rate limit follow each other.
        return [runs[name] for name in start_order([known[name] for name in known if name in runs])], missing

    def _end_unread(self, configured: ConfiguredStream) -> None:
        for status in ("STARTED", "INCOMPLETE"):
            now_ms = self.output.now_ms()
            self.output.message(protocol.stream_status(configured.name, configured.namespace, status, now_ms))

    def _report_missing(self, configured: ConfiguredStream) -> None:
        self._end_unread(configured)
        self.output.error(
            f"Stream {configured.name} of the catalog does not exist in {self.name}. Refresh the schema of the "
            "connection (or run discover) and remove or rename the stream.",
            "config_error",
            stream=protocol.descriptor(configured.name, configured.namespace),
        )

    # The CDK's way in.

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        """Check the config; raises `ConfigError` before the CDK validates it against the spec."""
        self._take(config, self._queue_for_cdk)
        return config

    def _take(self, config: Mapping[str, Any], sink: Sink) -> None:
        """Take over a config that came without the console script, with its secrets masked in what is written."""
        redactor = Redactor(secret_values(self.specification(), config))
        output = Output(sink, self.clock, redactor.clean)
        self.prepare(ConfigStore(None, config), output, redactor)

    def specification(self) -> Mapping[str, Any]:
        """The spec file of the connector's package."""
        return load_spec(self.__module__.partition(".")[0])

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        """All streams of the account."""
        return list(self._opened(config))

    def _opened(self, config: Mapping[str, Any]) -> Sequence[KitStream]:
        if config not in (self._given, self.store.config):  # the latter has the tokens that were renewed since
            self._take(config, self._queue_for_cdk)
        return self.build_streams(self.client)

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """FAILED says in a sentence what to do, within 15 seconds; nothing is raised but bugs."""
        try:
            self.check_connection(logger, config)
        except SourceError as error:
            if error.internal_message:
                self.output.log("INFO", error.internal_message)
            self.output.flush()
            return AirbyteConnectionStatus(status=Status.FAILED, message=self.redactor.clean(str(error.message)))
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def check_connection(self, logger: logging.Logger, config: Mapping[str, Any]) -> tuple[bool, Any | None]:
        """Prove the credentials, then name the streams that they cannot read; those are no failure."""
        if config not in (self._given, self.store.config):
            self._take(config, self._queue_for_cdk)
        self.patience, self._client = BRISK, None
        try:
            client, began = self.client, self.clock.monotonic()
            if not within(CHECK_SECONDS, lambda: self.probe(client)):
                raise TransientError(
                    f"The API did not prove the credentials within {CHECK_SECONDS:.0f} seconds. Try again in a minute."
                )
            left = max(LEAST_PROBE_SECONDS, CHECK_SECONDS - (self.clock.monotonic() - began))
            if not within(left, lambda: self._name_unreadable(client, left - 1.0)):
                self.output.log("WARN", "Which streams cannot be read was not found out in time; the sync shows it.")
        finally:
            self.patience, self._client = PATIENT, None
            self.output.flush()
        return True, None

    def _name_unreadable(self, client: HttpClient, seconds: float) -> None:
        for stream, problem in unreadable(self.build_streams(client), self.options.num_workers, seconds):
            is_told = problem.startswith(f"Stream {stream} ")
            self.output.log("WARN", problem if is_told else f"Stream {stream} cannot be read: {problem}")

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
            self._take(config, sink)
            code = self.sync(streams, states)
            self.output.flush()
            return code

        code: int | None = None
        try:
            for item in in_process.messages(sync):
                if isinstance(item, int):
                    code = item
                else:
                    yield item
        finally:
            self.output = Output(self._queue_for_cdk, self.clock, self.redactor.clean)
            self._client = None
        if code:
            raise ConfigError("Some streams failed; the errors above say why.")

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


def _cursor_keys(stream: KitStream, given: Mapping[str, Any]) -> list[str]:
    return [key for key in given if key in (stream.cursor_name, EVENTS_UNTIL_KEY, *TIME_KEYS)]
