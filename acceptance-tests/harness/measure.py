"""One command, measured by the kernel: user and system CPU, wall time and peak memory of the child alone."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000


class CommandFailed(RuntimeError):
    """The measured command ended with another exit code than 0."""


@dataclass(frozen=True)
class Measurement:
    """Seconds and bytes of one run, or the medians of several."""

    user: float
    system: float
    wall: float
    peak_bytes: float

    @property
    def cpu(self) -> float:
        return self.user + self.system

    @property
    def peak_megabytes(self) -> float:
        return self.peak_bytes / MEGABYTE

    def net_of(self, start_up: Measurement) -> Measurement:
        """What the work itself cost; memory is not netted, since it is not spent."""
        return Measurement(
            user=self.user - start_up.user,
            system=self.system - start_up.system,
            wall=self.wall - start_up.wall,
            peak_bytes=self.peak_bytes,
        )


# The kernel counts the memory of a child from before its exec, when it is still a copy of its parent. So the command is
# started by a small process of its own, which reports what wait4 says.
LAUNCHER = """
import os, sys, time
report, sink, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
started = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, sink, 1)])
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - started
figures = (os.waitstatus_to_exitcode(status), usage.ru_utime, usage.ru_stime, wall, usage.ru_maxrss * 1024)
os.write(report, repr(list(figures)).encode())
"""


def measure(command: Sequence[str | Path], output: Path, environment: dict[str, str] | None = None) -> Measurement:
    """Runs `command` with stdout into the file `output`; raises CommandFailed with the end of that file."""
    readable, writable = os.pipe()
    with output.open("wb") as sink:
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(writable), str(sink.fileno()), *map(str, command)]
        subprocess.run(
            launcher,
            check=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=(writable, sink.fileno()),
        )
    os.close(writable)
    with os.fdopen(readable) as report:
        exit_code, user, system, wall, peak_bytes = json.loads(report.read())
    if exit_code != 0:
        with output.open("rb") as source:
            source.seek(max(0, output.stat().st_size - 2000))
            raise CommandFailed(f"exit {exit_code}: {source.read().decode(errors='replace')}")
    return Measurement(user, system, wall, peak_bytes)


def median(runs: Iterable[Measurement]) -> Measurement:
    """The median of each figure, each on its own."""
    listed = list(runs)
    return Measurement(
        user=statistics.median(run.user for run in listed),
        system=statistics.median(run.system for run in listed),
        wall=statistics.median(run.wall for run in listed),
        peak_bytes=statistics.median(run.peak_bytes for run in listed),
    )
