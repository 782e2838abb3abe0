"""A connector as a console script: its commands, the messages they answer, and the config that they change."""

from __future__ import annotations

import json
import logging
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Message = dict[str, Any]
Messages = Generator[Message, None, None]
Config = dict[str, Any]

log = logging.getLogger(__name__)
LEVELS = {"FATAL": logging.CRITICAL, "ERROR": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO}


class ConnectorError(RuntimeError):
    """A command failed, with what the connector said. `final`: only another config or permission can help."""

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


@dataclass
class Connector:
    """The console script on PATH (or its path) and an account's config.

    The config goes through a pipe and never lies on a disk. `overlay` replaces parts of it for these commands only.
    `keep` gets every new config, with rotated tokens, as soon as the connector tells it: before the connector goes on
    for long, and whatever becomes of the read afterwards.
    """

    script: str
    config: Config
    keep: Callable[[Config], None]
    overlay: Config = field(default_factory=dict)

    def options(self) -> frozenset[str]:
        """The keys that a config may have."""
        (spec,) = [message["spec"] for message in self._messages("spec") if message["type"] == "SPEC"]
        return frozenset(spec["connectionSpecification"]["properties"])

    def streams(self) -> list[Message]:
        """The catalog of the account."""
        found = self._messages("discover", "--config", "/dev/stdin")
        return [stream for message in found if message["type"] == "CATALOG" for stream in message["catalog"]["streams"]]

    def read(self, streams: Iterable[Mapping[str, Any]], states: Iterable[Message]) -> Messages:
        """The messages of a read of these streams (as `plan.summary` has them) from these states on.

        Raises `ConnectorError` after the last one where a stream failed; the others are complete all the same.
        """
        with tempfile.TemporaryDirectory() as folder:
            catalog, state = Path(folder, "catalog.json"), Path(folder, "state.json")
            catalog.write_text(json.dumps({"streams": [_configured(stream) for stream in streams]}))
            state.write_text(json.dumps(list(states)))
            yield from self._messages("read", "--config", "/dev/stdin", "--catalog", catalog, "--state", state)

    def _messages(self, *arguments: str | Path) -> Messages:
        errors: list[Message] = []
        with subprocess.Popen([self.script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if "--config" in arguments:
                process.stdin.write(json.dumps(self.config | self.overlay).encode())
            process.stdin.close()
            try:
                for line in process.stdout:
                    message = json.loads(line)
                    match message:
                        case {"type": "CONTROL", "control": {"connectorConfig": {"config": changed}}}:
                            self._keep(changed)
                        case {"type": "LOG", "log": {"level": level, "message": text}}:
                            log.log(LEVELS.get(level, logging.DEBUG), "%s", text)
                        case {"type": "TRACE", "trace": {"type": "ERROR", "error": error}}:
                            errors.append(error)
                    yield message
            except BaseException:
                # Nobody reads on: the connector ends within seconds, even if it waits for a rate limit.
                process.terminate()
                raise
        if process.returncode:
            told = " ".join(error["message"] for error in errors) or f"exit code {process.returncode}"
            final = bool(errors) and all(error.get("failure_type") == "config_error" for error in errors)
            raise ConnectorError(f"{Path(self.script).name} {arguments[0]}: {told}", final=final)

    def _keep(self, changed: Config) -> None:
        own = {name: self.config[name] for name in self.overlay if name in self.config}
        self.config = {name: value for name, value in changed.items() if name not in self.overlay} | own
        self.keep(self.config)


def _configured(stream: Mapping[str, Any]) -> Message:
    """The stream in its best mode: incremental where it can."""
    modes = ["full_refresh", "incremental"] if stream["incremental"] else ["full_refresh"]
    return {
        "stream": {
            "name": stream["name"],
            "json_schema": {"properties": {name: {} for name in stream["columns"]}},
            "supported_sync_modes": modes,
        },
        "sync_mode": modes[-1],
        "destination_sync_mode": "append_dedup" if stream["incremental"] else "overwrite",
        "cursor_field": stream["cursor"],
        "primary_key": stream["key"],
    }
