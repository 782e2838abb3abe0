"""Airbyte source for PersistIQ.

`SourcePersistiq` is loaded when it is first asked for: `import source_persistiq` alone, as the console script's `spec`
does it, stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_persistiq.source import SourcePersistiq

__all__ = ["SourcePersistiq"]


def __getattr__(name: str) -> Any:
    if name == "SourcePersistiq":
        from source_persistiq.source import SourcePersistiq

        return SourcePersistiq
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "SourcePersistiq"]
