"""The jobs that a connector is put through, each run once and judged by any number of checks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any

from emulators import start
from emulators.rate_limits import PHASE
from harness.catalog import FULL_REFRESH, INCREMENTAL
from harness.connector import Connector, Stream
from harness.messages import Record, Result
from harness.runner import Runner
from harness.trial import Trial
from platform_replay import catalog as catalogs
from platform_replay.attempt import Attempt, run
from platform_replay.catalog import Key, key_of
from platform_replay.connection import Connection
from platform_replay.tracker import Tracker

NAMESPACE = "crm"
UPDATES, CREATIONS = 3, 2
LARGE = 1_000
# The engine tells of waits above 2 s and does so again every 60 s; above 3,900 s it ends the stream instead.
SHORT_WAIT_SECONDS, LONG_WAIT_SECONDS, ENDLESS_WAIT_SECONDS = 6, 72, 4_500
LATENCY_MS = 200


@dataclass(frozen=True)
class Limit:
    """Emulator options by which a limit is announced, or shows in a 429 only; whether each endpoint group has one.

    `phase`: the part of a window that has passed when its first request comes.
    """

    announced: Mapping[str, Any] = field(default_factory=dict)
    silent: Mapping[str, Any] = field(default_factory=lambda: {"rate_headers": "none"})
    by_group: bool = False
    phase: float = 0.0


LIMITS = {
    "closeio": Limit(by_group=True),
    "persistiq": Limit({"rate_headers": "epoch"}),
    "kustomer": Limit({"limit_headers": "always"}, {"limit_headers": "refused"}, phase=PHASE),
    "outreach": Limit(),
}


@dataclass(frozen=True)
class Story:
    """A connection after its jobs: the attempts in order, and the truth when they ended, by stream."""

    connection: Connection
    attempts: list[Attempt]
    truth: dict[str, list[Record]]


# A kill may come between the vendor's answer and the CONTROL with its token, a gap that nobody can close: then again.
# Tokens live for less than a second here, and the first records of a read may come just when the next token is due: so
# they live a little longer each time.
GAPS, LONGER = 8, 0.09


@dataclass(frozen=True)
class Rotation:
    """A story of tokens that work once; `stale` is what the config of its beginning is still good for at its end."""

    story: Story
    stale: Result
    minted: int


def some_stream_is_half_done(tracker: Tracker) -> bool:
    """Two STATEs of a stream are acknowledged and the stream is not complete."""
    return any(
        not track.source_complete and sum(each.stored is not None for each in track.checkpoints) >= 2
        for track in tracker.streams.values()
    )


def a_wait_was_told_thrice(tracker: Tracker) -> bool:
    """The source waits although it may not: no use to go on. A minute and a bit, after which it asks again, is fine."""
    return any(len(track.limits) > 2 for track in tracker.streams.values())


def a_record_came_with_a_new_token(tracker: Tracker) -> bool:
    return bool(tracker.configs) and any(track.records for track in tracker.streams.values())


class Replays:
    """All stories of one connector; each is played when first asked for. Ends its accounts with the block."""

    def __init__(self, connector: Connector, runner: Runner) -> None:
        self.connector = connector
        self.runner = runner
        self._trials: list[Trial] = []

    def __enter__(self) -> Replays:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for trial in self._trials:
            with suppress(OSError):
                trial.stop()

    # --- what all stories use -------------------------------------------------------------------------------------

    @property
    def walkers(self) -> list[str]:
        """The streams that emit STATEs while they run."""
        return [each.name for each in self.connector.streams if each.cursor and each.checkpoints_inside]

    @property
    def list_stream(self) -> str:
        """A stream without cursor."""
        return next(each.name for each in self.connector.streams if each.cursor is None)

    @property
    def limit(self) -> Limit:
        return LIMITS[self.connector.name]

    @property
    def long_account(self) -> dict[str, Any]:
        """Options of an account whose read can be interrupted in the middle: without the time that a network takes, it
        would be over before what it wrote was looked at."""
        sizes = self.connector.many_states
        halves = {name: value // 2 if type(value) is int and value > LARGE else value for name, value in sizes.items()}
        return {**halves, "latency_ms": LATENCY_MS}

    def stream(self, key: Key) -> Stream:
        return self.connector.stream(key[1])

    def account(self, options: Mapping[str, Any]) -> Trial:
        """A new emulated account."""
        known = self._trials[0].catalog if self._trials else None
        emulator = start(self.connector.emulator, **(dict(self.connector.small) | dict(options)))
        self._trials.append(Trial(self.connector, self.runner, emulator, {}, known))
        return self._trials[-1]

    @cached_property
    def calm(self) -> Trial:
        """An account for the stories that change nothing in it."""
        return self.account({})

    def connect(self, trial: Trial, names: list[str], mode: str = INCREMENTAL) -> Connection:
        """A connection of these streams (all if empty) in the modes that users choose."""
        return Connection(trial.config, catalogs.for_warehouse(trial.configured(names, mode)))

    def told(self, trial: Trial, connection: Connection, attempts: list[Attempt]) -> Story:
        return Story(
            connection, attempts, trial.truth([each["stream"]["name"] for each in connection.catalog["streams"]])
        )

    # --- the stories ----------------------------------------------------------------------------------------------

    @cached_property
    def first_sync(self) -> Story:
        """A new connection of all streams, read once."""
        connection = self.connect(self.calm, [])
        return self.told(self.calm, connection, [run(self.runner, connection.sync())])

    @cached_property
    def refreshes(self) -> Story:
        """A sync, a sync after changes, a refresh that truncates and one that merges."""
        trial = self.account({})
        connection = self.connect(trial, self.walkers)
        attempts = [run(self.runner, connection.sync())]
        for collection in {each.touch for each in self.connector.streams if each.name in self.walkers and each.touch}:
            trial.emulator.touch(collection, update=UPDATES, create=CREATIONS)
        attempts.append(run(self.runner, connection.sync()))
        keys = [key_of(each) for each in connection.catalog["streams"]]
        attempts.append(run(self.runner, connection.refresh(keys, truncate=True)))
        attempts.append(run(self.runner, connection.refresh(keys, truncate=False)))
        return self.told(trial, connection, attempts)

    @cached_property
    def full_refresh(self) -> Story:
        """Job 1: the source is killed; all is read, but the destination fails; nothing is left to read. Job 2: anew."""
        trial = self.account(self.long_account)
        connection = self.connect(trial, [*self.walkers, self.list_stream], FULL_REFRESH)
        job = connection.sync()
        attempts = [
            run(self.runner, job, kill_when=some_stream_is_half_done),
            run(self.runner, job, destination_fails=True),
            run(self.runner, job),
        ]
        attempts.append(run(self.runner, connection.sync()))
        return self.told(trial, connection, attempts)

    @cached_property
    def killed(self) -> Story:
        """Incremental: the source is killed twice, each time with a STATE that the destination has not acknowledged."""
        trial = self.account(self.long_account)
        connection = self.connect(trial, self.walkers)
        job = connection.sync()
        attempts = [
            run(self.runner, job, kill_when=some_stream_is_half_done),
            run(self.runner, job, kill_when=some_stream_is_half_done),
            run(self.runner, job),
        ]
        return self.told(trial, connection, attempts)

    @cached_property
    def refused(self) -> Story:
        """One stream is refused; the next attempt may read it."""
        _, group = self.connector.refusable
        trial = self.account({"refuse": {group: 403}})
        connection = self.connect(trial, [])
        job = connection.sync()
        attempts = [run(self.runner, job)]
        trial.emulator.options(refuse={})
        return self.told(trial, connection, [*attempts, run(self.runner, job)])

    @cached_property
    def waiting(self) -> Story:
        """A rate limit makes the source wait for a few seconds."""
        return self._limited(SHORT_WAIT_SECONDS)

    @cached_property
    def long_waiting(self) -> Story:
        """A rate limit makes the source wait for longer than it may be silent."""
        return self._limited(LONG_WAIT_SECONDS)

    @cached_property
    def announced(self) -> Story:
        """Headers say that the budget is spent for more than an hour; for the next attempt there is no limit."""
        return self._hopeless({})

    @cached_property
    def refused_for_long(self) -> Story:
        """The same, said by Retry-After of a 429."""
        return self._hopeless({"retry_after": True, **self.limit.silent})

    def _hopeless(self, options: Mapping[str, Any]) -> Story:
        trial, connection = self._spent_account(ENDLESS_WAIT_SECONDS, options)
        job = connection.sync()
        attempts = [run(self.runner, job, kill_when=a_wait_was_told_thrice)]
        trial.emulator.options(rate_limit=0)
        return self.told(trial, connection, [*attempts, run(self.runner, job)])

    def _limited(self, seconds: int) -> Story:
        trial, connection = self._spent_account(seconds, {})
        return self.told(trial, connection, [run(self.runner, connection.sync())])

    def _spent_account(self, seconds: int, options: Mapping[str, Any]) -> tuple[Trial, Connection]:
        """An account whose limit is two thirds of what one read of a walking stream needs, in windows of `seconds`."""
        trial = self.account({**self.limit.announced, **options})
        measured = self.connect(trial, self.walkers[:1])
        trial.emulator.reset_stats()
        run(self.runner, measured.sync())
        statistics = trial.emulator.stats()
        needed = max(statistics["by_group"].values()) if self.limit.by_group else statistics["requests"]
        trial.emulator.options(
            rate_limit=max(2, math.ceil(needed * 2 / 3)), rate_window=seconds / (1 - self.limit.phase)
        )
        return trial, self.connect(trial, self.walkers[:1])

    @cached_property
    def rotation(self) -> Rotation:
        """The source is killed after it has used a new token; the next attempt has the config of the last CONTROL."""
        oauth = self.connector.oauth
        assert oauth is not None
        for number in range(GAPS):
            lifetime = oauth.short_lived["token_lifetime"] * (1 + LONGER * number)
            trial = self.account({**oauth.short_lived, "token_lifetime": lifetime})
            trial.config = oauth.config(trial.emulator)
            original = trial.config
            connection = self.connect(trial, self.walkers)
            job = connection.sync()
            before = trial.emulator.stats()["tokens_minted"]
            attempts = [run(self.runner, job, kill_when=a_record_came_with_a_new_token)]
            if trial.emulator.stats()["tokens_minted"] - before == len(attempts[0].tracker.configs):
                break
        attempts.append(run(self.runner, job))
        stale = self.runner.run("check", original)
        return Rotation(self.told(trial, connection, attempts), stale, trial.emulator.stats()["tokens_minted"])

    @cached_property
    def deselected(self) -> Story:
        """Half of the fields are not wanted."""
        connection = self.connect(self.calm, [])
        fields = catalogs.every_other_field(connection.catalog)
        connection.catalog = catalogs.deselect(connection.catalog, fields)
        return self.told(self.calm, connection, [run(self.runner, connection.sync())])

    @cached_property
    def namespaced(self) -> Story:
        """All streams in a namespace, and a catalog with fields that the source has never heard of; read twice."""
        connection = self.connect(self.calm, [])
        connection.catalog = catalogs.in_namespace(connection.catalog, NAMESPACE)
        change = catalogs.with_fields_of_other_versions
        attempts = [run(self.runner, connection.sync(), change=change) for _ in range(2)]
        return self.told(self.calm, connection, attempts)

    def stories(self) -> Iterator[tuple[str, Story]]:
        """Every story that is quickly told, by name."""
        names = ["first_sync", "refreshes", "full_refresh", "killed", "refused", "waiting", "refused_for_long"]
        for name in [*names, "deselected", "namespaced"]:
            yield name, getattr(self, name)
        if self.connector.oauth is not None:
            yield "rotation", self.rotation.story
