"""Keeps secrets out of everything that is written for people: logs, traces, statuses.

Records, STATE and CONTROL messages are not touched: they must arrive as they are.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "****"
# Masking a shorter text would spoil ordinary words and numbers, and protect nothing.
SHORTEST_SECRET = 4

# What looks like a credential even if nobody declared it: header values, and tokens in form or JSON bodies.
_AUTHORIZATION = re.compile(
    r"(?i)(\b(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)(?:(?:basic|bearer|token)\s+)?[^\s'\",;]+"
)
_SCHEME = re.compile(r"(?i)\b(basic|bearer)\s+(?=[^\s'\",;]*[0-9=])[A-Za-z0-9._~+/=-]{8,}")
_FIELD = re.compile(
    r"(?i)\b((?:access_token|refresh_token|client_secret|api_key|api_token)"
    r"(?:=|[\\]?['\"]\s*:\s*[\\]?['\"]))[^\s&'\",}\\]+"
)


def secret_values(spec: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Every value in the config that the spec's `connectionSpecification` marks `airbyte_secret`."""
    return list(dict.fromkeys(_marked(spec.get("connectionSpecification", spec), config)))


def _marked(schema: object, value: object) -> Iterator[str]:
    if not isinstance(schema, Mapping) or value is None:
        return
    if schema.get("airbyte_secret"):
        yield from _texts(value)
    for option in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _marked(option, value)
    if isinstance(value, Mapping):
        for key, inner in (schema.get("properties") or {}).items():
            yield from _marked(inner, value.get(key))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def _forms(secret: str) -> Iterator[str]:
    """The secret as it appears in headers, URLs, form bodies and JSON."""
    yield secret
    for text in (secret, f"{secret}:"):
        for encoded in (base64.b64encode(text.encode()), base64.urlsafe_b64encode(text.encode())):
            yield encoded.decode()
            yield encoded.decode().rstrip("=")
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


class Redactor:
    """Replaces secrets by `****`. Secrets may be added at any time, from any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Mask these too, in all their encodings."""
        with self._lock:
            for secret in secrets:
                for text in (secret, secret.strip()):
                    if len(text) >= SHORTEST_SECRET:
                        self._known.update(_forms(text))
            if self._known:
                longest_first = sorted(self._known, key=lambda form: (-len(form), form))
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def clean(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        text = _AUTHORIZATION.sub(rf"\g<1>{MASK}", text)
        text = _SCHEME.sub(rf"\g<1> {MASK}", text)
        return _FIELD.sub(rf"\g<1>{MASK}", text)
