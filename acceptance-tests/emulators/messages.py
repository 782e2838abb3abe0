"""What travels between the server and an emulator: one request in, one response out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from zlib import crc32

import orjson

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
NDJSON = b"application/x-ndjson"

REASONS = {
    200: b"OK", 201: b"Created", 204: b"No Content", 301: b"Moved Permanently", 302: b"Found",
    304: b"Not Modified", 400: b"Bad Request", 401: b"Unauthorized", 402: b"Payment Required",
    403: b"Forbidden", 404: b"Not Found", 405: b"Method Not Allowed", 407: b"Proxy Authentication Required",
    411: b"Length Required", 413: b"Content Too Large", 415: b"Unsupported Media Type", 418: b"I'm a teapot",
    422: b"Unprocessable Content", 429: b"Too Many Requests", 500: b"Internal Server Error",
    502: b"Bad Gateway", 503: b"Service Unavailable", 504: b"Gateway Timeout",
}  # fmt: skip

BODILESS = (204, 304)


class BadBody(ValueError):
    """The request body is not a JSON object."""


@dataclass(slots=True)
class Request:
    """One HTTP request; header names are lower case, `path` is decoded by nobody (the APIs use plain ASCII paths)."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    received: float = 0.0
    _params: dict[str, str] | None = field(default=None, repr=False)

    @property
    def params(self) -> dict[str, str]:
        """The query parameters; of a repeated one the last value."""
        if self._params is None:
            self._params = dict(parse_qsl(self.query, keep_blank_values=True)) if self.query else {}
        return self._params

    @params.setter
    def params(self, values: dict[str, str]) -> None:
        self._params = values

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; `BadBody` if it is anything else."""
        try:
            value = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise BadBody("The request body is not JSON.") from error
        if not isinstance(value, dict):
            raise BadBody("The request body is not an object.")
        return value

    @property
    def identity(self) -> str:
        """Equal for two attempts at the same request."""
        return f"{self.method} {self.path}?{self.query} {crc32(self.body):x}"


@dataclass(slots=True)
class Response:
    """One answer. `chunks` replaces `body` for long answers; `delay` and `slow` are seconds."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: Iterator[bytes] | None = None
    delay: float = 0.0
    slow: float = 0.0
    """Spread the body over this many seconds."""
    drip: float = 0.0
    """Send one byte of the body in so many seconds."""
    silent: bool = False
    """Send nothing, and leave the connection open."""
    truncate: bool = False
    """Announce the whole body, send half of it, close."""
    reset: bool = False
    """Send nothing, reset the connection."""
    group: str = ""
    """The endpoint group of a vendor request; empty for the control API."""
    bucket: str = ""
    """The budget that the rate headers show."""
    spent_for: float = 0.0
    """Seconds for which this answer tells the client that this budget is spent."""

    def head(self) -> bytes:
        """Status line and headers, up to and including the empty line."""
        lines = [b"HTTP/1.1 %d %b" % (self.status, REASONS.get(self.status, b"Unknown"))]
        if self.status not in BODILESS:
            chunked = b"Transfer-Encoding: chunked"
            length = chunked if self.chunks is not None else b"Content-Length: %d" % len(self.body)
            lines += [b"Content-Type: " + self.content_type, length]
        lines.extend(f"{name}: {value}".encode("latin-1") for name, value in self.headers)
        return b"\r\n".join(lines) + b"\r\n\r\n"


def json_response(value: object, status: int = 200) -> Response:
    """`value` as JSON."""
    return Response(status, orjson.dumps(value))


def error_response(status: int, message: str) -> Response:
    """The form `{"error": message}`."""
    return json_response({"error": message}, status)
