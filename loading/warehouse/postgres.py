"""A PostgreSQL server of one's own: empty, on a free port of the loopback address, gone when it is no longer needed."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.pyairbyte import LoadingError

MISSING = "no PostgreSQL server is installed: `apt-get install postgresql`, or put `initdb` and `postgres` on PATH"
START_SECONDS = 30
USER = DATABASE = "postgres"
# A locale that every machine has; a password, since others may reach the port; no waiting for the disk.
INITDB = ("--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
# No socket in a shared folder, and again no waiting: the data need not survive.
SERVE = ("-k", "", "-F")
# Where this process is killed, the server ends too.
GUARD = ("setpriv", "--pdeathsig", "INT") if shutil.which("setpriv") else ()


@dataclass(frozen=True)
class Server:
    """Where it answers."""

    port: int
    password: str
    host: str = "127.0.0.1"

    def connect(self, **options: Any) -> Any:
        """A connection (psycopg) that commits every statement."""
        import psycopg

        where = {"host": self.host, "port": self.port, "dbname": DATABASE, "user": USER, "password": self.password}
        return psycopg.connect(**where, autocommit=True, **options)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server with an empty database, in a folder of its own. Raises `LoadingError` where there can be none."""
    initdb, postgres = program("initdb"), program("postgres")
    server = Server(_free_port(), secrets.token_hex(16))
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder, settings = Path(name), _settings(Path(name))
        (folder / "password").write_text(server.password)
        os.chown(folder / "password", folder.stat().st_uid, -1)
        create = (initdb, "--pgdata", "data", "--pwfile", "password", *INITDB)
        done = subprocess.run(create, capture_output=True, text=True, check=False, **settings)
        if done.returncode:
            raise LoadingError(f"initdb failed: {done.stderr.strip()}")
        serve = (*GUARD, postgres, "-D", "data", "-h", server.host, "-p", str(server.port), *SERVE)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(serve, stdout=log, stderr=log, **settings)
        try:
            _wait_for(server, process, folder / "log")
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # ends the connections and stops
            process.wait(START_SECONDS)


def program(name: str) -> str:
    """Where a program of the server is: Debian keeps them off PATH, by version."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = shutil.which(name) or (str(newest[-1]) if newest else "")
    if not found:
        raise LoadingError(MISSING)
    return found


def _settings(folder: Path) -> dict[str, Any]:
    """How to run the programs in `folder`: the server refuses to run as root, so root lends the folder to another."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            os.chown(folder, account.pw_uid, account.pw_gid)
            return {"cwd": folder, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise LoadingError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((Server.host, 0))
        return int(listener.getsockname()[1])


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(psycopg.OperationalError):
            server.connect().close()
            return
        time.sleep(0.1)
    raise LoadingError(f"PostgreSQL does not start: {log.read_text().strip()}")
