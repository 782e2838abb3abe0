"""The ledger: a state is held until the next differs, never goes backwards, never runs ahead of the records."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_kit.state import FULL_REFRESH_DONE, NO_CURSOR_STATE, StateLedger
from source_kit.timestamps import parse

T1, T2, T3 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z"
Told = tuple[Mapping[str, Any], int] | None


def told(ledger: StateLedger, checkpoint: Mapping[str, Any] | None, records: int) -> Told:
    """Records are written, and everything before their checkpoint has been."""
    ledger.wrote(records)
    return ledger.reached(checkpoint)


def incremental(given: Mapping[str, Any] | None = None) -> StateLedger:
    return StateLedger("at", True, given or {})


def test_a_state_leaves_only_when_the_next_one_differs() -> None:
    ledger = incremental()
    assert told(ledger, {"at": T1}, 10) is None
    assert told(ledger, {"at": T1}, 5) is None
    assert told(ledger, {"at": T2}, 3) == ({"at": T1, "__v": 1}, 18)
    ledger.wrote(4)
    assert ledger.finish() == ({"at": T2, "__v": 1}, 4)


def test_the_held_state_leaves_after_the_last_record() -> None:
    ledger = incremental()
    told(ledger, {"at": T1}, 10)
    told(ledger, None, 4)
    assert ledger.finish() == ({"at": T1, "__v": 1}, 14)


def test_records_without_checkpoint_do_not_release_a_state() -> None:
    ledger = incremental()
    assert told(ledger, None, 10) is None
    assert ledger.interrupted() is None
    assert told(ledger, {"at": T1}, 1) is None
    assert ledger.interrupted() == ({"at": T1, "__v": 1}, 11)


def test_an_older_checkpoint_moves_nothing() -> None:
    ledger = incremental({"at": T2, "__v": 1})
    assert told(ledger, {"at": T1}, 10) is None
    assert ledger.finish() == ({"at": T2, "__v": 1}, 10)


def test_values_are_compared_as_instants_not_as_text() -> None:
    ledger = incremental({"at": "2026-01-01T10:00:00+05:00", "__v": 1})
    ledger.advance({"at": "2026-01-01T06:00:00Z"})
    assert ledger.final() == {"at": "2026-01-01T06:00:00Z", "__v": 1}
    ledger.advance({"at": "2026-01-01T10:30:00+05:00"})
    assert ledger.final() == {"at": "2026-01-01T06:00:00Z", "__v": 1}


def test_a_state_in_the_future_is_kept_and_does_not_go_back() -> None:
    ledger = incremental({"at": "2999-01-01T00:00:00Z", "__v": 1})
    assert ledger.start().position == {"at": "2999-01-01T00:00:00Z"}
    told(ledger, {"at": T1}, 1)
    assert ledger.final() == {"at": "2999-01-01T00:00:00Z", "__v": 1}


def test_a_stream_without_records_ends_with_the_state_it_began_with() -> None:
    assert incremental({"at": T1, "__v": 1}).finish() == ({"at": T1, "__v": 1}, 0)
    assert incremental().finish() == ({"__v": 1}, 0)


def test_other_keys_of_a_checkpoint_are_carried_along() -> None:
    ledger = incremental({"at": T1, "__events_until": T1, "__v": 1})
    ledger.advance({"at": T2, "seen": ["a"]})
    assert ledger.final() == {"at": T2, "__events_until": T1, "seen": ["a"], "__v": 1}


def test_a_full_refresh_is_marked_while_it_runs_and_when_it_is_done() -> None:
    ledger = StateLedger("at", False, {})
    told(ledger, {"at": T1}, 2)
    assert told(ledger, {"at": T2}, 2) == ({"at": T1, "__full_refresh": True}, 4)
    assert ledger.finish() == (FULL_REFRESH_DONE, 0)


def test_a_full_refresh_goes_on_where_an_earlier_attempt_ended() -> None:
    ledger = StateLedger("at", False, {"at": T1, "__full_refresh": True})
    assert (ledger.is_done, ledger.start().position) == (False, {"at": T1})


def test_a_finished_full_refresh_is_not_read_again_in_its_attempts() -> None:
    assert StateLedger("at", False, {"__ab_full_refresh_sync_complete": True}).is_done


@pytest.mark.parametrize(
    ("is_incremental", "given_state"),
    [
        (False, {"at": T1, "__v": 1}),
        (True, {"at": T1, "__full_refresh": True}),
        (True, {"__ab_full_refresh_sync_complete": True}),
        (True, {"__ab_no_cursor_state_message": True}),
    ],
)
def test_the_state_of_the_other_sync_mode_is_not_a_position(is_incremental: bool, given_state: dict[str, Any]) -> None:
    ledger = StateLedger("at", is_incremental, given_state)
    assert (ledger.is_done, ledger.start().position) == (False, {})


def test_streams_without_cursor_have_one_state_at_their_end() -> None:
    ledger = StateLedger(None, True, {"at": T1, "__v": 1})
    assert (ledger.start().incremental, ledger.start().position) == (False, {})
    assert told(ledger, None, 3) is None
    assert ledger.interrupted() is None
    assert ledger.finish() == (NO_CURSOR_STATE, 3)


def test_the_given_state_is_not_changed() -> None:
    given_state = {"at": T1, "__v": 1}
    incremental(given_state).advance({"at": T2})
    assert given_state == {"at": T1, "__v": 1}


BATCHES = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 5)), st.integers(0, 3)), max_size=20)


@given(BATCHES, st.one_of(st.none(), st.integers(0, 5)), st.booleans())
def test_states_ascend_count_every_record_and_no_two_equal_ones_have_records_between(
    batches: list[tuple[int | None, int]], begin: int | None, is_incremental: bool
) -> None:
    marker = {"__v": 1} if is_incremental else {"__full_refresh": True}
    ledger = StateLedger("at", is_incremental, {} if begin is None else {"at": f"2026-01-01T00:00:0{begin}Z", **marker})
    written: list[tuple[Mapping[str, Any], int, int]] = []
    records = 0
    for second, count in batches:
        leaving = told(ledger, None if second is None else {"at": f"2026-01-01T00:00:0{second}Z"}, count)
        records += count
        if leaving is not None:
            written.append((*leaving, records))
    written.append((*ledger.finish(), records))
    assert sum(count for _, count, _ in written) == records
    for one, two in itertools.pairwise(written):
        assert one[0] != two[0] or one[2] == two[2]
    values = [parse(value["at"]) for value, _, _ in written if "at" in value]
    assert values == sorted(values)
    assert begin is None or all(value >= parse(f"2026-01-01T00:00:0{begin}Z") for value in values)
    # No state covers more than the checkpoints of the records before it.
    for value, _, position in written[:-1]:
        covered, seen = {None if begin is None else f"2026-01-01T00:00:0{begin}Z"}, 0
        for second, count in batches:
            if seen + count > position:
                break
            seen += count
            covered.add(None if second is None else f"2026-01-01T00:00:0{second}Z")
        assert value.get("at") in covered
