"""Answers that are no answer to what was asked: odd redirects, odd statuses, pages of a firewall, nothing at all."""

from __future__ import annotations

from collections.abc import Callable

from emulators.messages import HTML, JSON, Request, Response

NOT_TEXT = b"\xff\xfe\x00\x9d odd \xc3"
FIREWALL = b"<html><head><title>Attention Required!</title></head><body>Sorry, you have been blocked</body></html>"
PLAIN = b"text/plain; charset=utf-8"
REDIRECTED = "odd_redirected"
Answer = Callable[[Request], "Response | None"]


def _redirect(location: str) -> Answer:
    return lambda request: Response(302, headers=[("Location", location)])


def _to_itself(request: Request) -> Response:
    query = f"?{request.query}" if request.query else ""
    return Response(302, headers=[("Location", f"http://{request.headers.get('host', '')}{request.path}{query}")])


def _relative(request: Request) -> Response | None:
    """To the same path with a parameter more; there the right answer is given."""
    if REDIRECTED in request.params:
        request.query = "&".join(part for part in request.query.split("&") if not part.startswith(REDIRECTED))
        request._params = None
        return None
    return Response(302, headers=[("Location", f"{request.path}?{request.query}&{REDIRECTED}=1".replace("?&", "?"))])


def _status(status: int, body: bytes, content_type: bytes) -> Answer:
    return lambda request: Response(status, body, content_type)


ANSWERS: dict[str, Answer] = {
    "redirect_nowhere": _redirect(""),
    "redirect_bytes": _redirect("/caf\xe9/\xff"),
    "redirect_elsewhere": _redirect("http://elsewhere.invalid/"),
    "redirect_loop": _to_itself,
    "redirect_relative": _relative,
    "304": _status(304, b"", JSON),
    "407": _status(407, NOT_TEXT, PLAIN),
    "418": _status(418, NOT_TEXT, JSON),
    "html_403": _status(403, FIREWALL, HTML),
    "no_content": _status(204, b"", JSON),
}


def check_answers(wanted: dict[str, str]) -> None:
    """`ValueError` for an unknown answer."""
    unknown = sorted(set(wanted.values()) - set(ANSWERS))
    if unknown:
        raise ValueError(f"Unknown odd answers: {unknown}. Known: {sorted(ANSWERS)}.")
