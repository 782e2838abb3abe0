"""Runs a console script whose waits pass many times faster: `python hurried.py FACTOR SCRIPT ARGUMENTS...`.

Ten attempts at a request that keeps failing take two minutes; under a mutation that lasts they must not. Monotonic time
runs faster and waits are shorter by the same factor; the wall clock, sockets and everything else stay as they are.
"""

from __future__ import annotations

import runpy
import sys
import threading
import time
from typing import SupportsFloat


def hurry(factor: float) -> None:
    """Speed up monotonic time, sleeps and waits of this process."""
    monotonic, sleep, wait = time.monotonic, time.sleep, threading.Condition.wait
    began = monotonic()

    def faster() -> float:
        return began + (monotonic() - began) * factor

    def shorter_sleep(seconds: SupportsFloat) -> None:
        sleep(float(seconds) / factor)

    def shorter_wait(self: threading.Condition, timeout: float | None = None) -> bool:
        return wait(self, None if timeout is None else timeout / factor)

    time.monotonic = faster
    time.sleep = shorter_sleep  # type: ignore[assignment] # takes more than the original declares
    threading.Condition.wait = shorter_wait  # type: ignore[method-assign] # the purpose
    threading._time = faster  # type: ignore[attr-defined] # what Condition.wait_for reads


if __name__ == "__main__":
    # The folder of this file holds modules of other names than the script expects.
    sys.path.pop(0)
    hurry(float(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
