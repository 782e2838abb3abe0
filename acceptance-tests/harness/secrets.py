"""Finds secrets of a config in a connector's output, also when they were encoded on the way."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from harness.messages import Result

SHORTEST = 4


def secret_values(schema: dict[str, Any], config: Any) -> set[str]:
    """The values in `config` which `schema` (a connectionSpecification or a part of it) marks `airbyte_secret`."""
    found: set[str] = set()
    if not isinstance(config, dict):
        return found
    for name, part in _properties(schema):
        value = config.get(name)
        if part.get("airbyte_secret") and isinstance(value, str) and len(value) >= SHORTEST:
            found.add(value)
        found |= secret_values(part, value)
    return found


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from schema.get("properties", {}).items()
    for option in schema.get("oneOf", []):
        yield from option.get("properties", {}).items()


def forms(secret: str) -> set[str]:
    """The secret as it is, quoted for URLs and JSON, and as Basic authentication and hexadecimal text carry it."""
    raw = secret.encode()
    encoded = {base64.b64encode(form).decode() for form in (raw, raw + b":", b":" + raw)}
    encoded |= {base64.urlsafe_b64encode(raw).decode()}
    return {secret, quote(secret, safe=""), quote_plus(secret), raw.hex(), repr(secret)[1:-1]} | {
        form.rstrip("=") for form in encoded
    }


def leaks(result: Result, secrets: set[str]) -> list[str]:
    """Problems for every line that holds a secret; CONTROL may, since it is the config. Never quotes the line."""
    wanted = {form.encode() for secret in secrets for form in forms(secret)}
    problems = []
    for number, line in enumerate([*result.lines, result.tail], start=1):
        if any(form in line for form in wanted) and b'"type":"CONTROL"' not in line.replace(b" ", b"")[:200]:
            problems.append(f"stdout line {number} holds a secret")
    error_text = result.stderr.encode()
    if any(form in error_text for form in wanted):
        problems.append("stderr holds a secret")
    return problems
