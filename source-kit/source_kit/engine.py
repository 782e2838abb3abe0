"""Parallel reading, ordered states: workers fetch, parse and serialise; the main thread alone writes.

Records leave half a second after they are there at the latest, from whatever part of a stream's plan; a STATE leaves
when everything before it in the plan is out. Up to four streams are active and interleave, so that every rate bucket is
used. The queue to the writer is bounded in bytes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from source_kit import protocol
from source_kit.branches import Reached
from source_kit.client import HttpClient
from source_kit.clock import Clock, Interrupted
from source_kit.errors import SourceError
from source_kit.output import Output, OutputClosed
from source_kit.rules import Denied
from source_kit.running import Batch, StreamRun
from source_kit.scheduler import Ended, Scheduler
from source_kit.turn import Turn

MAX_ACTIVE_STREAMS = 4
WAKE_SECONDS = 0.5
# How often streams are asked whether they wait for budget.
LOOK_SECONDS = 0.25
LEAVE_SECONDS = 3.0
STATUS_REPEAT_SECONDS = 60.0
# Shorter waits are pacing, not news.
WORTH_TELLING_SECONDS = 2.0


TERMINATED_EXIT_CODE = 143
# The platform kills 10 s after SIGTERM; a reader that has stopped reading must not keep the process.
TERMINATION_DEADLINE_SECONDS = 8.0


class Terminated(Exception):
    """SIGTERM came: everything that may be said has been said."""


class Engine:
    """Reads the configured streams of a source and writes their messages."""

    def __init__(
        self, runs: Sequence[StreamRun], client: HttpClient, output: Output, clock: Clock, workers: int
    ) -> None:
        """`runs` in the order in which streams start: parents before children."""
        self._waiting = list(runs)
        self._active: list[StreamRun] = []
        self._output = output
        self._client = client
        self._clock = clock
        self._workers = workers
        self._scheduler = Scheduler(client, clock, workers)
        self._terminating = False
        self._looked_at = float("-inf")
        self.failed: list[StreamRun] = []

    def terminate(self) -> None:
        """Ask the main loop to end; safe in a signal handler."""
        self._terminating = True

    def run(self) -> None:
        """Read everything. Streams that fail are in `failed`; raises `Denied` when no stream can be read,
        `Terminated` after `terminate`."""
        self._clock.start()
        work = partial(self._work, Turn())
        threads = [threading.Thread(target=work, name=f"reader-{n}", daemon=True) for n in range(self._workers)]
        for thread in threads:
            thread.start()
        try:
            while self._waiting or self._active:
                self._activate()
                self._turn()
        except (Terminated, Denied, OutputClosed):
            raise  # every stream has its end, or nobody is left to tell
        except BaseException:
            self._give_up("The sync ended because of an error in the connector.")
            raise
        finally:
            self._scheduler.close()
            self._clock.stop()
            # One that waits for an answer may outlive this; none of them keeps the process.
            deadline = time.monotonic() + LEAVE_SECONDS
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _activate(self) -> None:
        while self._waiting and len(self._active) < MAX_ACTIVE_STREAMS:
            run = self._waiting.pop(0)
            self._status(run, "STARTED")
            self._output.log("INFO", f"Reading stream {run.name} ({run.mode}).")
            self._active.append(run)
            if run.ledger.is_done:
                self._complete(run)
            else:
                self._scheduler.add(run)

    def _turn(self) -> None:
        """Write one item of the queue, or wait a while for one."""
        if self._terminating:
            self._give_up("The sync was stopped.")
            raise Terminated
        item = self._scheduler.take(0)
        if item is None:
            self._output.flush()
            item = self._scheduler.take(WAKE_SECONDS)
        self._tell_waits()
        if item is not None:
            self._handle(*item)

    def _handle(self, run: StreamRun, item: Batch | Reached | Ended) -> None:
        if isinstance(item, Batch):
            self._write(run, item)
        elif isinstance(item, Reached):
            leaving = run.ledger.reached(item.checkpoint, holds=item.holds)
            if leaving is not None:
                self._state(run, *leaving)
        elif item.error is not None:
            self._fail(run, item.error)
        else:
            self._complete(run)

    def _write(self, run: StreamRun, batch: Batch) -> None:
        if batch.warning is not None:
            self._output.log("WARN", f"Stream {run.name}: {batch.warning}")
        if batch.estimate is not None and not run.is_estimated:
            run.is_estimated = True
            self._output.message(protocol.estimate(run.name, run.namespace, batch.estimate, self._output.now_ms()))
        if batch.count:
            if not run.is_running:
                self._running(run)
            self._output.write(batch.lines)
            run.ledger.wrote(batch.count)
            run.records += batch.count
            run.timeless += batch.timeless

    def _state(self, run: StreamRun, value: Mapping[str, Any], count: int) -> None:
        self._output.message(protocol.state(run.name, run.namespace, value, count), flush=True)

    def _running(self, run: StreamRun) -> None:
        run.is_running = True
        self._status(run, "RUNNING")

    def _status(self, run: StreamRun, status: str) -> None:
        message = protocol.stream_status(run.name, run.namespace, status, self._output.now_ms())
        self._output.message(message, flush=status != "RUNNING")

    def _complete(self, run: StreamRun) -> None:
        # A stream that ends right after a wait would otherwise end while it is RATE_LIMITED.
        if not run.is_running or run.limited_told_at is not None:
            self._running(run)
        self._state(run, *run.ledger.finish())
        self._status(run, "COMPLETE")
        self._summarise(run)
        self._active.remove(run)

    def _fail(self, run: StreamRun, error: BaseException) -> None:
        if isinstance(error, Denied):
            self._give_up(str(error))
            raise error
        self._end_early(run)
        self._active.remove(run)
        self.failed.append(run)
        self._report(run, error)
        self._summarise(run)

    def _summarise(self, run: StreamRun) -> None:
        for oddity in run.oddities():
            self._output.log("WARN", oddity)
        self._output.log("INFO", run.summary(self._clock.monotonic()))

    def _end_early(self, run: StreamRun) -> None:
        held = run.ledger.interrupted()
        if held is not None:
            self._state(run, *held)
        self._status(run, "INCOMPLETE")

    def _give_up(self, reason: str) -> None:
        """End every stream with its last safe STATE."""
        for run in self._active:
            self._end_early(run)
        for run in self._waiting:
            self._status(run, "STARTED")
            self._status(run, "INCOMPLETE")
        self._active, self._waiting = [], []
        self._output.log("WARN", reason)
        self._output.flush()

    def _report(self, run: StreamRun, error: BaseException) -> None:
        stream = protocol.descriptor(run.name, run.namespace)
        if isinstance(error, SourceError):
            self._output.error(
                str(error.message), error.kind.value, internal_message=error.internal_message, stream=stream
            )
            return
        self._output.error(
            f"Stream {run.name} failed because of a fault in the connector. Please report it with this log.",
            "system_error",
            internal_message=f"{type(error).__name__} in {innermost_frame(error)}",
            stack_trace=frames(error),
            stream=stream,
        )

    def _tell_waits(self) -> None:
        """RATE_LIMITED for streams that wait for budget, every minute; RUNNING when the wait is over."""
        now = self._clock.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        for run in self._active:
            wait = self._client.budget.delay(run.bucket)
            if wait < WORTH_TELLING_SECONDS:
                if run.limited_told_at is not None and wait <= 0:
                    run.limited_told_at = None
                    self._status(run, "RUNNING")
                continue
            if run.limited_told_at is not None and now - run.limited_told_at < STATUS_REPEAT_SECONDS:
                continue
            run.limited_told_at, run.is_running = now, True
            reset = self._output.now_ms() + int(wait * 1000)
            message = protocol.stream_status(
                run.name, run.namespace, "RUNNING", self._output.now_ms(), quota_reset_ms=reset
            )
            self._output.message(message, flush=True)

    def _work(self, turn: Turn) -> None:
        """One worker: takes the step that matters most, again and again."""
        room = self._client.room
        room.join()
        with turn.joined():
            while (taken := self._scheduler.next_step()) is not None:
                run, branch = taken
                self._client.account_to(run.usage)
                try:
                    self._scheduler.done(run, branch, run.step(branch.plan, self._output.now_ms))
                except Interrupted:
                    return
                except BaseException as error:
                    self._scheduler.broke(run, branch, error)
                finally:
                    room.leave()


def innermost_frame(error: BaseException) -> str:
    """The last of its `frames`: where an exception was raised."""
    return ["unknown", *frames(error).splitlines()[:-1]][-1]


def frames(error: BaseException) -> str:
    """The call stack of an exception as `file:line function` lines; no values, so no record data and no secret."""
    lines, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return "\n".join([*lines, type(error).__name__])


def begin_termination(engine: Engine) -> None:
    """Ask for the end, and make sure of it: for a handler of SIGTERM."""
    engine.terminate()
    watchdog = threading.Timer(TERMINATION_DEADLINE_SECONDS, os._exit, (TERMINATED_EXIT_CODE,))
    watchdog.daemon = True
    watchdog.start()
