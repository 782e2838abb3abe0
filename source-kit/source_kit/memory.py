"""Settings of the process that keep its memory flat over long reads."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

M_ARENA_MAX = -8  # malloc.h of glibc
M_MMAP_THRESHOLD = -3
M_TRIM_THRESHOLD = -1
# What is larger gets memory of its own, which goes back at once; so does what lies free at the end of the heap.
# Memory that comes back is zeroed page by page: 1.3 µs for 4 kB. orjson parses a text of more than 700 kB in twelve
# times its size, of which it touches a fifth: with the most that glibc allows, the same place serves texts of up to 2.7
# MB. With 4 MB, each page of 500 conversations (1 MB) cost 600 such faults, and 50,000 of them 5 % more processor time.
LARGE_BYTES = 32 * 1024 * 1024
# Values of records may be nested deeper than Python's usual thousand.
NESTING = 5000


def settle() -> None:
    """Call once before threads start.

    glibc gives each thread an arena of its own, which pages that one thread parses and another frees leave ragged. In
    one arena for all, the memory of a page is there for the next: 100,000 leads cost a tenth less processor time than
    with pages in memory of their own, and need no more memory. Records are trees without cycles: looking for some costs
    a tenth of the time, and a read leaves next to none.
    """
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, LARGE_BYTES)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), NESTING))
    gc.freeze()  # all that is there stays
    gc.set_threshold(1_000_000, 50, 100)


def give_back() -> None:
    """Give back what lies free between what is used, after much was read that nobody needs (5 ms)."""
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
