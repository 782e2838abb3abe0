"""Live secrets that Close returns: they leave as null (the list is part of BEHAVIOR.md)."""

from __future__ import annotations

import re
from typing import Any

SECRET_NAMES = re.compile(r"password|secret|signature_key|(?:access|refresh|api|auth)_?(?:token|key)$", re.IGNORECASE)


def without_secrets(value: Any) -> None:
    """Set everything to null whose name says that it is a secret, at any depth, in place."""
    if isinstance(value, dict):
        for name, part in value.items():
            if isinstance(part, str) and SECRET_NAMES.search(name):
                value[name] = None
            else:
                without_secrets(part)
    elif isinstance(value, list):
        for part in value:
            without_secrets(part)
