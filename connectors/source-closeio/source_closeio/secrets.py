"""Live secrets that Close returns: they leave as null (the list is part of BEHAVIOR.md)."""

from __future__ import annotations

import re
from typing import Any

SECRET_NAMES = re.compile(r"password|secret|signature_key|(?:access|refresh|api|auth)_?(?:token|key)$", re.IGNORECASE)


def without_secrets(value: Any) -> None:
    """Set everything to null whose name says that it is a secret, at any depth, in place."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            for name, inner in part.items():
                if isinstance(inner, str) and SECRET_NAMES.search(name):
                    part[name] = None
                else:
                    left.append(inner)
        elif isinstance(part, list):
            left.extend(part)
