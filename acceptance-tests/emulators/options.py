"""Options of an emulator: one dataclass field is one command line flag and one key of `POST /__emulator__/options`."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

import orjson


def option(default: Any, description: str, *, start_only: bool = False) -> Any:
    """A dataclass field with help text. `start_only`: it cannot change while the emulator runs."""
    metadata = {"help": description, "start_only": start_only}
    if isinstance(default, dict | list):
        return field(default_factory=lambda: default.copy(), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Options:
    """Options that every emulator has."""

    host: str = option("127.0.0.1", "address to listen on", start_only=True)
    port: int = option(0, "port to listen on, 0 for any", start_only=True)
    advertise: str = option("", "host name in the printed addresses, if not the one listened on", start_only=True)
    seed: int = option(1, "seed of data and faults", start_only=True)
    shape: str = option("made", "records: made, or real, in the shapes that live accounts answered", start_only=True)
    now: str = option("", "ISO instant that the data ends at; default: the start", start_only=True)
    contrast: float = option(1.0, "records of the busiest month to those of the quietest", start_only=True)
    latency_ms: float = option(0.0, "time that each answer takes")
    latency_jitter_ms: float = option(0.0, "spread of that time, by seed")
    gzip: bool = option(False, "compress when the client accepts it")
    faults: dict[str, float] = option({}, "fault kind (or all) to probability")
    fault_slow_seconds: float = option(0.3, "length of a slow answer")
    fault_maximum_in_a_row: int = option(2, "faults in a row for the same request")
    rate_limit: int = option(0, "requests per window and endpoint group, 0 for no limit")
    rate_window: float = option(8.0, "seconds of a window")
    rate_limits: dict[str, list[float]] = option({}, "endpoint group ('POST /data/search/') to [limit, seconds]")
    rate_style: str = option("fixed", "windows: fixed (from their first request on), clock (of a grid), or sliding")
    rate_headers: str = option("live", "header form: documented, live, legacy, epoch, none, only_429")
    retry_after: bool = option(True, "send Retry-After with a 429")
    drift: Any = option([], "records that change under the reader: {stream, every, update, create, delete, times}")
    mutations: list[dict[str, Any]] = option(
        [], "answers to change: {number, endpoint, occurrence, mutation, seed, lasting}"
    )
    refuse: dict[str, int] = option({}, "endpoint group to the status that it answers, as without permission")
    odd: Any = option([], "kinds of oddities, everything, or kind to share (see oddities/kinds.py)")
    odd_answers: dict[str, str] = option({}, "endpoint group to the odd answer that it gives (see oddities/answers.py)")
    identity_body: str = option("", "what the endpoint that names the user answers instead, as it is")
    phantoms: int = option(0, "records that are counted in the middle of the account's time, but never returned")
    heavy_above: int = option(0, "page size above which a list is too heavy, 0 for never")
    heavy_status: int = option(502, "status of a page that is too heavy: 502 or 504")
    keep_log: bool = option(False, "keep method, target and status of each request for /__emulator__/log")


AnyOptions = TypeVar("AnyOptions", bound=Options)


def parser_for(kind: type[Options], program: str) -> argparse.ArgumentParser:
    """A command line parser with one flag per option."""
    parser = argparse.ArgumentParser(prog=program, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for entry in fields(kind):
        flag = "--" + entry.name.replace("_", "-")
        default = default_of(entry)
        parser.add_argument(flag, type=_reader(default), default=default, help=entry.metadata["help"])
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does")
    return parser


def update(options: Options, changes: dict[str, Any]) -> None:
    """Change a running emulator's options; `ValueError` for unknown names, wrong types and start-only options."""
    known = {entry.name: entry for entry in fields(options)}
    for name, value in changes.items():
        entry = known.get(name)
        if entry is None:
            raise ValueError(f"Unknown option {name!r}. Known: {', '.join(sorted(known))}.")
        if entry.metadata["start_only"]:
            raise ValueError(f"Option {name!r} can only be set at the start.")
        default = default_of(entry)
        if default is not None and not isinstance(value, _accepted(default)):
            raise ValueError(f"Option {name!r} must be like {default!r}, not {value!r}.")
    for name, value in changes.items():
        setattr(options, name, value)


def default_of(entry: Field[Any]) -> Any:
    """The default value of an option."""
    return entry.default_factory() if entry.default_factory is not MISSING else entry.default


def _accepted(default: object) -> type | tuple[type, ...]:
    if isinstance(default, bool):
        return bool
    if isinstance(default, float | int):
        return (int, float)
    if isinstance(default, list):
        return (list, dict)
    return type(default)


def _reader(default: object) -> Any:
    """How a command line value of an option is read."""
    if isinstance(default, bool):
        return _boolean
    if isinstance(default, dict | list):
        return orjson.loads
    return type(default)


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return words[text.lower()]
