"""Judges a read under mutations, stream by stream. Everything here is a pure function of what was seen.

A stream is complete: every record that no mutation touched is there, once and unchanged, and so is every touched row
that still is an object. Or it failed clearly, and a second run from its last state brings the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.connector import Stream
from harness.truth import canonical
from mutator.answers import text_of
from mutator.outcome import Outcome
from mutator.table import BY_NAME

Record = dict[str, Any]
Applied = dict[str, Any]
UNCLEAR = re.compile("fault in the connector|unexpected|traceback", re.IGNORECASE)
PLACE = re.compile(r"\w+ in \w+\.py:\d+ \w+")
"""Where in the code an exception came from, as internal messages have it."""
HOLDS = "the state stays"
"""What a stream says that knows of rows which did not come."""
MOST_FIELDS = 3
"""A field that a mutation changed may show in fields that are derived from it."""
SHORTEST_IN_NAMES = 10
SAMPLE = 3


@dataclass(frozen=True)
class Finding:
    """Something that must not be. `kind` groups what is alike."""

    kind: str
    stream: str
    text: str


@dataclass(frozen=True)
class Reach:
    """The mutations that can have met one stream.

    `is_child`: records that name a touched row are touched too, as those that are asked for by the row's id.
    """

    applied: tuple[Applied, ...]
    is_child: bool = False

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        return [row for applied in self.applied for row in applied["rows"]]

    @cached_property
    def touched(self) -> set[str]:
        return {identifier for row in self.rows for identifier in row["ids"]}

    @cached_property
    def new_ids(self) -> set[str]:
        return {identifier for row in self.rows for identifier in (row["after_id"], *row["after_ids"])}

    @property
    def any_id_is_new(self) -> bool:
        """An id that came as text that is no JSON: whatever it became is right."""
        return any("\x02" in identifier for identifier in self.new_ids)

    @property
    def may_lose(self) -> bool:
        return any(
            applied["may_lose"] or (applied["lasting"] and BY_NAME[applied["mutation"]].hides)
            for applied in self.applied
        )

    @cached_property
    def withheld(self) -> set[str]:
        """The rows that no answer to a request has shown."""
        return {name for applied in self.applied if applied["lasting"] for name in applied["withheld"]}

    @property
    def stops_nothing(self) -> bool:
        """Whether the stream must be read to its end. One that is called after a row may be gone with its name."""
        is_gone = self.is_child and bool(self.rows)
        return not is_gone and all(BY_NAME[applied["mutation"]].harmless for applied in self.applied)

    def refused(self, stream: Stream) -> set[str]:
        """The fields whose parameter every request that had it was refused with."""
        targets = [each["target"] for each in self.applied if each["lasting"] and each["mutation"] == "status: refused"]
        return {name for name, sent in stream.asked_for.items() if any(sent in target for target in targets)}

    def named_after_touched(self, names: Iterable[str]) -> set[str]:
        """The fields that a touched row defines: `custom.cf_...` of a custom field. Short ids stand in other names."""
        long_ids = [identifier for identifier in self.touched if len(identifier) >= SHORTEST_IN_NAMES]
        return {name for name in names if any(identifier in name for identifier in long_ids)}

    def touches(self, identifier: str, record: Record) -> bool:
        """Whether a record of the truth may have become another one, or none."""
        if identifier in self.touched or any(row["nameless"] for row in self.rows):
            return True
        if identifier in self.withheld:
            return True
        # An answer that is one record: what stands in its lists is a part of it.
        if identifier and any(f"/{identifier}/" in applied["target"] for applied in self.applied):
            return True
        if not self.is_child:
            return False
        words = set(words_of(record))
        gone = self.touched | self.withheld
        return any(row["has_parts"] for row in self.rows) or bool(gone & words) or self._names(words)

    def _names(self, words: set[str]) -> bool:
        """Whether a touched row is named: `kobject.ticket` by what belongs to the class `ticket`."""
        endings = tuple(f".{name}" for row in self.rows for name in row["names"])
        return any(word.endswith(endings) for word in words)


def words_of(value: Any) -> Iterable[str]:
    """Every text and number inside a value."""
    if isinstance(value, dict):
        for part in value.values():
            yield from words_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from words_of(part)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)


def identity_of(stream: Stream, record: Record) -> str:
    """The record's identity as text; empty if it has none."""
    try:
        return text_of(stream.identity(record))
    except (KeyError, TypeError):
        return ""


