"""Fresh and cheap: most syncs ask for what is new, once in a while one looks back, and nothing leaves three times."""

from __future__ import annotations

import random
import weakref
from collections import Counter
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast

import pytest
import requests_mock

from source_kit import lookback, timestamps
from source_kit.catalog_input import ConfiguredStream
from source_kit.state_input import StreamState
from source_kit.stream import TimeCursor
from source_kit.testing import NOON, FakeClock
from source_kit.work import Page, Plan, Start
from source_outreach import marks
from source_outreach.collections import table
from unit_tests.outreach_account import API, connected, sync
from unit_tests.vendor_list import VendorList

EVERY = timedelta(minutes=5)
LATEST = timedelta(hours=6)


class Syncs:
    """Syncs of one stream, one after the other, each from the state of the one before."""

    def __init__(self, vendor: VendorList, **config: Any) -> None:
        self.vendor = vendor
        self.name = next(name for name, each in table().items() if each.plural == vendor.plural)
        self.config = config
        self.state: dict[str, Any] | None = None
        self.emitted: Counter[tuple[int, str]] = Counter()
        self.error = ""

    def sync(self, now: datetime) -> list[int]:
        """The ids that it emits."""
        self.vendor.now = now
        connection = connected(access_token="a", token_expiry_date=None, **self.config)
        connection.clock = FakeClock(now)
        states = {} if self.state is None else {self.name: StreamState(self.state, own=True)}
        code = sync(connection, ConfiguredStream(self.name, "incremental"), states=states)
        messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
        if code:
            self.error = next(m["trace"]["error"]["message"] for m in messages if m.get("trace", {}).get("error"))
            return []
        rows = [m["record"]["data"] for m in messages if m["type"] == "RECORD"]
        self.state = [m["state"]["stream"]["stream_state"] for m in messages if m["type"] == "STATE"][-1]
        self.emitted.update((row["id"], row[self.vendor.field]) for row in rows)
        return [row["id"] for row in rows]


@pytest.fixture
def stages(requests_mock: requests_mock.Mocker) -> VendorList:
    vendor = VendorList("stages")
    requests_mock.get(f"{API}/stages", json=vendor.answer)
    return vendor


def test_the_second_change_within_a_second_leaves_as_well(stages: VendorList) -> None:
    """It shows the same time as the first."""
    stages.put(1, NOON)
    syncs = Syncs(stages)
    assert syncs.sync(NOON + timedelta(milliseconds=400)) == [1]
    stages.put(1, NOON)
    assert syncs.sync(NOON + timedelta(seconds=2)) == [1]
    assert syncs.sync(NOON + timedelta(seconds=4)) == []


def test_a_clock_that_is_ahead_of_outreachs_costs_no_second_change(requests_mock: requests_mock.Mocker) -> None:
    """Ten seconds: by the clock here the second of the change is long over."""
    vendor, ahead = VendorList("stages"), timedelta(seconds=10)

    def answer(request: Any, context: Any) -> dict[str, Any]:
        context.headers["Date"] = format_datetime(vendor.now - ahead, usegmt=True)
        return vendor.answer(request, context)

    requests_mock.get(f"{API}/stages", json=answer)
    vendor.put(1, NOON)
    syncs = Syncs(vendor)
    assert syncs.sync(NOON + ahead + timedelta(milliseconds=400)) == [1]
    vendor.put(1, NOON)
    assert syncs.sync(NOON + ahead + timedelta(seconds=2)) == [1]
    assert syncs.sync(NOON + ahead + timedelta(seconds=4)) == []


def test_a_row_that_shows_seconds_late_comes_with_the_next_sync(stages: VendorList) -> None:
    """Not with a look-back hours later; and what came before does not leave again for it."""
    stages.put(1, NOON)
    syncs = Syncs(stages)
    stages.put(2, NOON - timedelta(seconds=20), NOON + timedelta(seconds=20))
    assert syncs.sync(NOON + timedelta(seconds=10)) == [1]
    assert syncs.sync(NOON + timedelta(seconds=40)) == [2]
    assert syncs.sync(NOON + timedelta(seconds=70)) == []


