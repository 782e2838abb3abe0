"""An emulator as a subprocess, with its control API as methods."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import orjson

PACKAGES = Path(__file__).resolve().parent.parent
# A million records are made in half a minute.
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 5.0
# orjson makes floats of integers beyond 64 bits.
LONG_NUMBER = re.compile(rb"\d{19}")

_opener = build_opener(ProxyHandler({}))


class EmulatorError(RuntimeError):
    """The emulator did not start, or refused a control request."""


class Emulator:
    """A running emulator. Ends with the block, with `stop()`, or with the process that started it."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any]) -> None:
        self._process = process
        self.ready = ready
        """Everything the ready line says."""
        self.url: str = ready["url"]
        self.api_url: str = ready["api_url"]
        self.config: dict[str, Any] = ready["config"]
        self.pid: int = ready["pid"]

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; harmless if it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        _close_pipes(self._process)

    def truth(self, stream: str, *, all_fields: bool = False) -> list[dict[str, Any]]:
        """The records that a complete read of `stream` emits; `all_fields`: with those that must be named."""
        lines = self.truth_lines(stream, all_fields=all_fields)
        return [json.loads(line) if LONG_NUMBER.search(line) else orjson.loads(line) for line in lines]

    def truth_lines(self, stream: str, *, all_fields: bool = False) -> list[bytes]:
        """The same, one JSON text a record."""
        return self._call("GET", f"truth/{stream}" + ("?fields=all" if all_fields else "")).split(b"\n")[:-1]

    def truth_counts(self) -> dict[str, int]:
        """The number of records per stream."""
        return self._json("GET", "truth")

    def touch(
        self, stream: str, *, update: int = 0, create: int = 0, delete: int = 0, ago_seconds: float = 0.0
    ) -> dict[str, list[str]]:
        """Change records now, or as if so long ago; the ids under `updated`, `created` and `deleted`."""
        wish: dict[str, Any] = {"stream": stream, "update": update, "create": create, "delete": delete}
        return self._json("POST", "touch", wish | ({"ago_seconds": ago_seconds} if ago_seconds else {}))

    def options(self, **changes: Any) -> None:
        """Change options while it runs."""
        self._json("POST", "options", changes)

    def stats(self) -> dict[str, Any]:
        """What the vendor's side has seen since the start or the last reset."""
        return self._json("GET", "stats")

    def log(self) -> list[dict[str, Any]]:
        """Every request, where option `keep_log` is on."""
        return orjson.loads(self._call("GET", "log"))  # type: ignore[no-any-return] # orjson returns Any

    def reset_stats(self) -> None:
        """Forget statistics, violations and log."""
        self._json("POST", "stats/reset", {})

    def cpu_seconds(self) -> float:
        """Processor time, user and system, that the emulator has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _json(self, method: str, name: str, body: object | None = None) -> dict[str, Any]:
        return orjson.loads(self._call(method, name, body))  # type: ignore[no-any-return] # orjson returns Any

    def _call(self, method: str, name: str, body: object | None = None) -> bytes:
        data = None if body is None else orjson.dumps(body)
        request = Request(f"{self.url}/__emulator__/{name}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with _opener.open(request, timeout=120) as response:
                answer: bytes = response.read()
                return answer
        except HTTPError as error:
            raise EmulatorError(f"{method} {name}: {error.code} {error.read().decode()}") from error


def start(name: str, **options: Any) -> Emulator:
    """Run the emulator `name` with these options; returns when it is ready."""
    command = [sys.executable, "-B", "-m", "emulators", name, "--until-stdin-closes"]
    for option, value in options.items():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        command.append(f"--{option.replace('_', '-')}={text}")
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    return Emulator(process, _read_ready_line(process))


def _read_ready_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    line = b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 65536) if readable else b""
        if not piece:
            process.kill()
            process.wait()
            _close_pipes(process)
            raise EmulatorError("The emulator did not start; its messages are on standard error.")
        line += piece
    return orjson.loads(line)  # type: ignore[no-any-return] # orjson returns Any


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