def comparable(stream: Stream, record: Record) -> Record:
    """The record in the form of the truth, or as it is where a mutation makes that impossible."""
    try:
        return stream.comparable(record)
    except (KeyError, TypeError, AttributeError, ValueError):
        return record


def completeness(stream: Stream, truth: Mapping[str, Record], emitted: list[Record], reach: Reach) -> list[Finding]:
    """What is lost, changed, repeated or invented in a stream that says it is complete."""
    records = [comparable(stream, record) for record in emitted]
    names = [identity_of(stream, record) for record in records]
    findings = lost(stream, truth, set(names), reach) + altered(stream, truth, records, reach)
    counts = Counter(names)
    repeated = [name for name, count in counts.items() if count > 1 and name in truth and name not in reach.touched]
    if repeated:
        findings.append(Finding("repeated", stream.name, f"{len(repeated)} emitted again: {sorted(repeated)[:SAMPLE]}"))
    surplus = {name for name in counts.keys() - truth.keys() - reach.new_ids if name or not reach.rows}
    # Where rows have no ids, another field tells them apart, and that may have changed.
    is_renamed = reach.any_id_is_new or any(row["nameless"] for row in reach.rows)
    if surplus and not is_renamed and not (reach.is_child and reach.rows):
        findings.append(
            Finding("invented", stream.name, f"{len(surplus)} not in the account: {sorted(surplus)[:SAMPLE]}")
        )
    return findings


def lost(stream: Stream, truth: Mapping[str, Record], emitted: set[str], reach: Reach) -> list[Finding]:
    """Records that did not arrive: untouched ones, and touched rows that are objects still."""
    if reach.may_lose:
        return []
    gone = [name for name in truth.keys() - emitted if not reach.touches(name, truth[name])]
    found = [Finding("lost", stream.name, f"{len(gone)} of {len(truth)}: {sorted(gone)[:SAMPLE]}")] if gone else []
    for row in reach.rows:
        if row["arrives"] and row["id"] in truth and not reach.is_child:
            forms = {row["id"], row["after_id"]}
            if not forms & emitted and not reach.any_id_is_new:
                found.append(Finding("mutated row lost", stream.name, f"{row['id']} as {row['after_id'] or 'no id'!r}"))
    return found


def unchanged(stream: Stream, truth: Mapping[str, Record], emitted: list[Record]) -> set[str]:
    """The records that were emitted as the account has them."""
    named = {identity_of(stream, record): comparable(stream, record) for record in emitted}
    return {
        name
        for name, record in named.items()
        if name in truth and canonical_or_empty(record) == canonical_or_empty(truth[name]) != b""
    }


def knows_of_losses(stream: str, outcome: Outcome) -> bool:
    """Whether a stream that is complete has warned that rows are missing, and left its state before them."""
    said = [line for line in outcome.result.logs if line.startswith(f"WARN Stream {stream}: ")]
    return any(HOLDS in line.lower() for line in said)


def altered(stream: Stream, truth: Mapping[str, Record], records: list[Record], reach: Reach) -> list[Finding]:
    """Records that are not as the account has them, beyond what mutations changed."""
    fields: dict[str, set[str]] = {}
    single = {row["id"] for row in reach.rows if row["fields"]}
    whole = {identifier for row in reach.rows if not row["fields"] for identifier in row["ids"]}
    for record in records:
        name = identity_of(stream, record)
        true = truth.get(name)
        if true is None or name in whole or canonical_or_empty(true) == canonical_or_empty(record):
            continue
        differing = {key for key in true.keys() | record.keys() if true.get(key) != record.get(key)}
        differing -= reach.named_after_touched(differing)
        differing -= {name for name in reach.refused(stream) if record.get(name) is None}
        if not differing:
            continue
        if not reach.touches(name, true) or (name in single and len(differing) > MOST_FIELDS):
            fields[name] = differing
    if not fields:
        return []
    names = sorted(set().union(*fields.values()))[:5]
    return [Finding("changed", stream.name, f"{len(fields)} differ in {names}: {sorted(fields)[:SAMPLE]}")]