def test_what_is_more_than_can_be_remembered_does_not_leave_again_for_the_last_minute(
    stages: VendorList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither rows of one instant, nor more changes than that between two syncs."""
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", 3)
    stages.put(99, NOON - timedelta(days=1))
    syncs = Syncs(stages)
    syncs.sync(NOON - EVERY)
    for number in range(5):
        stages.put(number, NOON - timedelta(seconds=20))
    assert [len(syncs.sync(NOON + timedelta(seconds=15 * n))) for n in range(5)] == [5, 0, 0, 0, 0]
    for number in range(30):
        stages.put(100 + number, NOON + timedelta(seconds=100 + 6 * number))
    assert [len(syncs.sync(NOON + EVERY + timedelta(seconds=15 * n))) for n in range(5)] == [30, 0, 0, 0, 0]


@pytest.mark.parametrize("most", [lookback.MOST_REMEMBERED, 3])
def test_a_change_leaves_once_in_a_day_of_syncs_and_one_that_shows_late_comes_with_a_look_back(
    stages: VendorList, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(lookback, "MOST_REMEMBERED", most)
    chance = random.Random(7)
    for number in range(200):
        stages.put(number, NOON - timedelta(days=20) + timedelta(hours=number))
    syncs = Syncs(stages)
    assert len(syncs.sync(NOON)) == 200
    changed: set[tuple[int, str]] = set()
    requests, steps = stages.requests, timedelta(hours=24) // EVERY
    # The day, and the hours in which its last late change may show.
    for step in range(1, steps + timedelta(hours=13) // EVERY):
        now = NOON + step * EVERY
        if step <= steps and chance.random() < 0.3:
            number = 1000 + step
            at = now - timedelta(seconds=chance.randrange(300))
            late = chance.random() * LATEST if chance.random() < 0.1 else timedelta(0)
            stages.put(number, at, at + late)
            changed.add((number, timestamps.milliseconds_z(at)))
        syncs.sync(now)
    assert changed <= set(syncs.emitted)
    counts = [syncs.emitted[change] for change in changed]
    assert max(counts) <= (1 if most > 3 else 2)
    assert len(changed) > 50
    # One request a sync.
    assert stages.requests - requests <= steps + timedelta(hours=13) // EVERY


def test_with_no_interval_every_sync_looks_back_and_repeats_nothing(stages: VendorList) -> None:
    stages.put(1, NOON - timedelta(minutes=9))
    syncs = Syncs(stages, lookback_interval_hours=0)
    assert syncs.sync(NOON) == [1]
    stages.put(2, NOON - timedelta(hours=2), shows=NOON + timedelta(minutes=1))
    assert syncs.sync(NOON + EVERY) == [2]
    assert syncs.sync(NOON + 2 * EVERY) == []


def test_a_state_of_before_has_one_mark_and_is_gone_on_from(stages: VendorList) -> None:
    stages.put(1, NOON - timedelta(hours=8))
    stages.put(2, NOON - timedelta(hours=3))
    syncs = Syncs(stages)
    syncs.state = {"updatedAt": timestamps.milliseconds_z(NOON - timedelta(hours=6)), "__v": 1}
    assert syncs.sync(NOON) == [2]
    assert syncs.sync(NOON + EVERY) == []


def test_a_read_in_windows_says_states_on_its_way_that_lose_nothing(stages: VendorList) -> None:
    for number in range(400):
        stages.put(number, NOON - timedelta(days=40) + timedelta(hours=number))
    connection = connected(page_size=10)
    stages.now = NOON
    assert sync(connection, ConfiguredStream("stages", "incremental")) == 0
    messages = connection.output.messages()  # type: ignore[attr-defined]  # a kept output
    out: set[int] = set()
    states = 0
    for message in messages:
        if message["type"] == "RECORD":
            out.add(message["record"]["data"]["id"])
        elif message["type"] == "STATE":
            states += 1
            deep = timestamps.parse(message["state"]["stream"]["stream_state"]["updatedAt"])
            assert not [number for number, (at, _) in stages.rows.items() if at < deep and number not in out]
    assert (len(out), states > 3) == (400, True)


def test_a_broken_mark_is_named(stages: VendorList) -> None:
    syncs = Syncs(stages)
    syncs.state = {"updatedAt": "2025-01-01T00:00:00Z", "__emitted": 5, "__v": 1}
    syncs.sync(NOON)
    assert syncs.error.startswith("The state of stream stages holds no list of strings in __emitted")


def test_reference_data_is_left_alone_for_so_many_hours(stages: VendorList) -> None:
    stages.put(1, NOON - timedelta(days=9))
    syncs = Syncs(stages, reference_interval_hours=24)
    assert syncs.sync(NOON) == [1]
    stages.put(2, NOON + timedelta(hours=1))
    asked = stages.requests
    for hours in (1, 12, 23.9):
        assert syncs.sync(NOON + timedelta(hours=hours)) == []
    assert stages.requests == asked
    assert syncs.sync(NOON + timedelta(hours=24)) == [2]
    # A clock that was wrong once does not keep it away.
    syncs.state = {**(syncs.state or {}), "__read_at": "2031-01-01T00:00:00Z"}
    stages.put(3, NOON + timedelta(hours=25))
    assert syncs.sync(NOON + timedelta(hours=25)) == [3]


def test_other_streams_are_read_in_every_sync(requests_mock: requests_mock.Mocker) -> None:
    vendor = VendorList("prospects")
    requests_mock.get(f"{API}/prospects", json=vendor.answer)
    vendor.put(1, NOON - timedelta(days=9))
    syncs = Syncs(vendor, reference_interval_hours=24)
    syncs.sync(NOON)
    vendor.put(2, NOON + timedelta(minutes=1))
    assert syncs.sync(NOON + EVERY) == [2]


def test_sixteen_streams_are_reference_data() -> None:
    assert [name for name, each in table().items() if each.is_reference] == [
        "roles",
        "profiles",
        "teams",
        "mailboxes",
        "mail_aliases",
        "stages",
        "opportunity_stages",
        "personas",
        "call_dispositions",
        "call_purposes",
        "task_priorities",
        "task_purposes",
        "task_dispositions",
        "content_categories",
        "content_category_ownerships",
        "rulesets",
    ]


class Row(dict[str, Any]):
    """A record of which it can be told whether it is still in memory."""


def test_a_read_by_marks_that_waits_for_its_turn_holds_no_record_that_has_left() -> None:
    def pages() -> Plan:
        yield Page([Row(id=1, updatedAt="2026-01-01T11:00:00Z")])
        yield Page([Row(id=2, updatedAt="2026-01-01T11:00:01Z")])

    cursor = TimeCursor("updatedAt", None, timedelta(0))
    look = lookback.Lookback("stages", cursor, Start(incremental=True), every=timedelta(0), now=NOON)
    plan = marks._fresh(pages(), look.fresh)
    left = [weakref.ref(cast(Page, next(plan)).records[0]) for _ in range(2)]
    assert [each() for each in left] == [None, None]
