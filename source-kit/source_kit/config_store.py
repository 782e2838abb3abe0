"""Holds the user's own config and writes rotated tokens back into it.

The platform learns of new tokens by a CONTROL message with the whole config; `docker run` and cron jobs have nobody
who reads that, so the file of --config is written too, where it may be.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import json
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ConfigPath = tuple[str, ...]

# The file itself may be written although it cannot be replaced: a file mounted into a container, a folder of root's.
_NO_REPLACE = frozenset({errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS})


class ConfigStore:
    """The config as the user gave it (unknown keys, aliases and all) plus the tokens that were renewed since."""

    def __init__(self, path: Path | None, raw: Mapping[str, Any]) -> None:
        self._path = path
        self._config: dict[str, Any] = copy.deepcopy(dict(raw))
        self._lock = threading.Lock()
        self._warned = False

    @property
    def config(self) -> dict[str, Any]:
        """A copy of the whole config."""
        with self._lock:
            return copy.deepcopy(self._config)

    def get(self, path: ConfigPath) -> Any:
        """The value at a path such as ("credentials", "refresh_token"); `None` if any part is absent."""
        with self._lock:
            value: Any = self._config
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            return value

    def update(self, values: Mapping[ConfigPath, Any]) -> dict[str, Any]:
        """Set values by path, making objects on the way; returns a copy of the whole config."""
        with self._lock:
            for path, value in values.items():
                target = self._config
                for key in path[:-1]:
                    inner = target.get(key)
                    if not isinstance(inner, dict):
                        inner = target[key] = {}
                    target = inner
                target[path[-1]] = value
            return copy.deepcopy(self._config)

    def reload(self, paths: Sequence[ConfigPath]) -> bool:
        """Take over the values at these paths from the file; whether the first of them is another one than before."""
        try:
            content = json.loads(self._path.read_text("utf-8")) if self._path is not None else None
        except (OSError, ValueError):
            return False
        read = ConfigStore(None, content) if isinstance(content, Mapping) else None
        if read is None or read.get(paths[0]) in (None, self.get(paths[0])):
            return False
        self.update({path: read.get(path) for path in paths})
        return True

    def save(self, spent: str = "the refresh token") -> str | None:
        """Write the config to its file. Returns a warning, once, if that is impossible; `spent` is what the file of
        before holds in vain."""
        with self._lock:
            if self._path is not None and self._write(self._path):
                return None
            if self._warned:
                return None
            self._warned = True
            return (
                "The config file cannot be written. Keep the config of the last CONTROL message for the next run:"
                f" {spent} in the present one is used up."
            )

    def _write(self, path: Path) -> bool:
        """Replace the file atomically, or write it in place where only that is allowed."""
        data = (json.dumps(self._config, indent=2, ensure_ascii=False) + "\n").encode()
        try:
            # A linked config (as Kubernetes mounts them) stays a link: its target is written.
            path = path.resolve(strict=True)
            if not os.access(path, os.W_OK):
                return False
            try:
                _replace(path, data)
            except OSError as error:
                if error.errno not in _NO_REPLACE:
                    raise
                _overwrite(path, data)
        except (OSError, RuntimeError):
            return False
        return True


def _replace(path: Path, data: bytes) -> None:
    """Put a new file in the place of the old one, with the same mode and, where allowed, the same owner."""
    status = path.stat()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            with contextlib.suppress(OSError):
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), status.st_mode & 0o7777)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _overwrite(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
