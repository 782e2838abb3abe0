"""One long read, judged as it goes: how many records came, how many different ones, and what memory it took."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

RECORD = b'{"type":"RECORD"'
SAMPLE_RECORDS = 10_000


@dataclass(frozen=True)
class Soak:
    """The outcome. `megabytes` are samples of the resident memory, one each ten thousand records."""

    exit_code: int
    records: int
    different: int
    megabytes: list[float]

    @property
    def growth(self) -> float:
        """From the first tenth, when all buffers are in use, to the end."""
        first = max(self.megabytes[: max(1, len(self.megabytes) // 10)])
        return max(self.megabytes) - first


def soak(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> Soak:
    """Runs a `read` of one stream with ids; nothing of its output is kept."""
    records, seen, megabytes = 0, set[int](), list[float]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if RECORD not in line[:64]:
                continue
            records += 1
            seen.add(hash(orjson.loads(line)["record"]["data"]["id"]))
            if records % SAMPLE_RECORDS == 0:
                megabytes.append(_resident(child.pid))
    return Soak(child.returncode, records, len(seen), megabytes)


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
