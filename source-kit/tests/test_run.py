"""The console entry point: arguments, `spec` without the CDK, and how every outcome of a command is told."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteCatalog, AirbyteConnectionStatus, AirbyteStream, Status, SyncMode

from source_kit import commands, run
from source_kit.clock import Clock
from source_kit.errors import ConfigError, ConnectorFault, TransientError
from source_kit.output import Output, OutputClosed

SPEC = {"connectionSpecification": {"properties": {"api_key": {"type": "string", "airbyte_secret": True}}}}
CATALOG = {"streams": [{"stream": {"name": "leads"}, "sync_mode": "full_refresh"}]}


class Source:
    """A connector that does what the test puts into it."""

    check_result: Any = AirbyteConnectionStatus(status=Status.SUCCEEDED)
    failure: Exception | None = None
    called: list[Any]

    def open(self, store: Any, output: Any, redactor: Any, patience: Any) -> Any:
        type(self).called = ["open", store.config, patience.attempts]
        return "connection"

    def proof(self, connection: Any) -> Any:
        self._fail()
        return self.check_result

    def catalog(self, connection: Any) -> Any:
        self._fail()
        return AirbyteCatalog([AirbyteStream("leads", {"type": "object"}, [SyncMode.full_refresh])])

    def sync(self, connection: Any, streams: Any, states: Any) -> int:
        self._fail()
        self.called.extend([[stream.name for stream in streams], states])
        return 7

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[Any]]]:
    """Runs a command against `Source`; gives the exit code and the messages."""
    module = ModuleType("source_unit.source")
    module.SOURCE = Source  # type: ignore[attr-defined]  # the attribute that the entry point looks for
    monkeypatch.setitem(sys.modules, "source_unit", ModuleType("source_unit"))
    monkeypatch.setitem(sys.modules, "source_unit.source", module)
    monkeypatch.setattr(commands, "route_logs", lambda output: None)

    def execute(command: str, failure: Exception | None = None, **files: Any) -> tuple[int, list[Any]]:
        monkeypatch.setattr(Source, "failure", failure)
        line = [command]
        for name, value in ({"config": {"api_key": "api_0123456"}} | files).items():
            (tmp_path / name).write_text(json.dumps(value))
            line += [f"--{name}", str(tmp_path / name)]
        written = bytearray()

        def sink(data: bytes) -> None:
            written.extend(data)

        code = commands.run("source_unit", run.parser("source-unit").parse_args(line), SPEC, Output(sink, Clock()))
        return code, [json.loads(each) for each in written.splitlines()]

    return execute


def test_a_good_check_is_one_status(execute: Any) -> None:
    assert execute("check") == (0, [{"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}}])
    assert Source.called == ["open", {"api_key": "api_0123456"}, 2]


def test_a_failed_check_keeps_secrets_out_of_the_status(execute: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    status = AirbyteConnectionStatus(status=Status.FAILED, message="no: api_0123456")
    monkeypatch.setattr(Source, "check_result", status)
    assert execute("check") == (
        0,
        [{"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": "no: ****"}}],
    )


def test_a_config_error_in_check_is_a_failed_status_and_exit_code_0(execute: Any) -> None:
    code, messages = execute("check", ConfigError("Wrong key.", internal_message="GET /me/: 401"))
    assert code == 0
    assert messages == [
        {"type": "LOG", "log": {"level": "INFO", "message": "GET /me/: 401"}},
        {"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": "Wrong key."}},
    ]


def test_trouble_of_the_network_in_check_is_a_failed_status(execute: Any) -> None:
    code, messages = execute("check", TransientError("Later."))
    assert (code, messages) == (
        0,
        [{"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": "Later."}}],
    )


def test_a_bug_in_check_is_a_trace_and_no_status(execute: Any) -> None:
    code, messages = execute("check", ConnectorFault("Bug."))
    assert code == 1
    assert [message["trace"]["error"]["failure_type"] for message in messages] == ["system_error"]


def test_a_catalog_leaves_out_what_is_null(execute: Any) -> None:
    stream = {"name": "leads", "json_schema": {"type": "object"}, "supported_sync_modes": ["full_refresh"]}
    code, messages = execute("discover")
    (message,) = messages
    assert (code, message["type"]) == (0, "CATALOG")
    assert message["catalog"]["streams"][0].items() >= stream.items()
    assert None not in message["catalog"]["streams"][0].values()


def test_a_read_gets_streams_and_the_states_of_these_streams(execute: Any) -> None:
    states = {name: {"__ab_full_refresh_sync_complete": True} for name in ("leads", "users")}
    assert execute("read", catalog=CATALOG, state=states) == (7, [])
    assert Source.called[3] == ["leads"]
    assert list(Source.called[4]) == ["leads"]


def test_a_config_error_in_read_is_a_trace_without_a_stack(execute: Any) -> None:
    code, messages = execute("read", ConfigError("Do this.", internal_message="api_0123456"), catalog=CATALOG)
    assert code == 1
    assert [message["trace"]["error"] for message in messages] == [
        {"message": "Do this.", "failure_type": "config_error", "internal_message": "****"}
    ]


def test_an_unexpected_error_tells_its_class_and_place_but_not_its_text(execute: Any) -> None:
    code, messages = execute("read", KeyError("the name of a customer"), catalog=CATALOG)
    (error,) = [message["trace"]["error"] for message in messages]
    assert code == 1
    assert error["failure_type"] == "system_error"
    assert error["message"].startswith("Something unexpected happened inside the connector (KeyError).")
    assert "in sync" in error["stack_trace"]
    assert "customer" not in json.dumps(messages)


def test_a_closed_pipe_is_a_quiet_failure(execute: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert execute("read", OutputClosed(), catalog=CATALOG) == (1, [])
    assert capfd.readouterr().err == ""


def test_logs_warnings_and_dying_threads_become_log_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    written = bytearray()

    def sink(data: bytes) -> None:
        written.extend(data)

    output = Output(sink, Clock())
    output.clean = lambda text: text.replace("secret", "****")
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(threading, "excepthook", None)
    monkeypatch.setattr(sys, "unraisablehook", None)
    with warnings.catch_warnings():
        commands.route_logs(output)
        logging.getLogger("urllib3").warning("a %s", "secret")
        logging.getLogger("urllib3").info("unheard")
        logging.getLogger("airbyte.x").info("heard")
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        logging.captureWarnings(False)
    logging.getLogger("airbyte").setLevel(logging.NOTSET)
    output.flush()
    logs = [json.loads(line)["log"] for line in written.splitlines()]
    assert logs[:2] == [{"level": "WARN", "message": "a ****"}, {"level": "INFO", "message": "heard"}]
    assert logs[2]["level"] == "ERROR"
    assert logs[2]["message"].startswith("A background task ended with ZeroDivisionError")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["check", "--config", "c"], {"command": "check", "config": "c", "debug": False}),
        (["discover", "--config=c", "--debug"], {"command": "discover", "config": "c", "debug": True}),
        (["read", "--config", "c", "--catalog", "g"], {"catalog": "g", "state": None}),
        (["read", "--state", "s", "--config", "c", "--catalog", "g"], {"state": "s"}),
        (["check", "--config", "c", "--manifest-path", "m", "--components-path", "p"], {"config": "c"}),
        (["spec", "--debug"], {"command": "spec"}),
    ],
)
def test_the_arguments_of_the_cdk_are_accepted(line: list[str], expected: dict[str, Any]) -> None:
    options = run.parser("source-unit").parse_args(line)
    assert isinstance(options, argparse.Namespace)
    assert vars(options).items() >= expected.items()


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main("source_unit", ["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: source-unit [-h] command ...")


def test_spec_is_answered_without_the_cdk_and_at_once(tmp_path: Path) -> None:
    package = tmp_path / "source_tiny"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "spec.yaml").write_text("documentationUrl: https://x.test/\nconnectionSpecification: {title: Größe}\n")
    code = (
        "import sys; from source_kit.run import main; code = main('source_tiny', ['spec']);"
        "names = ('airbyte_cdk', 'requests', 'orjson', 'logging', 'pendulum');"
        "heavy = [name for name in names if name in sys.modules];"
        "sys.exit(code or str(heavy) if heavy else code)"
    )
    began = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-B", "-c", code], capture_output=True, cwd=tmp_path, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert json.loads(result.stdout) == {
        "type": "SPEC",
        "spec": {"documentationUrl": "https://x.test/", "connectionSpecification": {"title": "Größe"}},
    }
    assert time.monotonic() - began < 5  # the exact bound is the acceptance suite's
