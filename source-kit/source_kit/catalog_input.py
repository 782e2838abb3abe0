"""Understands the --catalog input: which streams to read, and how.

Without the serialisers of the CDK, which take 0.35 s to build.

Source of the shape: ConfiguredAirbyteCatalog in Airbyte's protocol, package 0.18.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from source_kit.errors import ConfigError
from source_kit.input_files import kind

SyncMode = Literal["full_refresh", "incremental"]
SYNC_MODES = ("full_refresh", "incremental")
EXAMPLE = '{"streams": [{"stream": {"name": ...}, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]}'


@dataclass(frozen=True)
class ConfiguredStream:
    """One stream to read. Cursor and key are the source's own: what the user chose of them is checked, and not kept."""

    name: str
    sync_mode: SyncMode
    namespace: str | None = None
    json_schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that were selected; empty where the catalog does not say."""
        properties = self.json_schema.get("properties")
        return frozenset(properties if isinstance(properties, Mapping) else ())


def parse_catalog(value: Any) -> list[ConfiguredStream]:
    """The configured streams in the catalog's order. Raises one `ConfigError` that names every problem."""
    if not isinstance(value, Mapping):
        raise _no_catalog(f"it is {kind(value)} instead of an object")
    if value.get("type") == "CATALOG" or "catalog" in value:
        raise _no_catalog(f"it is the output of discover; choose streams and sync modes from it, as in {EXAMPLE}")
    entries = value.get("streams")
    if not isinstance(entries, list):
        raise _no_catalog(f"it has no list named streams; it must look like {EXAMPLE}")
    if any(isinstance(entry, Mapping) and "stream" not in entry and "json_schema" in entry for entry in entries):
        raise _no_catalog(f"it is a discovered catalog; choose streams and sync modes from it, as in {EXAMPLE}")
    problems = [problem for index, entry in enumerate(entries) for problem in _problems(entry, f"streams[{index}]")]
    if problems:
        raise _no_catalog("; ".join(problems))
    streams = [_configured(entry) for entry in entries]
    seen: set[str] = set()
    for stream in streams:
        # Under two namespaces, too: a source has none, and states go by name.
        if stream.name in seen:
            raise _no_catalog(f"stream {stream.name} is in it twice")
        seen.add(stream.name)
    return streams


def _problems(entry: Any, where: str) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield f"{where} is {kind(entry)} instead of an object"
        return
    stream = entry.get("stream")
    if not isinstance(stream, Mapping):
        yield f"{where} has no object named stream"
        return
    name = stream.get("name")
    if not isinstance(name, str) or not name:
        yield f"{where}.stream has no name"
    elif entry.get("sync_mode") not in SYNC_MODES:
        yield f"the sync_mode of stream {name} must be full_refresh or incremental"
    if not isinstance(stream.get("namespace"), str | None):
        yield f"{where}.stream.namespace must be a text"
    if not isinstance(stream.get("json_schema"), Mapping | None):
        yield f"{where}.stream.json_schema must be an object"
    if not _is_path(entry.get("cursor_field")):
        yield f"{where}.cursor_field must be a list of texts"
    primary_key = entry.get("primary_key")
    if primary_key is not None and not (isinstance(primary_key, list) and all(map(_is_path, primary_key))):
        yield f"{where}.primary_key must be a list of lists of texts"


def _is_path(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(part, str) for part in value))


def _configured(entry: Mapping[str, Any]) -> ConfiguredStream:
    stream = entry["stream"]
    return ConfiguredStream(
        name=stream["name"],
        sync_mode=cast(SyncMode, entry["sync_mode"]),
        namespace=stream.get("namespace") or None,
        json_schema=stream.get("json_schema") or {},
    )


def _no_catalog(what: str) -> ConfigError:
    return ConfigError(f"The catalog file is not a configured catalog: {what}.")
