"""What the suite must be told about a connector. `connectors/<name>.py` holds one `CONNECTOR` of this type."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import connectors
from emulators import Emulator
from harness.runner import PROJECT_ROOT

Options = Mapping[str, Any]


def unchanged(record: dict[str, Any]) -> dict[str, Any]:
    return record


@dataclass(frozen=True)
class Stream:
    """A stream and what the suite may expect of it.

    `overlap` is the part of the past which an incremental read declares to read again; `touch` says which of the
    emulator's collections to touch so that this stream gets new records. `edited` is the field by which old records
    that were edited lately (within `edited_overlap` of the read before) come again, where that is not the cursor.
    `comparable` maps an emitted record to the form of the truth (undoing an encoding, say); `identity` tells records
    apart. `asked_for` are fields that come only with a parameter; where the API refuses it for good, they are null.
    """

    name: str
    truth: str = ""
    cursor: str | None = None
    overlap: timedelta = timedelta(0)
    touch: str = ""
    edited: str | None = None
    edited_overlap: timedelta = timedelta(minutes=5)
    sees_updates: bool = True
    checkpoints_inside: bool = True
    comparable: Callable[[dict[str, Any]], dict[str, Any]] = unchanged
    identity: Callable[[dict[str, Any]], str] = itemgetter("id")
    asked_for: Mapping[str, str] = field(default_factory=dict)

    @property
    def truth_name(self) -> str:
        return self.truth or self.name


@dataclass(frozen=True)
class OAuth:
    """Emulator options for tokens that expire while a read runs, and for tokens that do not; how to get the config."""

    short_lived: Options
    long_lived: Options
    config: Callable[[Emulator], dict[str, Any]]


@dataclass(frozen=True)
class Deletions:
    """The stream that tells what is gone, and what to delete (collection to number) or merge so that it has something.

    `ways` are emulator options under which it must hold: how the vendor may tell of it. `many_states` makes an account
    whose deletions are told over several pages.
    """

    stream: str
    touches: Mapping[str, int]
    merges: str
    many_states: Options
    ways: Mapping[str, Options] = field(default_factory=lambda: {"as documented": {}})


@dataclass(frozen=True)
class Lateness:
    """Streams (to the collections to touch) of which an index may be late for some records.

    `config` lets the next read find what was late, `off` switches that off, where it can be. Where nothing is late, a
    read sends at most `most_requests` of the group `witness` for it, and none of `by_id`, which ask for one record
    each. What is `told_at_once` is found by a read that the index still hides it from.
    """

    streams: Mapping[str, str]
    config: Options
    off: Options
    witness: str
    most_requests: int
    by_id: tuple[str, ...] = ()
    told_at_once: tuple[str, ...] = ()


@dataclass(frozen=True)
class BeyondAList:
    """A stream of which a list gives only the first rows, in an account (emulator options) that has more.

    Each record of the stream `parents` is asked for the rest, by `group`, in as many requests as `asks` says: 0 for one
    that can have nothing. `requests_beside` is what all else may cost.
    """

    options: Options
    parents: str
    group: str
    asks: Callable[[dict[str, Any]], int]
    requests_beside: int


@dataclass(frozen=True)
class IdLists:
    """Streams whose ids can be listed, to the collection to delete from, with how many ids a request brings.

    `exists` tells records that are gone from others; `requests_beside` is what a stream may cost beside its full pages.
    `full` is laid over `sizes` in the full size. `ways` are emulator options under which it must hold.
    `whole_while_late`: streams whose new records are among them even while the vendor's index shows these hours late.
    `beyond_a_list`: by stream, what it costs where a list ends before the stream does.
    """

    streams: Mapping[str, tuple[str, int]]
    sizes: Options
    requests_beside: int
    exists: Callable[[dict[str, Any]], bool] = lambda record: True
    ways: Mapping[str, Options] = field(default_factory=dict)
    whole_while_late: tuple[str, ...] = ()
    full: Options = field(default_factory=dict)
    beyond_a_list: Mapping[str, BeyondAList] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """A way in which the vendor makes reading hard, as emulator options; the records must be complete all the same.

    `full` is laid over `options` in the full size, `config` over the config. `statistics` judges the emulator's
    statistics afterwards and returns problems, so that a scenario which did not happen fails too; `says` must occur in
    the log. `repeats_allowed` is for vendors that give the same record twice. `odd`: the rows themselves are odd,
    and are compared as `harness.oddities` says; `tolerated` names checks of the read that such rows cannot pass.
    `truths`: by stream, another truth than its own, where the config makes it read more or less. `quick` runs have it.
    """

    name: str
    options: Options
    full: Options = field(default_factory=dict)
    config: Options = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    statistics: Callable[[dict[str, Any]], list[str]] | None = None
    says: str = ""
    repeats_allowed: bool = False
    odd: bool = False
    tolerated: tuple[str, ...] = ()
    truths: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False


@dataclass(frozen=True)
class Connector:
    """One connector under test. All options are the emulator's.

    `small` and `full` are sizes; `large` is one big account for `large_streams`, read within `most_megabytes`;
    `soak` makes a million records of `soak_stream`, within as many. `drift` moves records under a reader; `many_states`
    makes an account whose reads emit many STATEs and last long enough to be interrupted; `slow_reader` one whose
    cursors die while the reader of stdout sleeps; `late_index` shows writes after `late_index_seconds`.
    `refusable` is a stream with the endpoint group that it needs, `refused_with_it` the streams that fail with it.
    `asked_for_others`: by stream, endings of what it asks to find out something else, so that rows of the answers
    become no records. `touching` has a stream of each kind that `start_date` and `end_date` bound. `deletions`,
    `lateness` and `ids` are for tests of connectors that have them.
    """

    name: str
    script: str
    package: str
    class_name: str
    emulator: str
    streams: tuple[Stream, ...]
    scenarios: tuple[Scenario, ...]
    small: Options
    full: Options
    large: Options
    large_streams: tuple[str, ...]
    soak: Options
    soak_stream: str
    invalid_config: Options
    drift: Options
    many_states: Options
    slow_reader: Options
    refusable: tuple[str, str]
    refused_with_it: tuple[str, ...] = ()
    asked_for_others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    most_megabytes: int = 130
    late_index: Options | None = None
    late_index_seconds: float = 0.0
    oauth: OAuth | None = None
    deletions: Deletions | None = None
    lateness: Lateness | None = None
    ids: IdLists | None = None
    touching: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return PROJECT_ROOT / "connectors" / self.script

    @property
    def image(self) -> str:
        return f"{self.script}:dev"

    @property
    def stream_names(self) -> tuple[str, ...]:
        return tuple(stream.name for stream in self.streams)

    def stream(self, name: str) -> Stream:
        return next(stream for stream in self.streams if stream.name == name)

    def source_class(self) -> Any:
        """The `AbstractSource`, for tests inside the process."""
        return getattr(importlib.import_module(self.package), self.class_name)


def all_connectors() -> list[Connector]:
    """Every connector that has a module in `connectors/`."""
    names = [module.name for module in pkgutil.iter_modules(connectors.__path__)]
    return [importlib.import_module(f"connectors.{name}").CONNECTOR for name in names]
