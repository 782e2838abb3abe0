"""Compares what a connector emitted with what the emulated account holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from harness import exact_json
from harness.connector import Connector, Stream

SAMPLE = 5


def canonical(record: dict[str, Any]) -> bytes:
    """Equal for equal records, whatever the order of their keys."""
    return exact_json.dumps(record)


def differences(stream: Stream, truth: Iterable[dict[str, Any]], emitted: Iterable[dict[str, Any]]) -> list[str]:
    """Problems unless `emitted` is exactly `truth` as a multiset of records; names ids and fields, not values."""
    expected = {stream.identity(record): record for record in truth}
    records = [stream.comparable(record) for record in emitted]
    counts = Counter(stream.identity(record) for record in records)
    problems = missing(stream, expected, counts)
    if surplus := sorted(counts.keys() - expected.keys()):
        problems.append(f"{stream.name}: {len(surplus)} records that the account does not hold: {surplus[:SAMPLE]}")
    if repeated := [key for key, count in counts.items() if count > 1]:
        problems.append(f"{stream.name}: {len(repeated)} records emitted more than once: {repeated[:SAMPLE]}")
    return problems + _altered(stream, expected, records)


def missing(stream: Stream, expected: Collection[str], emitted: Collection[str]) -> list[str]:
    """Problems unless every expected id was emitted."""
    lost = sorted(set(expected) - set(emitted))
    return [f"{stream.name}: {len(lost)} of {len(expected)} records missing: {lost[:SAMPLE]}"] if lost else []


def covers(stream: Stream, truth: Iterable[dict[str, Any]], emitted: Iterable[dict[str, Any]]) -> list[str]:
    """Problems unless the newest emitted form of every record of `truth` is the true one; repetitions are fine."""
    expected = {stream.identity(record): record for record in truth}
    newest = {stream.identity(record): record for record in map(stream.comparable, emitted)}
    return missing(stream, expected, newest) + _altered(stream, expected, newest.values())


def _altered(stream: Stream, expected: dict[str, Any], records: Iterable[dict[str, Any]]) -> list[str]:
    wrong: dict[str, set[str]] = {}
    for record in records:
        true = expected.get(stream.identity(record))
        if true is not None and canonical(true) != canonical(record):
            fields = {name for name in true.keys() | record.keys() if true.get(name) != record.get(name)}
            wrong.setdefault(stream.identity(record), set()).update(
                fields or true.keys() ^ record.keys() or {"(key order)"}
            )
    if not wrong:
        return []
    names = sorted(set().union(*wrong.values()))
    return [f"{stream.name}: {len(wrong)} records differ from the account's, in {names[:10]}: {sorted(wrong)[:SAMPLE]}"]


def all_differences(
    connector: Connector, truth: dict[str, list[dict[str, Any]]], emitted: dict[str, list[dict[str, Any]]]
) -> list[str]:
    """`differences` of every stream of `truth`."""
    return [
        problem
        for name, records in truth.items()
        for problem in differences(connector.stream(name), records, emitted.get(name, []))
    ]
