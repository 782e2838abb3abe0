"""Runs a connector's commands as a console script or as a container, behind one interface.

A run has a folder of its own with `config.json`, `catalog.json` and `state.json`; the folder stays until the test
ends, so that a test can look at a config file which the connector has rewritten.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from harness.messages import Result

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CHUNK_BYTES = 65_536
# A run that hangs is killed, so that its test fails.
LIMIT_SECONDS = 120.0
# A connector must meet the emulator, not the developer's proxy, log level or pytest settings.
FOREIGN_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "LOG_LEVEL", "DEPLOYMENT_MODE", "PYTHONPATH")


class Process(ABC):
    """A connector at work. Read `chunks()`, then `finish()`; `terminate()` and `kill()` at any time."""

    def __init__(self, directory: Path, arguments: tuple[str, ...]) -> None:
        self.directory = directory
        self.arguments = arguments
        self.started_at = time.monotonic()
        self.output = bytearray()
        self._watchdog: threading.Timer | None = None

    def limit(self, seconds: float) -> None:
        """Kills the process if nobody has waited for its end by then."""
        self._watchdog = threading.Timer(seconds, self.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    @abstractmethod
    def read_chunk(self) -> bytes:
        """The next piece of stdout; empty at its end."""

    @abstractmethod
    def terminate(self) -> None:
        """SIGTERM, as `docker stop` and Kubernetes send it."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL: no chance to say anything more."""

    @abstractmethod
    def wait(self) -> int:
        """The exit code; 128 + n (or -n) when a signal ended it."""

    @abstractmethod
    def stderr_text(self) -> str:
        """All of stderr; call it after `wait()`."""

    def chunks(self) -> Iterator[bytes]:
        """Stdout as it comes. Whoever stops reading makes the connector wait (back-pressure)."""
        while chunk := self.read_chunk():
            self.output += chunk
            yield chunk

    def read_until(self, enough: Callable[[bytearray], bool]) -> bool:
        """Reads until `enough(output so far)`; False if the output ended before."""
        return any(enough(self.output) for _ in self.chunks())

    def finish(self) -> Result:
        """Reads what is left and collects the outcome."""
        for _ in self.chunks():
            pass
        exit_code = self.wait()
        if self._watchdog is not None:
            self._watchdog.cancel()
        *lines, tail = bytes(self.output).split(b"\n")
        return Result(
            exit_code=exit_code,
            lines=lines,
            tail=tail,
            stderr=self.stderr_text(),
            seconds=time.monotonic() - self.started_at,
            directory=self.directory,
            arguments=self.arguments,
        )


class Runner(ABC):
    """How a connector is run. One instance serves any number of runs, also at the same time."""

    kind: str

    def __init__(self, work_directory: Path, limit_seconds: float = LIMIT_SECONDS) -> None:
        self.work_directory = work_directory
        self.limit_seconds = limit_seconds
        self._numbers = itertools.count()

    @abstractmethod
    def launch(self, directory: Path, arguments: tuple[str, ...]) -> Process:
        """Starts the command; file names in `arguments` are relative to `directory`."""

    def new_directory(self, files: Mapping[str, bytes] = MappingProxyType({})) -> Path:
        """A folder of a run's own, with these files."""
        directory = self.work_directory / f"run{next(self._numbers)}"
        directory.mkdir(parents=True)
        for name, content in files.items():
            (directory / name).write_bytes(content)
        return directory

    def start(
        self, command: str, config: Any = None, catalog: Any = None, state: Any = None, extra: tuple[str, ...] = ()
    ) -> Process:
        """Starts `command` with these values written to files; a value of None leaves the option away."""
        values = {"config": config, "catalog": catalog, "state": state}
        given = {name: orjson.dumps(value) for name, value in values.items() if value is not None}
        options = [part for name in given for part in (f"--{name}", f"{name}.json")]
        directory = self.new_directory({f"{name}.json": content for name, content in given.items()})
        return self.begin(directory, (command, *options, *extra))

    def run(
        self, command: str, config: Any = None, catalog: Any = None, state: Any = None, extra: tuple[str, ...] = ()
    ) -> Result:
        return self.start(command, config, catalog, state, extra).finish()

    def run_in(self, directory: Path, arguments: tuple[str, ...]) -> Result:
        """Runs any command line over the files of a `new_directory`, however wrong they are."""
        return self.begin(directory, arguments).finish()

    def begin(self, directory: Path, arguments: tuple[str, ...]) -> Process:
        """As `launch`, with the runner's limit."""
        process = self.launch(directory, arguments)
        process.limit(self.limit_seconds)
        return process


class ScriptProcess(Process):
    """A console script as a child process."""

    def __init__(self, directory: Path, arguments: tuple[str, ...], script: Path) -> None:
        super().__init__(directory, arguments)
        foreign = {name.lower() for name in FOREIGN_VARIABLES}
        self._child = subprocess.Popen(
            [script, *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={name: value for name, value in os.environ.items() if name.lower() not in foreign},
        )
        self._stderr = bytearray()
        self._stderr_reader = threading.Thread(target=self._drain_stderr, daemon=True)
        self._stderr_reader.start()

    def _drain_stderr(self) -> None:
        assert self._child.stderr is not None
        while chunk := self._child.stderr.read(CHUNK_BYTES):
            self._stderr += chunk

    def read_chunk(self) -> bytes:
        assert self._child.stdout is not None
        return b"" if self._child.stdout.closed else self._child.stdout.read(CHUNK_BYTES)

    def close_stdout(self) -> None:
        """Goes away as `| head` does: the connector's next write meets a broken pipe."""
        assert self._child.stdout is not None
        self._child.stdout.close()

    def terminate(self) -> None:
        self._child.terminate()

    def kill(self) -> None:
        self._child.kill()

    def wait(self) -> int:
        if self._child.returncode is None:
            self._child.wait()
        return self._child.returncode

    def stderr_text(self) -> str:
        self._stderr_reader.join(10)
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._child.stdout.close()
        self._child.stderr.close()
        return self._stderr.decode(errors="replace")


class ScriptRunner(Runner):
    """Runs the installed console script."""

    kind = "script"

    def __init__(self, work_directory: Path, script: str, limit_seconds: float = LIMIT_SECONDS) -> None:
        super().__init__(work_directory, limit_seconds)
        self.script = find_script(script)

    def launch(self, directory: Path, arguments: tuple[str, ...]) -> ScriptProcess:
        return ScriptProcess(directory, arguments, self.script)


def find_script(name: str) -> Path:
    """The console script beside this interpreter, in the project's `.venv`, or on PATH, in this order."""
    for folder in (Path(sys.executable).parent, PROJECT_ROOT / ".venv" / "bin"):
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"no console script {name}: run `make install` first")
    return Path(found)
