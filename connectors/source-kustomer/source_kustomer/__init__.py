"""Airbyte source for Kustomer.

`SourceKustomer` is loaded when it is first asked for: `import source_kustomer` alone, as the console script's `spec`
does it, stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_kustomer.source import SourceKustomer

__all__ = ["SourceKustomer"]


def __getattr__(name: str) -> Any:
    if name == "SourceKustomer":
        from source_kustomer.source import SourceKustomer

        return SourceKustomer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "SourceKustomer"]
