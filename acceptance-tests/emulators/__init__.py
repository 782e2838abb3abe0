"""Faithful fakes of the vendors' APIs, served over real HTTP.

`start("close", leads=300)` runs one as a subprocess; `python -m emulators close --port 0` does the same by hand.
The package needs nothing but orjson, so that it starts quickly and leaves the processor to the process under test.
"""

from __future__ import annotations

from emulators.process import Emulator, start

__all__ = ["Emulator", "start"]