def canonical_or_empty(record: Record) -> bytes:
    """Empty where the record cannot be written: it differs from any other."""
    try:
        return canonical(record)
    except TypeError:
        return b""


def clarity(stream: str, outcome: Outcome) -> list[Finding]:
    """What is wrong with how a stream failed; with how the run did, for an empty name."""
    errors = outcome.errors(stream or None)
    if stream and not errors and not outcome.errors(None):
        return [Finding("failed without a word", stream, f"status {outcome.status(stream) or 'none'}")]
    found = []
    for error in errors:
        message = str(error.get("message"))
        if UNCLEAR.search(message):
            inner = str(error.get("internal_message"))[:300]
            place = PLACE.search(inner)
            kind = f"unclear message, {place[0]}" if place else "unclear message"
            found.append(Finding(kind, stream, f"{message} / {inner}"))
        elif error.get("stack_trace") and "Traceback" in str(error["stack_trace"]):
            found.append(Finding("traceback", stream, f"{message} / {str(error['stack_trace'])[-300:]}"))
    return found


def recovery(stream: Stream, truth: Mapping[str, Record], runs: tuple[Outcome, Outcome], reach: Reach) -> list[Finding]:
    """What a second run from the last state has not brought."""
    second = runs[1]
    if second.status(stream.name) != "COMPLETE":
        return [Finding("second run failed", stream.name, str([e.get("message") for e in second.errors(stream.name)]))]
    emitted = [record for run in runs for record in run.result.records.get(stream.name, [])]
    newest = {identity_of(stream, record): record for record in (comparable(stream, record) for record in emitted)}
    found = lost(stream, truth, set(newest), reach) + altered(stream, truth, list(newest.values()), reach)
    return [Finding(f"{finding.kind} after a second run", finding.stream, finding.text) for finding in found]


def manners(outcome: Outcome, names: Iterable[str], limit_seconds: float) -> list[Finding]:
    """What no run may do, whatever it was answered."""
    result = outcome.result
    if result.seconds >= limit_seconds:
        return [
            Finding(
                "hang", "", f"killed after {result.seconds:.0f} s, without a final status: {unfinished(outcome, names)}"
            )
        ]
    found = [Finding("damaged output", "", text) for text in outcome.damaged]
    if result.tail:
        found.append(Finding("damaged output", "", "the last line has no end"))
    if result.stderr:
        found.append(Finding("stderr", "", result.stderr[-400:]))
    if open_streams := unfinished(outcome, names):
        found.append(Finding("no final status", "", f"{len(open_streams)} streams: {open_streams[:SAMPLE]}"))
    failed = [name for name in names if outcome.status(name) != "COMPLETE"]
    if result.exit_code != (1 if failed else 0):
        found.append(Finding("exit code", "", f"{result.exit_code} with {len(failed)} streams failed"))
    said = [line for line in result.logs if re.search("fault in the connector|Traceback", line)]
    return found + [Finding("unclear log", "", line[:300]) for line in said[:1]]


def unfinished(outcome: Outcome, names: Iterable[str]) -> list[str]:
    """The streams whose last status is neither COMPLETE nor INCOMPLETE."""
    return [name for name in names if outcome.status(name) not in ("COMPLETE", "INCOMPLETE")]


def command_outcome(command: str, outcome: Outcome, limit_seconds: float) -> list[Finding]:
    """What is wrong with how `check` or `discover` ended."""
    result = outcome.result
    if result.seconds >= limit_seconds:
        return [Finding("hang", command, f"killed after {result.seconds:.0f} s")]
    found = [Finding("stderr", command, result.stderr[-400:])] if result.stderr else []
    statuses = [message["connectionStatus"] for message in result.of_type("CONNECTION_STATUS")]
    answers = statuses if command == "check" else result.of_type("CATALOG")
    sentences = [str(status.get("message", "")) for status in statuses]
    sentences += [str(error.get("message")) for error in result.errors]
    if len(answers) + len(result.errors) != 1 or result.exit_code != (1 if result.errors else 0):
        found.append(Finding("no clear end", command, f"{len(answers)} answers, {result.describe()}"))
    return found + [Finding("unclear message", command, text) for text in sentences if UNCLEAR.search(text)]
