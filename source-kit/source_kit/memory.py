"""Settings of the process that keep its memory flat over long reads."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

M_ARENA_MAX = -8  # malloc.h of glibc
M_MMAP_THRESHOLD = -3
ARENAS = 2
# Pages are larger: they get memory of their own, which goes back at once.
LARGE_BYTES = 64 * 1024
# Values of records may be nested deeper than Python's usual thousand.
NESTING = 5000


def settle() -> None:
    """Call once before threads start.

    glibc gives each thread an arena of its own; pages of 200 kB that one thread parses and another frees leave them
    ragged (400,000 leads: 108 MB, with two arenas 90 MB). Records are trees without cycles: looking for some costs a
    tenth of the time.
    """
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, ARENAS)
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), NESTING))
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
