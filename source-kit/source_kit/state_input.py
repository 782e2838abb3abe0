"""Understands the --state input: our own states, and those of the connectors that people switch from.

Accepted: a list of STATE messages or of their `state` objects (STREAM, GLOBAL, LEGACY), one such object alone, an
object of states by stream name, and a Singer state (`{"bookmarks": ...}`). `{}`, `[]` and an empty file are no state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from source_kit import dates, timestamps
from source_kit.errors import ConfigError
from source_kit.input_files import kind
from source_kit.state import FULL_REFRESH_DONE, FULL_REFRESH_KEY, NO_CURSOR_STATE, VERSION, VERSION_KEY

# States that this engine or the CDK writes for streams in full refresh carry no version.
OWN_MARKERS = (FULL_REFRESH_KEY, *FULL_REFRESH_DONE, *NO_CURSOR_STATE)


@dataclass(frozen=True)
class StreamState:
    """One stream's state. `own`: written by this connector; `singer`: from a Singer tap."""

    value: dict[str, Any]
    own: bool
    singer: bool = False


def parse_state(value: Any) -> dict[str, StreamState]:
    """State by stream name; null states are left out. Raises `ConfigError` for a shape that is no state."""
    result: dict[str, StreamState] = {}
    for name, state, singer in _states(value):
        if state is None:
            continue
        if not isinstance(state, Mapping):
            raise broken(name, f"is {kind(state)} instead of an object")
        if state:
            result[name] = StreamState(dict(state), _is_own(name, state), singer)
    return result


def broken(stream: str, what: str) -> ConfigError:
    """The error for a state that cannot be used; `what` goes on after "The state of stream x"."""
    return ConfigError(f"The state of stream {stream} {what}. Clear the state of this stream and sync it again.")


def cursor_instant(stream: str, state: Mapping[str, Any], key: str) -> datetime | None:
    """The instant kept under a key, `None` if absent; raises `ConfigError` if it is no ISO 8601 time or date."""
    value = state.get(key)
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise broken(stream, f"holds {kind(value)} instead of a time in {key}")
        return dates.read(value)
    except ValueError:
        raise broken(stream, f"holds no valid time in {key}") from None


def with_usual_times(stream: str, state: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """A state whose instants under these keys are written as records write them, where a person wrote them otherwise.

    Raises as `cursor_instant`.
    """
    usual = dict(state)
    for key in keys:
        at = cursor_instant(stream, state, key)
        if at is not None and timestamps.instant(state[key]) is None:
            usual[key] = timestamps.microseconds_offset(at)
    return usual


def _is_own(name: str, state: Mapping[str, Any]) -> bool:
    version = state.get(VERSION_KEY)
    if version is None:
        return any(state.get(marker) for marker in OWN_MARKERS)
    if version != VERSION or isinstance(version, bool):
        raise broken(name, f"has a format that this version does not know ({VERSION_KEY} is not {VERSION})")
    return True


def _states(value: Any) -> Iterator[tuple[str, Any, bool]]:
    """(stream, state, is Singer's) for every entry of the input, whatever its wrapping."""
    if value is None:
        return
    if isinstance(value, list):
        for index, entry in enumerate(value):
            if not isinstance(entry, Mapping):
                raise _no_state(f"entry {index} of the list is {kind(entry)} instead of an object")
            yield from _entry(entry, f"entry {index} of the list")
    elif isinstance(value, Mapping):
        yield from _object(value)
    else:
        raise _no_state(f"it is {kind(value)}")


def _object(value: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    if "bookmarks" in value:
        yield from _bookmarks(value["bookmarks"])
    elif value.get("type") == "STATE" and "value" in value:  # a Singer STATE message
        if not isinstance(value["value"], Mapping):
            raise _no_state("its value is not an object")
        yield from _object(value["value"])
    elif isinstance(value.get("type"), str) or not value.keys().isdisjoint(("stream", "global", "data")):
        yield from _entry(value, "the object")
    else:
        yield from ((name, state, False) for name, state in value.items())


def _entry(entry: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any, bool]]:
    """One STATE message or state object."""
    if entry.get("type") == "STATE" and isinstance(entry.get("state"), Mapping):
        entry = entry["state"]
    stream, shared, data = entry.get("stream"), entry.get("global"), entry.get("data")
    if stream is not None:
        yield _stream(stream, where)
    elif shared is not None:
        states = shared.get("stream_states") if isinstance(shared, Mapping) else None
        if not isinstance(states, list):
            raise _no_state(f"{where} has a global part without a list of stream_states")
        yield from (_stream(each, where) for each in states)
    elif isinstance(data, Mapping):
        # A Singer tap that runs as a connector wraps its state like this.
        yield from _bookmarks(data["bookmarks"]) if "bookmarks" in data else ((n, s, False) for n, s in data.items())
    elif "bookmarks" in entry:
        yield from _bookmarks(entry["bookmarks"])
    elif entry and not (entry.get("type") == "LEGACY" and data is None):
        raise _no_state(f"{where} has neither stream, nor global, nor data")


def _stream(value: Any, where: str) -> tuple[str, Any, bool]:
    descriptor = value.get("stream_descriptor") if isinstance(value, Mapping) else None
    name = descriptor.get("name") if isinstance(descriptor, Mapping) else None
    if not isinstance(name, str) or not name:
        raise _no_state(f"{where} has no stream_descriptor with a name")
    return name, value.get("stream_state"), False


def _bookmarks(bookmarks: Any) -> Iterator[tuple[str, Any, bool]]:
    """Singer bookmarks: an object, a bare text, or the Singer SDK's replication key and value."""
    if not isinstance(bookmarks, Mapping):
        raise _no_state("its bookmarks are not an object")
    for name, bookmark in bookmarks.items():
        if isinstance(bookmark, str):
            yield name, {"bookmark": bookmark}, True
        elif isinstance(bookmark, Mapping) and "replication_key_value" in bookmark:
            yield name, {str(bookmark.get("replication_key")): bookmark["replication_key_value"]}, True
        else:
            yield name, bookmark, True


def _no_state(what: str) -> ConfigError:
    return ConfigError(
        f"The state file is not a state: {what}. Pass the list of STATE objects of an earlier sync, or no state."
    )
