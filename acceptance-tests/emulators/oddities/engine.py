"""Which answer and which row becomes odd, and how; deterministic by seed, identity of the request and id of the row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from zlib import crc32

import orjson

from emulators.messages import Request, Response
from emulators.oddities import kinds, raw, walks
from emulators.oddities.form import Form
from emulators.oddities.headers import HEADERS, replace_headers
from emulators.oddities.kinds import EVERYTHING, KINDS
from emulators.oddities.rows import Rows

SHARE = 0.02
LIST_SHARE = 0.1
"""Of rows, and of answers and walks, where no share is given."""
BOM = b"\xef\xbb\xbf"
DRIP_SECONDS = 1.0
Ask = Callable[[Request], Response]


class Oddities:
    """The oddities of one emulator."""

    def __init__(self, seed: int, form: Form) -> None:
        self._seed, self.form = seed, form
        self.counts: Counter[str] = Counter()
        self.nameless: dict[str, str] = {}
        """The answers that held an object without an id: the name of each, and what was asked for."""
        self._shares: dict[str, float] = {}
        self._headers: list[str] = []
        self._asked: set[str] = set()
        self._last: dict[str, Any] = {}
        self._turn = 0
        self._rows = Rows(form, self.counts, self.row_kind)

    @property
    def active(self) -> bool:
        """Whether anything is odd."""
        return bool(self._shares)

    def configure(self, wanted: Any) -> None:
        """Take over option `odd`: names, or name to share; `ValueError` for an unknown name."""
        shares = {} if isinstance(wanted, list) else dict(wanted)
        for name in wanted:
            if name == "everything":
                given = shares.pop(name, None)
                shares |= {each: given or self._default(each) for each in EVERYTHING if each not in shares}
            elif name not in KINDS:
                raise ValueError(f"Unknown kind of oddity {name!r}. Known: everything, {', '.join(KINDS)}.")
            else:
                shares.setdefault(name, self._default(name))
        self._shares = {name: float(share) for name, share in shares.items() if share}
        self._headers = [name for name in HEADERS if name in self._shares]
        self._thresholds: list[tuple[float, str]] = []
        total = 0.0
        for name in kinds.ROWS:
            if name in self._shares:
                total += self._shares[name]
                self._thresholds.append((total, name))

    def _default(self, name: str) -> float:
        return SHARE if name in kinds.ROWS else LIST_SHARE

    # Choices.

    def row_kind(self, identity: str) -> str | None:
        """The oddity of a row, the same wherever it is shown."""
        if not self._thresholds:
            return None
        chance = self._chance("row", identity)
        return next((name for threshold, name in self._thresholds if chance < threshold), None)

    def chosen(self, name: str, identity: str) -> bool:
        """Whether an answer or a walk is odd in that way."""
        return name in self._shares and self._chance(name, identity) < self._shares[name]

    def once(self, name: str, request: Request) -> bool:
        """The same, for the first time that it is asked."""
        identity = f"{name} {request.identity}"
        if identity in self._asked or not self.chosen(name, request.identity):
            return False
        self._asked.add(identity)
        return True

    def _chance(self, name: str, identity: str) -> float:
        return crc32(f"{self._seed} {name} {identity}".encode()) / 2**32

    # Answers.

    def serve(self, request: Request, ask: Ask) -> Response:
        """The answer to a request for a list, made odd."""
        if not self.active:
            return ask(request)
        if self.once("no_content_once", request):
            self.counts["no_content_once"] += 1
            return Response(204)
        response = walks.with_gap(self, request, ask)
        if response.status != 200 or response.chunks is not None:
            return response
        body = orjson.loads(response.body)
        key = self.form.key(body) if isinstance(body, dict) else None
        if key is None:
            return response
        walks.twist(self, request, body, key)
        self._add_rows(request, body, key)
        self._rows.twist(body, key)
        return self._broken(request, replace(response, body=raw.dumps(body)))

    def _broken(self, request: Request, response: Response) -> Response:
        if self.chosen("bom", request.identity):
            self.counts["bom"] += 1
            response.body = BOM + response.body
        if self.once("drip", request):
            self.counts["drip"] += 1
            response.drip = DRIP_SECONDS
        elif self.once("no_head", request):
            self.counts["no_head"] += 1
            response.silent = True
        return response

    def _add_rows(self, request: Request, body: dict[str, Any], key: str) -> None:
        """Rows that are none, and rows that come again."""
        rows, form = body[key], self.form
        walk = form.walk(request)
        last = rows[-1] if rows else None
        before = self._last.pop(walk, None)
        if before is not None and not form.is_first(request) and rows and form.may_repeat(request):
            self.counts["twice_over_border"] += 1
            rows.insert(0, before)
        if form.has_next(body):
            if last is not None and self.chosen("twice_over_border", walk):
                self._last[walk] = last
            return
        if len(rows) == 1 and self.chosen("data_object", request.identity):
            self.counts["data_object"] += 1
            body[key] = rows[0]
            return
        room = form.size(request) - len(rows)
        extra = dict(kinds.EXTRA_ROWS)
        if rows:
            extra["twice_in_answer"] = rows[0]
        for name, row in extra.items():
            if room > 0 and self.chosen(name, form.question(request)):
                self.counts[name] += 1
                room -= 1
                rows.append(self._nameless(request, row) if name == "row_without_id" else row)

    def _nameless(self, request: Request, attributes: dict[str, Any]) -> dict[str, Any]:
        """An object without an id, the same whenever the same is asked."""
        answer = f"{crc32(self.form.question(request).encode()):08x}"
        if self.form.size(request) > 1:  # who asks for one row wants to know whether there is any
            self.nameless[answer] = self.form.subject(request)
        return self.form.row_of({**attributes, kinds.ANSWER: answer})

    def head(self, response: Response) -> None:
        """Give an answer the next of the odd headers."""
        if self._headers and not response.reset:
            kind = self._headers[self._turn % len(self._headers)]
            self._turn += 1
            self.counts[kind] += 1
            response.headers = replace_headers(response.headers, kind)

    # The truth.

    def truth(self, stream: str, records: Iterator[bytes]) -> Iterator[bytes]:
        """What a complete read emits of these records."""
        if not self._thresholds or stream in self.form.underived:
            return records
        return map(partial(self._rows.true, derived_cursor=self.form.derived.get(stream)), records)
