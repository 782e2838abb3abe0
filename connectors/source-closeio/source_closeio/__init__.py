"""Airbyte source for Close CRM.

`SourceCloseio` is loaded when it is first asked for: `import source_closeio` alone, as the console script's `spec`
does it, stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_closeio.source import SourceCloseio

__all__ = ["SourceCloseio"]


def __getattr__(name: str) -> Any:
    if name == "SourceCloseio":
        from source_closeio.source import SourceCloseio

        return SourceCloseio
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "SourceCloseio"]
