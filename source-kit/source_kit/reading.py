"""One read: the configured streams of a connection, from their states, through the engine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from source_kit import memory, protocol
from source_kit.catalog_input import ConfiguredStream
from source_kit.connection import Connection
from source_kit.engine import TERMINATED_EXIT_CODE, Engine, Terminated, begin_termination
from source_kit.errors import SourceError
from source_kit.foreign_state import adopt
from source_kit.lookback import TIME_KEYS
from source_kit.output import Output, OutputClosed
from source_kit.running import StreamRun, start_order
from source_kit.state import EVENTS_UNTIL_KEY, StateLedger
from source_kit.state_input import StreamState, with_usual_times
from source_kit.stream import KitStream


def read(
    connection: Connection[Any], streams: Sequence[ConfiguredStream], states: Mapping[str, StreamState], name: str
) -> int:
    """Read the configured streams, writing every message; the exit code. Ends soon after SIGTERM. `name` is the
    source's, for errors."""
    memory.settle()
    output = connection.output
    try:
        runs, missing = _runs(connection, streams, states)
    except SourceError:
        for stream in streams:
            _end_unread(output, stream)
        raise
    engine = Engine(runs, connection.client, output, connection.clock, connection.options.num_workers)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, frame: begin_termination(engine))
    try:
        for stream in missing:
            _report_missing(output, stream, name)
        engine.run()
    except Terminated:
        return TERMINATED_EXIT_CODE
    finally:
        with suppress(OutputClosed):
            connection.after_sync()
            output.flush()
    return 1 if engine.failed or missing else 0


def _runs(
    connection: Connection[Any], streams: Sequence[ConfiguredStream], states: Mapping[str, StreamState]
) -> tuple[list[StreamRun], list[ConfiguredStream]]:
    """What to read, and what of the catalog there is not."""
    adopted, warnings = adopt(
        states, connection.foreign_rules, connection.options.trust_foreign_state, ignored=connection.ignored_states
    )
    for warning in warnings:
        connection.output.log("WARN", warning)
    known = {stream.name: stream for stream in connection.streams_for([configured.name for configured in streams])}
    runs = {}
    for configured in streams:
        stream = known.get(configured.name)
        if stream is None:
            continue
        stream.selected = configured.columns
        given = adopted[configured.name].value if configured.name in adopted else {}
        given = with_usual_times(stream.name, given, _cursor_keys(stream, given))
        runs[stream.name] = StreamRun(
            stream,
            StateLedger(stream.cursor_name, configured.sync_mode == "incremental", given),
            mode=configured.sync_mode,
            namespace=configured.namespace,
            worker_share=stream.worker_share,
        )
    missing = [configured for configured in streams if configured.name not in known]
    # In the source's own order, which lets streams that share a rate limit follow each other.
    return [runs[name] for name in start_order([known[name] for name in known if name in runs])], missing


def _cursor_keys(stream: KitStream, given: Mapping[str, Any]) -> list[str]:
    return [key for key in given if key in (stream.cursor_name, EVENTS_UNTIL_KEY, *TIME_KEYS)]


def _end_unread(output: Output, configured: ConfiguredStream) -> None:
    for status in ("STARTED", "INCOMPLETE"):
        output.message(protocol.stream_status(configured.name, configured.namespace, status, output.now_ms()))


def _report_missing(output: Output, configured: ConfiguredStream, name: str) -> None:
    _end_unread(output, configured)
    output.error(
        f"Stream {configured.name} of the catalog does not exist in {name}. Refresh the schema of the connection (or "
        "run discover) and remove or rename the stream.",
        "config_error",
        stream=protocol.descriptor(configured.name, configured.namespace),
    )
