"""Connections whose far ends a test holds."""

from __future__ import annotations

import socket
from typing import Self


class Pairs:
    """Pairs of sockets, by number; what is sent into the far end of one can be read at its near one."""

    def __init__(self, number: int) -> None:
        self._pairs = [socket.socketpair() for _ in range(number)]

    def near(self, number: int) -> socket.socket:
        """The end that a connector would have."""
        return self._pairs[number][0]

    def answer(self, number: int) -> None:
        """Send one byte, as a vendor would."""
        self._pairs[number][1].send(b"x")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        for pair in self._pairs:
            for each in pair:
                each.close()
