"""`check`, `discover` and `read`: loads files and connector, and turns every outcome into messages and an exit code.

| outcome                     | check                     | discover, read           |
|-----------------------------|---------------------------|--------------------------|
| done                        | status SUCCEEDED, exit 0  | exit 0                   |
| the user must act           | status FAILED, exit 0     | TRACE config_error, 1    |
| vendor or network trouble   | status FAILED, exit 0     | TRACE transient_error, 1 |
| a bug                       | TRACE system_error, 1     | TRACE system_error, 1    |

Nothing goes to stderr: logs, warnings and errors of other threads become LOG messages with secrets masked.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_kit import input_files
from source_kit.catalog_input import ConfiguredStream, parse_catalog
from source_kit.clock import Clock
from source_kit.config_store import ConfigStore
from source_kit.output import Output, OutputClosed, file_descriptor_sink
from source_kit.redaction import Redactor, secret_values
from source_kit.state_input import StreamState, parse_state
from source_kit.transport import BRISK, PATIENT

if TYPE_CHECKING:  # the connector loads it, when there is something for it to do
    from source_kit.source import KitSource

LEVELS = {"CRITICAL": "FATAL", "WARNING": "WARN"}


def run(package: str, options: argparse.Namespace, spec: Mapping[str, Any], output: Output | None = None) -> int:
    """Run one command; returns the exit code. `output` is stdout unless given."""
    redactor = Redactor()
    output = output or Output(file_descriptor_sink(1), Clock())
    output.clean, output.debug = redactor.clean, options.debug
    route_logs(output)
    try:
        try:
            return _run(package, options, spec, output, redactor)
        except Exception as error:
            if isinstance(error, OutputClosed):
                raise
            return _report(error, options.command, output)
        finally:
            output.flush()
    except OutputClosed:  # nobody is left to tell
        return 1


def _run(package: str, options: argparse.Namespace, spec: Mapping[str, Any], output: Output, redactor: Redactor) -> int:
    config = input_files.read_config(options.config)
    redactor.add(*secret_values(spec, config))
    streams: list[ConfiguredStream] = []
    states: dict[str, StreamState] = {}
    if options.command == "read":
        streams = parse_catalog(input_files.read_catalog(options.catalog))
        configured = {stream.name for stream in streams}
        given = parse_state(input_files.read_state(options.state))
        states = {name: state for name, state in given.items() if name in configured}
    source: KitSource = import_module(f"{package}.source").SOURCE()
    patience = BRISK if options.command == "check" else PATIENT
    connection = source.open(ConfigStore(Path(options.config), config), output, redactor, patience)
    if options.command == "read":
        return source.sync(connection, streams, states)
    if options.command == "discover":
        output.message({"type": "CATALOG", "catalog": plain(source.catalog(connection))})
    else:
        _status(plain(source.proof(connection)), output)
    return 0


def plain(value: Any) -> Any:
    """A protocol object as JSON values, without the fields that are null (as the CDK writes it)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
        return {key: plain(inner) for key, inner in pairs if inner is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def _status(status: Mapping[str, Any], output: Output) -> None:
    """CONNECTION_STATUS with secrets masked."""
    content = dict(status)
    if content.get("message") is not None:
        content["message"] = output.clean(str(content["message"]))
    output.message({"type": "CONNECTION_STATUS", "connectionStatus": content}, flush=True)


def _report(error: Exception, command: str, output: Output) -> int:
    """Write what the error means for this command; returns the exit code."""
    if not isinstance(error, AirbyteTracedException):
        # The text of an unexpected exception may hold record data: its class and place must do.
        name = type(error).__name__
        output.error(
            f"Something unexpected happened inside the connector ({name}). Please report it with this message's trace.",
            FailureType.system_error.value,
            internal_message=name,
            stack_trace="".join(traceback.format_tb(error.__traceback__)) + name,
        )
        return 1
    if command == "check" and error.failure_type != FailureType.system_error:
        if error.internal_message:
            output.log("INFO", error.internal_message)
        _status({"status": "FAILED", "message": str(error)}, output)
        return 0
    is_fault = error.failure_type == FailureType.system_error
    output.error(
        str(error),
        error.failure_type.value,
        internal_message=error.internal_message,
        stack_trace="".join(traceback.format_tb(error.__traceback__)) + type(error).__name__ if is_fault else None,
    )
    return 1


class _LogHandler(logging.Handler):
    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._output.log(LEVELS.get(record.levelname, record.levelname), record.getMessage())
        except OutputClosed:
            pass  # the engine finds out by itself
        except Exception:
            self.handleError(record)


def route_logs(output: Output) -> None:
    """Send whatever would go to stderr through the output: the root logger, warnings, dying threads."""
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [_LogHandler(output)]
    root.setLevel(logging.WARNING)
    logging.getLogger("airbyte").setLevel(logging.DEBUG if output.debug else logging.INFO)
    logging.captureWarnings(True)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # deprecations of dependencies are for our tests, not for the user's log

    def dying(hook: Any) -> None:
        name = getattr(hook.exc_type, "__name__", "an error")
        output.log("ERROR", f"A background task ended with {name}: {''.join(traceback.format_tb(hook.exc_traceback))}")

    threading.excepthook = dying
    sys.unraisablehook = dying
