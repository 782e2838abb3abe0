"""Takes over the states of the Airbyte and Singer connectors of the same API, where that loses nothing.

Which are safe is a table per connector (`source_x/foreign.py`). A stream whose old connector lost rows, or followed
another cursor, starts again with a warning; the hidden option `trust_foreign_state` takes its state over nevertheless.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from source_kit import dates, timestamps
from source_kit.state import VERSION, VERSION_KEY
from source_kit.state_input import StreamState, broken, cursor_instant


@dataclass(frozen=True)
class ForeignRule:
    """What to do with another connector's state of one stream.

    `cursor_from`: the key of the old state; `cursor_to`: our cursor (the same, unless given); `minus`: how far to step
    back; `singer`: only for states of a Singer tap (True), only for Airbyte's (False), or for both (None).
    """

    stream: str
    take: bool
    cursor_from: str
    cursor_to: str = ""
    minus: timedelta = timedelta(0)
    singer: bool | None = None
    reason: str = ""


def adopt(
    states: Mapping[str, StreamState],
    rules: Sequence[ForeignRule],
    trust_foreign_state: bool,
    *,
    ignored: Collection[str] = (),
) -> tuple[dict[str, StreamState], list[str]]:
    """Our own states as they are, foreign ones translated or left out, and a warning for each that is left out.

    States of the streams in `ignored` are dropped silently: those streams are read whole, a state means nothing there.
    """
    result: dict[str, StreamState] = {}
    warnings: list[str] = []
    for name, state in states.items():
        if state.own:
            result[name] = state
            continue
        if name in ignored:
            continue
        fitting = [rule for rule in rules if rule.stream == name and rule.singer in (None, state.singer)]
        # Two taps of one API may differ in the key of their bookmark.
        rule = next((rule for rule in fitting if rule.cursor_from in state.value), fitting[0] if fitting else None)
        if rule is None:
            warnings.append(f"Stream {name} starts again: its state is of another connector and cannot be used.")
        elif state.singer and state.value.get(rule.cursor_from) is None:
            warnings.append(f"Stream {name} starts again: its Singer bookmark holds no {rule.cursor_from} yet.")
        elif rule.take or trust_foreign_state:
            result[name] = StreamState(_translated(rule, state), own=True)
        else:
            warnings.append(f"Stream {name} starts again: its state is of another connector, {rule.reason}.")
    return result, warnings


def _translated(rule: ForeignRule, state: StreamState) -> dict[str, Any]:
    instant = cursor_instant(rule.stream, state.value, rule.cursor_from)
    if instant is None:
        raise broken(rule.stream, f"is of another connector and holds no {rule.cursor_from}")
    try:
        value = timestamps.microseconds_offset(dates.minus(instant, rule.minus))
    except OverflowError:
        raise broken(rule.stream, f"holds no valid time in {rule.cursor_from}") from None
    return {rule.cursor_to or rule.cursor_from: value, VERSION_KEY: VERSION}
