"""Runs a connector's image as a strict platform does: uid 1000, read-only root file system, no capabilities."""

from __future__ import annotations

import os
import struct
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError
from docker.types import LogConfig

from harness.runner import LIMIT_SECONDS, Process, Runner

USER_ID = 1000
FRAME_HEADER = struct.Struct(">BxxxI")
STDERR_FRAME = 2
MEMORY_LIMIT = "512m"


class ImageProcess(Process):
    """A container whose output is read straight from the engine, unlogged, so that a slow reader slows it down."""

    def __init__(self, directory: Path, arguments: tuple[str, ...], container: Any) -> None:
        super().__init__(directory, arguments)
        self._container = container
        self._stderr = bytearray()
        self._exit_code: int | None = None
        self._signaller: threading.Thread | None = None
        # The raw socket belongs to a response object that must stay alive as long as it is read.
        self._attached = container.attach_socket(params={"stdout": 1, "stderr": 1, "stream": 1})
        container.start()

    def _read_exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            piece = self._attached.read(size - len(parts))
            if not piece:
                break
            parts += piece
        return bytes(parts)

    def read_chunk(self) -> bytes:
        while len(header := self._read_exactly(FRAME_HEADER.size)) == FRAME_HEADER.size:
            kind, size = FRAME_HEADER.unpack(header)
            content = self._read_exactly(size)
            if kind != STDERR_FRAME:
                return content
            self._stderr += content
        return b""

    def terminate(self) -> None:
        self._signal("SIGTERM")

    def kill(self) -> None:
        self._signal("SIGKILL")

    def _signal(self, name: str) -> None:
        """From a thread: the engine's answer to SIGKILL waits for somebody to read what the container has said."""
        signaller = threading.Thread(target=self._send, args=(name,))
        signaller.start()
        # Only now may another thread wait for its end.
        self._signaller = signaller

    def _send(self, name: str) -> None:
        try:
            self._container.kill(name)
        except APIError as error:
            has_ended = error.status_code == HTTPStatus.CONFLICT
            is_removed = error.status_code == HTTPStatus.NOT_FOUND and self._exit_code is not None
            if not (has_ended or is_removed):
                raise

    def wait(self) -> int:
        if self._exit_code is None:
            try:
                if self._signaller is not None:
                    self._signaller.join()
                self._exit_code = int(self._container.wait()["StatusCode"])
            finally:
                self._close()
                self._container.remove(force=True)
        return self._exit_code

    def _close(self) -> None:
        """Closes the connection too: the SDK hands out a file over a socket that its response keeps open."""
        connection, response = self._attached._sock, self._attached._response
        response.close()
        connection.close()

    def stderr_text(self) -> str:
        return self._stderr.decode(errors="replace")


class ImageRunner(Runner):
    """Runs `docker run --rm --user 1000 --read-only --cap-drop ALL --tmpfs /tmp -v FOLDER:/secrets IMAGE ...`."""

    kind = "image"

    def __init__(self, work_directory: Path, image: str, limit_seconds: float = LIMIT_SECONDS) -> None:
        super().__init__(work_directory, limit_seconds)
        self.image = image
        self._client = docker.from_env()

    def attributes(self) -> dict[str, Any]:
        """What `docker image inspect` says: labels, environment, entry point, size."""
        attributes: dict[str, Any] = self._client.images.get(self.image).attrs
        return attributes

    def launch(self, directory: Path, arguments: tuple[str, ...]) -> ImageProcess:
        for path in (directory, *directory.iterdir()):
            path.chmod(0o777 if path.is_dir() else 0o666)
            if os.geteuid() == 0:
                os.chown(path, USER_ID, USER_ID)
        mounted = tuple(f"/secrets/{part}" if (directory / part).exists() else part for part in arguments)
        container = self._client.containers.create(
            self.image,
            list(mounted),
            user=str(USER_ID),
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            tmpfs={"/tmp": ""},
            network_mode="host",  # the emulator listens on the loopback address only
            volumes={str(directory): {"bind": "/secrets", "mode": "rw"}},
            mem_limit=MEMORY_LIMIT,
            log_config=LogConfig(type="none"),
        )
        return ImageProcess(directory, arguments, container)
