"""Loads a connector through PyAirbyte into one of its caches, as a script or as an image.

PyAirbyte (the package `airbyte`) reads its settings from the environment when it is imported, hence the imports inside
functions, after `settle`.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.connector import Connector
from harness.runner import find_script
from warehouse.summaries import StreamSummary, summaries_of

if TYPE_CHECKING:
    from airbyte import Source
    from airbyte.caches.base import CacheBase

SCRIPT, IMAGE = "script", "image"


class LoadingError(RuntimeError):
    """A load cannot begin; the message says what to do."""


def settle(folder: Path) -> None:
    """Keeps PyAirbyte off the network and inside `folder`. Call it once, before anything imports `airbyte`."""
    if "airbyte" in sys.modules:
        raise LoadingError("airbyte has been imported already: call settle() before")
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "AIRBYTE_OFFLINE_MODE": "1",
        "DO_NOT_TRACK": "1",
        "NO_LIVE_PROGRESS": "1",
        "AIRBYTE_LOGGING_ROOT": str(folder / "logs"),
        "AIRBYTE_PROJECT_DIR": str(folder / "project"),
        # With an image this folder, not all of the machine's temporary files, is shown to the container.
        "AIRBYTE_TEMP_DIR": str(folder / "temporary"),
    }
    with warnings.catch_warnings():
        # The Google clients, which PyAirbyte imports for BigQuery, announce the end of Python versions.
        warnings.simplefilter("ignore", FutureWarning)
        import airbyte  # noqa: F401  # under this roof, so that its warnings are heard here only


@dataclass(frozen=True)
class Load:
    """What one `Source.read` did: `records` as PyAirbyte counted them, `streams` as the connector's log has them."""

    seconds: float
    records: int
    streams: tuple[StreamSummary, ...]


@dataclass
class Loader:
    """Loads one account again and again, as a scheduled script does: every load makes a new `Source`.

    `config` follows what the connector reports with CONTROL (an OAuth grant whose refresh token rotates), which a
    script of one's own must keep as well.
    """

    connector: Connector
    config: dict[str, Any]
    cache: CacheBase
    logs: Path
    via: str = SCRIPT
    streams: tuple[str, ...] = ()
    _catalog: dict[str, dict[str, Any]] = field(default_factory=dict)

    def source(self) -> Source:
        """A source with the streams selected."""
        import airbyte

        # With an image, the emulator listens on the loopback address of this machine.
        where: dict[str, Any] = (
            {"docker_image": self.connector.image, "use_host_network": True}
            if self.via == IMAGE
            else {"local_executable": find_script(self.connector.script)}
        )
        source = airbyte.get_source(self.connector.script, self.config, **where)

        def keep(config: dict[str, Any]) -> None:
            self.config = config
            source.set_config(config, validate=False)

        source.config_change_callback = keep
        source.select_streams(list(self.streams) or "*")
        return source

    def load(self) -> Load:
        """Reads what is new since the state in the cache (all, at first) and merges it into the tables."""
        # What PyAirbyte prints of a schema it knows no column type for (a mixed type becomes text) is of no use here.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            older = set(self._logs())
            source = self.source()
            source.check()
            started = time.monotonic()
            result = source.read(cache=self.cache)
            seconds = time.monotonic() - started
            self._catalog = {stream.name: stream.model_dump() for stream in source.discovered_catalog.streams}
        self.cache.dispose_engine()  # DuckDB lets one connection at a time write
        (log,) = set(self._logs()) - older
        return Load(seconds, result.processed_records, tuple(summaries_of(log.read_text())))

    def _logs(self) -> Iterator[Path]:
        """PyAirbyte begins a file for every source, but may go on writing into those of earlier ones."""
        return self.logs.glob(f"{self.connector.script}/*.log")

    @property
    def catalog(self) -> dict[str, dict[str, Any]]:
        """Of every loaded stream what `discover` said: `json_schema`, `source_defined_primary_key`, after a load."""
        return {name: stream for name, stream in self._catalog.items() if not self.streams or name in self.streams}


def problem_with_image(image: str) -> str:
    """Why `image` cannot run here, with what to do about it; nothing if it can."""
    if shutil.which("docker") is None or _fails("docker", "version"):
        return "no Docker engine answers: start one, or load via script"
    if _fails("docker", "image", "inspect", image):
        return f"the engine has no image {image}: run `make images` first"
    return ""


def _fails(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode != 0
