"""The platform's bookkeeping of one attempt: a state machine that takes the source's messages and the destination's
acknowledgements, one by one. No clock and no I/O: whoever feeds it says when a message came.

Sources, in airbyte-container-orchestrator: BasicAirbyteMessageValidator.kt (what is dropped, what fails the sync),
StatsTracker.kt and StateCheckSumCountEventHandler.kt (counts per STATE), StateEnricher.kt (ids), StreamStatusTracker.kt
and StreamStatusStateStore.kt (statuses), StreamStatusCompletionTracker.kt, LocalContainerAirbyteSource.kt (only RECORD
and STATE are heartbeats), FieldSelector.kt (the platform, not the source, drops deselected and undeclared fields),
MissingStateInjector.kt. It notes what it sees; `rules` judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.catalog import FULL_REFRESH, INCREMENTAL
from platform_replay.catalog import Catalog, Key, key_of

Message = dict[str, Any]

FORWARDED = ("RECORD", "STATE")
RUNNING, RATE_LIMITED, COMPLETE, INCOMPLETE = "RUNNING", "RATE_LIMITED", "COMPLETE", "INCOMPLETE"
# A terminal status is never left; an update that is not legal is passed over.
LEGAL_UPDATES = {
    RUNNING: {COMPLETE, INCOMPLETE, RATE_LIMITED},
    RATE_LIMITED: {RUNNING, COMPLETE, INCOMPLETE},
}


@dataclass
class Checkpoint:
    """A STATE with the counts of the records before it: by the source, by the platform, by the destination."""

    number: int
    said: float | None
    counted: int
    stored: float | None = None


@dataclass(frozen=True)
class Limit:
    """A RATE_LIMITED status: when it came (the feeder's seconds), when it was made, its quota reset (ms)."""

    at: float
    emitted_at: float
    quota_reset: Any


@dataclass
class StreamTrack:
    """What the platform knows of one stream. `events` are its messages in order, runs of records as one RECORD."""

    configured: dict[str, Any]
    records: int = 0
    since_state: int = 0
    checkpoints: list[Checkpoint] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    errors: list[Message] = field(default_factory=list)
    run_state: str | None = None
    source_complete: bool = False
    latest_state: int | None = None

    @property
    def selected(self) -> set[str]:
        return set(self.configured["stream"]["json_schema"]["properties"])

    @property
    def committed(self) -> int:
        """Records that the destination has acknowledged."""
        return sum(each.counted for each in self.checkpoints if each.stored is not None)

    def happened(self, event: str) -> None:
        if event != "RECORD" or self.events[-1:] != ["RECORD"]:
            self.events.append(event)

    def update(self, run_state: str) -> None:
        if self.run_state is None or run_state in LEGAL_UPDATES.get(self.run_state, set()):
            self.run_state = run_state


class Tracker:
    """Takes one attempt's messages. `faults` are what makes the real platform fail the attempt."""

    def __init__(self, catalog: Catalog, started_at: float) -> None:
        self.streams: dict[Key, StreamTrack] = {key_of(each): StreamTrack(each) for each in catalog["streams"]}
        self.faults: list[str] = []
        self.dropped: list[str] = []
        self.errors: list[Message] = []
        self.configs: list[dict[str, Any]] = []
        self.estimate_types: set[str] = set()
        self.exit_code: int | None = None
        self.longest_without_beat = 0.0
        self.longest_silence = 0.0
        self._beat_at = self._heard_at = started_at
        self._states = 0

    # --- from the source ------------------------------------------------------------------------------------------

    def accept(self, message: Message, at: float) -> Message | None:
        """Takes one message of the source; what the destination gets of it, or None."""
        kind = message.get("type")
        self._hear(at, beats=kind in FORWARDED)
        if kind == "LOG":
            return None
        if problem := missing_part(message):
            self.dropped.append(problem)
            return None
        if kind == "RECORD":
            return self._record(message)
        if kind == "STATE":
            return self._state(message)
        if kind == "CONTROL":
            self.configs.append(message["control"]["connectorConfig"]["config"])
        elif kind == "TRACE":
            self._trace(message["trace"], at)
        else:
            self.dropped.append(f"a message of type {kind}")
        return None

    def reject(self, line: bytes) -> None:
        """A line that is no message: the platform drops it."""
        self.dropped.append(f"a line of {len(line)} bytes that is no JSON object")

    def end(self, exit_code: int, at: float) -> list[Key]:
        """The source has ended; which streams the destination is told are complete: all with exit code 0, or none."""
        self._hear(at, beats=True)
        self.exit_code = exit_code
        return list(self.streams) if exit_code == 0 else []

    def states_to_inject(self) -> list[Key]:
        """Full-refresh streams for which the platform must make up a STATE, because the source sent none."""
        return [
            key
            for key, track in self.streams.items()
            if track.configured["sync_mode"] == FULL_REFRESH
            and not track.configured["stream"].get("is_resumable")
            and not track.checkpoints
        ]

    def _hear(self, at: float, *, beats: bool) -> None:
        self.longest_silence = max(self.longest_silence, at - self._heard_at)
        self._heard_at = at
        if beats:
            self.longest_without_beat = max(self.longest_without_beat, at - self._beat_at)
            self._beat_at = at

    def _known(self, key: Key, what: str) -> StreamTrack | None:
        if key not in self.streams:
            self.faults.append(f"{what} of stream {key[1]} in namespace {key[0]}, which the catalog does not have")
        return self.streams.get(key)

    def _record(self, message: Message) -> Message | None:
        record = message["record"]
        track = self._known((record.get("namespace"), record["stream"]), "a RECORD")
        if track is None:
            return None
        if problem := key_problem(track.configured, record["data"]):
            self.faults.append(problem)
        track.records += 1
        track.since_state += 1
        track.happened("RECORD")
        track.update(RUNNING)
        kept = {name: value for name, value in record["data"].items() if name in track.selected}
        return {**message, "record": {**record, "data": kept}}

    def _state(self, message: Message) -> Message | None:
        state = message["state"]
        if state.get("type") != "STREAM":
            self.faults.append(f"a STATE of type {state.get('type')}")
            return None
        key = descriptor_key(state["stream"]["stream_descriptor"])
        track = self._known(key, "a STATE")
        if track is None:
            return None
        self._states += 1
        said = (state.get("sourceStats") or {}).get("recordCount")
        track.checkpoints.append(Checkpoint(self._states, said, track.since_state))
        track.latest_state = self._states
        track.happened("STATE")
        stats = {"recordCount": track.since_state if said is None else said}
        track.since_state = 0
        return {**message, "state": {**state, "sourceStats": stats, "id": self._states}}

    def _trace(self, trace: Message, at: float) -> None:
        if trace["type"] == "STREAM_STATUS":
            self._status(trace, at)
        elif trace["type"] == "ESTIMATE":
            self.estimate_types.add(trace["estimate"]["type"])
            self._known(descriptor_key(trace["estimate"]), "an ESTIMATE")
        elif trace["type"] == "ERROR":
            error = trace["error"]
            self.errors.append(error)
            if (descriptor := error.get("stream_descriptor")) and (
                track := self._known(descriptor_key(descriptor), "an ERROR")
            ):
                track.errors.append(error)

    def _status(self, trace: Message, at: float) -> None:
        said = trace["stream_status"]
        track = self._known(descriptor_key(said["stream_descriptor"]), f"status {said['status']}")
        if track is None:
            return
        limited = [reason.get("type") for reason in said.get("reasons") or []] == [RATE_LIMITED]
        if said["status"] == RUNNING and limited:
            reset = (said["reasons"][0].get("rate_limited") or {}).get("quota_reset")
            track.limits.append(Limit(at, trace["emitted_at"], reset))
        status = RATE_LIMITED if limited else said["status"]
        track.happened(status)
        if status == COMPLETE:
            # The stream is complete for the platform once the destination acknowledges its last STATE.
            track.source_complete = True
        else:
            track.update(RUNNING if status == "STARTED" else status)

    # --- from the destination -------------------------------------------------------------------------------------

    def acknowledge(self, message: Message) -> None:
        """Takes a STATE that the destination gives back: the records before it are safe."""
        state = message["state"]
        track = self.streams[descriptor_key(state["stream"]["stream_descriptor"])]
        for checkpoint in track.checkpoints:
            if checkpoint.number == state["id"]:
                checkpoint.stored = state["destinationStats"]["recordCount"]
        if track.source_complete and track.latest_state == state["id"]:
            track.update(COMPLETE)

    @property
    def committed_states(self) -> int:
        """How many STATEs the destination has acknowledged."""
        return sum(1 for track in self.streams.values() for each in track.checkpoints if each.stored is not None)


def descriptor_key(descriptor: Message) -> Key:
    return descriptor.get("namespace"), descriptor["name"]


def missing_part(message: Message) -> str:
    """Why the platform drops a message without a word, or nothing."""
    kind = str(message.get("type"))
    content = message.get(kind.lower())
    if not isinstance(content, dict):
        return f"a {kind} without content"
    if kind == "RECORD" and not (content.get("stream") and content.get("data")):
        return "a RECORD without stream or data"
    if kind in ("TRACE", "CONTROL") and (content.get("type") is None or content.get("emitted_at") is None):
        return f"a {kind} without type or time"
    return ""


def key_problem(configured: dict[str, Any], data: dict[str, Any]) -> str:
    """Why the platform fails a sync that deduplicates because of a record, or nothing; never quotes the record."""
    if configured["sync_mode"] != INCREMENTAL or not configured["destination_sync_mode"].endswith("dedup"):
        return ""
    name = configured["stream"]["name"]
    if not configured["primary_key"]:
        return f"{name}: deduplicates without a primary key"
    present = any(
        all(part in data and data[part] is not None for part in path[:1]) for path in configured["primary_key"]
    )
    return "" if present else f"{name}: a record without primary key"
