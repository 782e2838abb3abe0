"""PostgreSQL, Redis and the parts of Airflow as processes of one's own on the loopback address.

Each is known by the process that was started, and ends with the block that started it, or with the process that did.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import psutil

from warehouse.postgres import Server, running

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
START_SECONDS = 300
STOP_SECONDS = 30
# Where this process is killed, the services end too.
GUARD = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()
AIRFLOW = str(Path(sys.executable).with_name("airflow"))
METADATA, WAREHOUSE = "airflow", "warehouse"

_opener = build_opener(ProxyHandler({}))


class ServiceError(RuntimeError):
    """A service does not start, or answers with an error."""


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def wait_until(what: str, done: Callable[[], Any], seconds: float, pause: float = 0.5) -> Any:
    """The first true answer of `done`; raises `ServiceError` after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := done()):
        if time.monotonic() > end:
            raise ServiceError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)
    return answer


def family(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def kill_family(pid: int) -> int:
    """SIGKILL for a process and all that descend from it, as if their machine had gone; how many there were.

    They are stopped first, so that none of them can act on the end of another.
    """
    stopped: list[psutil.Process] = []
    while fresh := [process for process in family(pid) if process not in stopped]:
        for process in fresh:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        stopped += fresh
    for process in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return len(stopped)


class Services:
    """What runs. `environment` is that of every part of Airflow; logs are in `folder`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ""

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Starts a process under a name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*GUARD, *command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes[name] = process
        return process

    def airflow(self, *arguments: str) -> None:
        """Runs a command of Airflow to its end."""
        done = subprocess.run(
            [AIRFLOW, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        (self.folder / f"{'-'.join(arguments[:2])}.log").write_text(done.stdout)
        if done.returncode:
            raise ServiceError(f"airflow {' '.join(arguments)} failed:\n{done.stdout[-3000:]}")

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        """A Celery worker; its logs are files here, so it need not serve them."""
        options = ("--celery-hostname", f"{name}@%h", "--skip-serve-logs", "--without-gossip", "--without-mingle")
        return self.start(name, AIRFLOW, "celery", "worker", *options)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request to Airflow's REST API: `call("GET", "pools")`."""
        if not self._token:
            self._token = self._request("GET", "auth/token", None)["access_token"]
        return self._request(method, f"api/v2/{path}", body)

    def is_up(self) -> bool:
        """Whether the API server answers."""
        try:
            return bool(self._request("GET", "api/v2/version", None))
        except (URLError, OSError):
            return False

    def _request(self, method: str, path: str, body: Any) -> Any:
        port = self.environment["AIRFLOW__API__PORT"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://{HOST}:{port}/{path}", data, headers, method=method)
        with _opener.open(request, timeout=60) as response:
            return json.load(response)

    def usage(self) -> list[tuple[str, float, float]]:
        """Name, processor seconds so far and megabytes of each process that runs, with all that it started."""
        found = []
        for name, process in self.processes.items():
            seconds = size = 0.0
            for member in family(process.pid):
                with contextlib.suppress(psutil.NoSuchProcess):
                    # The last two are those of processes that have ended.
                    seconds += sum(member.cpu_times()[:4])
                    size += member.memory_full_info().pss / 1e6
            found.append((name, seconds, size))
        return found

    def stop(self) -> None:
        """Ends everything that runs, by its process id: Redis after those that talk to it."""
        redis, *others = self.processes.values()
        for together in (others, [redis]):
            members = [member for process in together for member in family(process.pid)]
            for process in together:
                process.send_signal(signal.SIGTERM)
            for process in together:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
            for member in members:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            for process in together:
                process.wait()


@contextlib.contextmanager
def services(folder: Path, accounts_file: Path) -> Iterator[Services]:
    """PostgreSQL, Redis and Airflow without workers, empty and ready, with logs in `folder`."""
    redis = shutil.which("redis-server")
    if redis is None:
        raise ServiceError("no Redis is installed: `apt-get install redis-server`")
    with running() as server, contextlib.ExitStack() as stack:
        for database in (METADATA, WAREHOUSE):
            with server.connect() as connection:
                connection.execute(f"CREATE DATABASE {database}")
        redis_port, password = free_port(), secrets.token_hex(16)
        environment = _environment(folder, accounts_file, server, f"redis://:{password}@{HOST}:{redis_port}/0")
        up = Services(folder, environment)
        stack.callback(up.stop)
        (settings := folder / "redis.conf").touch(0o600)
        settings.write_text(f'bind {HOST}\nport {redis_port}\nrequirepass {password}\nsave ""\nappendonly no\n')
        up.start("redis", redis, str(settings))
        up.airflow("db", "migrate")
        up.start("api-server", AIRFLOW, "api-server", "--host", HOST, "--port", environment["AIRFLOW__API__PORT"])
        up.start("scheduler", AIRFLOW, "scheduler")
        up.start("dag-processor", AIRFLOW, "dag-processor")
        wait_until("Airflow's API server", up.is_up, START_SECONDS)
        yield up


def _environment(folder: Path, accounts_file: Path, server: Server, broker: str) -> dict[str, str]:
    lines = (HERE / "airflow.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "AIRFLOW__"))}
    where = f"{server.host}:{server.port}"
    metadata = f"postgresql+psycopg2://postgres:{server.password}@{where}/{METADATA}"
    port = free_port()
    return {
        **own,
        **settings,
        "AIRFLOW_HOME": str(folder),
        "ACCOUNTS_FILE": str(accounts_file),
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{port}/execution/",
        # Whoever reaches the loopback address may do everything: for this run only.
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{metadata}",
        "AIRFLOW_CONN_WAREHOUSE": f"postgresql://postgres:{server.password}@{where}/{WAREHOUSE}",
    }
