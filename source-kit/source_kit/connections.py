"""Connections of `urllib3` whose answers end in time, and whose heads are written and read with little work.

`requests` bounds the wait for the next byte only: a body, or a head, that drips a byte now and then never ends. Here
each answer has a deadline, checked whenever the socket is read (1 µs a read of up to a megabyte).
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from contextlib import suppress
from email.parser import Parser
from functools import lru_cache, partial
from types import FunctionType
from typing import Any, NamedTuple

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from source_kit import turn

BUFFER_BYTES = 64 * 1024
_USUAL_HEAD = re.compile(r"(?:[!-9;-~]+:[\t -~]*\r\n)*\r\n")


def pool_classes(answer_seconds: float) -> dict[str, Any]:
    """Connection pools of `urllib3` whose answers end after so many seconds."""
    response_class = partial(_Response, answer_seconds)

    class Plain(HTTPConnection):
        def connect(self) -> None:
            turn.leave()
            super().connect()

    class Encrypted(HTTPSConnection):
        def connect(self) -> None:
            turn.leave()
            super().connect()

    for connection in (Plain, Encrypted):
        connection.response_class = response_class  # type: ignore[assignment]  # called as the class would be
        connection.putheader = _put_header  # type: ignore[assignment]  # which has no place for self

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _put_header(connection: Any, header: str, *values: str) -> None:
    """As `urllib3`, which writes and checks each line anew: nearly all are the same for all requests."""
    for line in _head_lines(header, *values):
        connection._output(line)


@lru_cache(maxsize=64)
def _head_lines(header: str, *values: str) -> list[bytes]:
    """What `urllib3` writes for a header. Raises as it does for one that nobody may send."""
    connection = HTTPConnection("vendor.invalid")
    connection.putrequest("GET", "/", skip_host=True, skip_accept_encoding=True)
    written: list[bytes] = connection._buffer  # type: ignore[attr-defined]
    begun = len(written)
    connection.putheader(header, *values)
    return written[begun:]


def read_head(lines_of: Any) -> http.client.HTTPMessage:
    """The head of an answer, as `http.client.parse_headers` reads it; a usual one without the parser of e-mails, which
    takes 60 µs for it."""
    lines = http.client._read_headers(lines_of)  # type: ignore[attr-defined]  # bounds their size and number
    head = b"".join(lines).decode("iso-8859-1")
    if _USUAL_HEAD.fullmatch(head) is None:
        return Parser(_class=http.client.HTTPMessage).parsestr(head)
    message = http.client.HTTPMessage()
    for line in head.split("\r\n")[:-2]:
        name, _, value = line.partition(":")
        message.set_raw(name, value.lstrip(" \t"))
    return message


def prolong(response: requests.Response, seconds: float) -> None:
    """Give the rest of an answer so much more time: it was not the network that it waited for."""
    timed = getattr(getattr(getattr(response.raw, "_fp", None), "fp", None), "raw", None)
    if seconds and isinstance(timed, _Timed):
        timed.prolong(seconds)


class _Response(http.client.HTTPResponse):
    """An answer that is read until its deadline."""

    def __init__(self, answer_seconds: float, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(_File(sock, answer_seconds), *arguments, **options)  # type: ignore[arg-type]

    # The base's own code, which finds another function under the name of the one that reads heads.
    begin = FunctionType(
        http.client.HTTPResponse.begin.__code__, {**vars(http.client), "parse_headers": read_head}, "begin"
    )


class _File(NamedTuple):
    """A socket that is read until the deadline, as far as `http.client` knows sockets."""

    sock: socket.socket
    seconds: float

    def makefile(self, mode: str) -> io.BufferedReader:
        """What is read; most answers come with one look at the socket, or their first 64 kB."""
        return io.BufferedReader(_Timed(self.sock, self.seconds), BUFFER_BYTES)


class _Timed(io.RawIOBase):
    """The bytes of a socket, until the deadline."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._socket = sock
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + seconds
        self._is_begun = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As `SocketIO`; raises `TimeoutError` at the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        wait = self._socket.gettimeout()
        if wait is None or left < wait:
            self._socket.settimeout(left)
        if self._is_begun:
            turn.leave_for(self._socket)
            count: int | None = self._raw.readinto(buffer)
            return count
        self._is_begun = True
        return self._begin(buffer, left if wait is None else min(wait, left))

    def _begin(self, buffer: Any, seconds: float) -> int | None:
        """The first bytes; others have the turn until they are there. On a new connection, what can be read first may
        be no more than the tickets of TLS 1.3, a round trip or the work of a server before the answer."""
        until = time.monotonic() + seconds
        read = self._read_now if turn.is_joined() and hasattr(self._socket, "pending") else self._raw.readinto
        while turn.wait_for(self._socket, max(0.0, until - time.monotonic())):
            with suppress(ssl.SSLWantReadError):
                count: int | None = read(buffer)
                return count
        raise TimeoutError("timed out")

    def _read_now(self, buffer: Any) -> int | None:
        """What is there; raises `SSLWantReadError` if that is nothing for the reader."""
        wait = self._socket.gettimeout()
        self._socket.settimeout(0)
        try:
            count: int | None = self._raw.readinto(buffer)
        finally:
            self._socket.settimeout(wait)
        return count

    def prolong(self, seconds: float) -> None:
        """Move the deadline."""
        self._deadline += seconds

    def close(self) -> None:
        """Lets the socket go, too."""
        self._raw.close()
        super().close()
