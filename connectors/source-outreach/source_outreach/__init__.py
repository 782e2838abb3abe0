"""Airbyte source for Outreach.

`SourceOutreach` is loaded when it is first asked for: `import source_outreach` alone, as the console script's `spec`
does it, stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_outreach.source import SourceOutreach

__all__ = ["SourceOutreach"]


def __getattr__(name: str) -> Any:
    if name == "SourceOutreach":
        from source_outreach.source import SourceOutreach

        return SourceOutreach
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "SourceOutreach"]
