"""The control API under `/__emulator__/`: truth, touch, options, statistics. Never limited, delayed or counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from emulators.messages import NDJSON, BadBody, Request, Response, error_response, json_response
from emulators.options import update

if TYPE_CHECKING:
    from emulators.app import VendorApp

CHUNK_BYTES = 256 * 1024


class Control:
    """Answers the control API of one emulator."""

    PREFIX = "/__emulator__/"

    def __init__(self, app: VendorApp) -> None:
        self._app = app
        self._endpoints = {
            ("GET", "truth"): self._truth_counts,
            ("GET", "stats"): self._stats,
            ("GET", "log"): self._log,
            ("POST", "stats/reset"): self._reset,
            ("POST", "touch"): self._touch,
            ("POST", "options"): self._options,
        }

    def handle(self, request: Request) -> Response:
        """The answer to a control request; mistakes are 400 or 404 with `{"error": ...}`."""
        name = request.path.removeprefix(self.PREFIX).rstrip("/")
        try:
            if request.method == "GET" and name.startswith("truth/"):
                return self._truth(name.removeprefix("truth/"), request.params.get("fields") == "all")
            endpoint = self._endpoints.get((request.method, name))
            return endpoint(request) if endpoint else error_response(404, f"No control endpoint {name!r}.")
        except (BadBody, ValueError, TypeError, KeyError) as error:
            return error_response(400, f"{type(error).__name__}: {error}")

    def _truth(self, stream: str, all_fields: bool) -> Response:
        records = self._app.truth(stream, all_fields=all_fields)
        if records is None:
            return error_response(404, f"No stream {stream!r}.")
        return Response(content_type=NDJSON, chunks=_lines(self._app.oddities.truth(stream, records)))

    def _truth_counts(self, request: Request) -> Response:
        return json_response(self._app.truth_counts())

    def _stats(self, request: Request) -> Response:
        return json_response(self._app.statistics_report())

    def _log(self, request: Request) -> Response:
        return json_response(self._app.statistics.log)

    def _reset(self, request: Request) -> Response:
        self._app.reset_statistics()
        return json_response({})

    def _touch(self, request: Request) -> Response:
        wish = request.json_object()
        numbers = {name: int(wish.get(name, 0)) for name in ("update", "create", "delete")}
        if ago_ms := int(wish.get("ago_seconds", 0) * 1000):
            return json_response(self._app.touch_earlier(wish["stream"], **numbers, ago_ms=ago_ms))
        return json_response(self._app.touch(wish["stream"], **numbers))

    def _options(self, request: Request) -> Response:
        changes: dict[str, Any] = request.json_object()
        options = self._app.options
        before = {name: getattr(options, name) for name in changes if hasattr(options, name)}
        update(options, changes)
        try:
            self._app.configure()
        except (ValueError, TypeError):
            update(options, before)
            self._app.configure()
            raise
        return json_response(changes)


def _lines(records: Iterator[bytes]) -> Iterator[bytes]:
    """Records as lines, in chunks large enough to be cheap."""
    lines: list[bytes] = []
    size = 0
    for record in records:
        lines.append(record)
        size += len(record) + 1
        if size > CHUNK_BYTES:
            yield b"\n".join(lines) + b"\n"
            lines, size = [], 0
    if lines:
        yield b"\n".join(lines) + b"\n"
