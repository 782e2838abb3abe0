"""An HTTP/1.1 keep-alive server on a plain asyncio protocol.

It shares two cores with the process under test, so it does as little as possible: no task per connection, no framework;
an emulator answers synchronously, delays are timers. Supported: GET and POST with Content-Length, pipelining,
chunked answers with back-pressure. Not supported: chunked requests (411), TLS, HTTP/1.0 keep-alive.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import cast

from emulators.messages import Request, Response

MAXIMUM_HEAD_BYTES = 64 * 1024
MAXIMUM_BODY_BYTES = 16 * 1024 * 1024
SLOW_PIECES = 5
SEND_BUFFER_BYTES = 1024 * 1024

Handler = Callable[[Request], Response]
Sent = Callable[[Request, Response], None]


class BadRequest(ValueError):
    """What came in is not HTTP as this server speaks it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HttpConnection(asyncio.Protocol):
    """One connection: requests are answered one after the other, in the order in which they came."""

    def __init__(self, handler: Handler, sent: Sent) -> None:
        self._handler = handler
        self._sent = sent
        self._buffer = bytearray()
        self._busy = False
        self._closing = False
        self._head: tuple[Request, int, int] | None = None
        self._stream: Iterator[bytes] | None = None
        self._paused = False
        self._transport: asyncio.Transport
        self._loop: asyncio.AbstractEventLoop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        # A page that fits into the send buffer is written in one go; otherwise asyncio shifts the rest again and again.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._closing = True
        self._stream = None

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._buffer += data
        if not self._busy:
            self._next()

    def pause_writing(self) -> None:
        """Called by asyncio."""
        self._paused = True

    def resume_writing(self) -> None:
        """Called by asyncio."""
        self._paused = False
        if self._stream is not None:
            self._pump()

    def _next(self) -> None:
        while not self._busy and not self._closing:
            try:
                request = self._take()
            except BadRequest as error:
                self._transport.write(Response(error.status, headers=[("Connection", "close")]).head())
                self._close()
                return
            if request is None:
                return
            self._answer(request)

    def _take(self) -> Request | None:
        """The next whole request of the buffer."""
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAXIMUM_HEAD_BYTES:
                    raise BadRequest(413)
                return None
            self._head = (*parse_head(bytes(self._buffer[:end])), end + 4)
        request, length, offset = self._head
        if len(self._buffer) < offset + length:
            return None
        request.body = bytes(self._buffer[offset : offset + length])
        request.received = time.monotonic()
        del self._buffer[: offset + length]
        self._head = None
        return request

    def _answer(self, request: Request) -> None:
        self._busy = True
        response = self._handler(request)
        if response.delay > 0:
            self._loop.call_later(response.delay, self._write, request, response)
        else:
            self._write(request, response)

    def _write(self, request: Request, response: Response) -> None:
        if self._closing:
            self._lost(request, response)
        elif response.reset:
            self._closing = True
            self._sent(request, response)
            self._transport.abort()
        elif response.silent:
            self._sent(request, response)  # and the client waits
        elif response.truncate:
            self._transport.write(response.head() + response.body[: max(1, len(response.body) // 2)])
            self._sent(request, response)
            self._close()
        elif response.chunks is not None:
            self._transport.write(response.head())
            self._stream = response.chunks
            self._pump()
        elif response.slow > 0 or response.drip > 0:
            self._transport.write(response.head())
            step = 1 if response.drip else max(1, -(-len(response.body) // SLOW_PIECES))
            pieces = [response.body[at : at + step] for at in range(0, len(response.body), step)]
            pause = response.drip or response.slow / SLOW_PIECES
            self._loop.call_later(pause, self._dribble, request, response, pieces, pause)
        else:
            self._transport.write(response.head() + response.body)
            self._done(request, response)

    def _done(self, request: Request, response: Response) -> None:
        self._sent(request, response)
        self._busy = False
        if request.headers.get("connection", "").lower() == "close":
            self._close()
        elif self._buffer:
            self._loop.call_soon(self._next)

    def _lost(self, request: Request, response: Response) -> None:
        """The client has gone before it was answered: it has learned nothing."""
        response.status, response.spent_for = 0, 0.0
        self._sent(request, response)

    def _dribble(self, request: Request, response: Response, pieces: list[bytes], pause: float) -> None:
        if self._closing:
            self._lost(request, response)
            return
        if pieces:
            self._transport.write(pieces.pop(0))
        if pieces:
            self._loop.call_later(pause, self._dribble, request, response, pieces, pause)
        else:
            self._done(request, response)

    def _pump(self) -> None:
        """Send a chunked answer for as long as the reader keeps up."""
        while self._stream is not None and not self._paused:
            chunk = next(self._stream, None)
            if chunk is None:
                self._stream = None
                self._transport.write(b"0\r\n\r\n")
                self._busy = False
                self._loop.call_soon(self._next)
            elif chunk:
                self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def _close(self) -> None:
        self._closing = True
        self._transport.close()


def parse_head(head: bytes) -> tuple[Request, int]:
    """A request without its body, and the length of that body."""
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _ = first.split(" ")
    except ValueError as error:
        raise BadRequest(400) from error
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise BadRequest(400)
    if int(length) > MAXIMUM_BODY_BYTES:
        raise BadRequest(413)
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, b""), int(length)
