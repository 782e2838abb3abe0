"""Answers with another status, and with the bodies and redirects that servers and proxies put under it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random

from emulators.messages import HTML, JSON, Response
from mutator.answers import Change, Mutation

REFUSED = (400, 402, 403, 405, 406, 408, 409, 412, 413, 414, 415, 418, 421, 422, 423, 425, 428, 431, 451)
BROKEN = (500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 524, 529, 530, 599)
REDIRECTS = (300, 301, 302, 303, 307, 308)
BODIES = (
    (HTML, b"<html><head><title>Oops</title></head><body>nginx</body></html>"),
    (HTML, "<html>Zugriff verweigert: \u00e4\u00f6\u00fc</html>".encode("latin-1")),
    (JSON, b""),
    (JSON, b"null"),
    (JSON, b"[]"),
    (JSON, b'"Unauthorized"'),
    (JSON, b"[[[null]]]"),
    (JSON, b"NaN"),
    (JSON, b'{"error": null}'),
    (JSON, b'{"error": {"message": null, "reason": 5}}'),
    (JSON, b'{"error": ["a", {"b": []}]}'),
    (JSON, b'{"errors": [null]}'),
    (JSON, b'{"errors": "no"}'),
    (JSON, b'{"errors": {"0": "no"}}'),
    (JSON, b'{"errors": [{"status": null, "code": 7, "title": [], "detail": {}, "source": "x"}]}'),
    (JSON, b'{"field-errors": []}'),
    (JSON, b'{"field-errors": {"_skip": null}, "errors": []}'),
    (JSON, b'{"message": "\\ud83d"}'),
    (b"text/plain", b"\xff\xfe\x00"),
    (b"text/plain", b"x" * 200_000),
)
LOCATIONS = (
    "", "/", "//", "http://[", "http://[::1", "http://:99999/x", "https://elsewhere.example/v1/", "javascript:alert(1)",
    "file:///etc/passwd", "/caf\u00e9", "?page=x", "\x0b", "/" + "x" * 9_000, "http://169.254.169.254/latest/",
)  # fmt: skip
WAITS = (
    "0", "1", "-5", "1.5", "1e400", "9" * 400, "inf", "nan", "", "soon", "0x10", "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT", "99999999999", "0000-00-00T00:00:00Z", "5138-11-16T09:46:39.000Z", "1, 1",
)  # fmt: skip
AMENDED = (201, 203, 226)
EMPTIED = (202, 204, 205, 206, 304)


def other_status(statuses: tuple[int, ...], right: Response, random: Random) -> Change:
    """Any of the statuses with any body; a record that is asked for by its id may be gone."""
    content_type, body = random.choice(BODIES)
    status = random.choice(statuses)
    one_record = "{" in right.group
    return Change(Response(status, body, content_type), may_lose=status in (404, 410) and one_record)


def same_status(status: int, right: Response, random: Random) -> Change:
    """One status with any body."""
    return other_status((status,), right, random)


def redirect(right: Response, random: Random) -> Change:
    """Somewhere else, or nowhere."""
    location = random.choice(LOCATIONS)
    headers = [] if random.random() < 0.2 else [("Location", location)]
    return Change(Response(random.choice(REDIRECTS), b"", HTML, headers))


def waiting(status: int, right: Response, random: Random) -> Change:
    """With a time to wait that is short, absurd or no time at all."""
    content_type, body = random.choice(BODIES)
    name = random.choice(("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset", "x-rate-limit-reset"))
    return Change(Response(status, body, content_type, [(name, random.choice(WAITS))]))


def amended(right: Response, random: Random) -> Change:
    """The right answer under another status of success."""
    return Change(replace(right, status=random.choice(AMENDED)))


def without_body(right: Response, random: Random) -> Change:
    """A status that says that there is nothing to see. Where it lasts, there is nothing to be had."""
    return Change(replace(right, status=random.choice(EMPTIED), body=b""))


MUTATIONS = (
    Mutation("status", "refused", partial(other_status, REFUSED), weight=3),
    Mutation("status", "gone", partial(other_status, (404, 410))),
    Mutation("status", "credentials refused", partial(same_status, 401), refuses=True, weight=0.25),
    Mutation("status", "proxy wants credentials", partial(same_status, 407), weight=0.5),
    Mutation("status", "server error", partial(other_status, BROKEN), weight=2),
    Mutation("status", "too many requests", partial(waiting, 429), lasting=False, weight=2),
    Mutation("status", "unavailable for a while", partial(waiting, 503)),
    Mutation("status", "redirect", redirect, weight=2),
    Mutation("status", "201 with the right body", amended),
    Mutation("status", "success without body", without_body, hides=True),
)
