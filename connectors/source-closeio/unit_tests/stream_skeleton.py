"""What is tested of every stream, in the same words: a class with the stream's particulars inherits these tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from unit_tests.closeio_account import Account, by_id


class StreamSkeleton:
    """`group` is the endpoint group of the stream's list; `few` fits on one page, `many` needs several."""

    stream: ClassVar[str]
    group: ClassVar[str]
    few: ClassVar[Mapping[str, Any]] = {}
    many: ClassVar[Mapping[str, Any]] = {}
    empty: ClassVar[Mapping[str, Any]] = {}
    cursor: ClassVar[str | None] = None
    # Statuses that this stream survives by another way.
    survives: ClassVar[frozenset[int]] = frozenset()
    # Statuses that mean something of their own here: failure type and a part of the message.
    meanings: ClassVar[Mapping[int, tuple[str, str]]] = {}

    def comparable(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """A record as the vendor has it."""
        return record

    def check_complete(self, account: Account, records: list[dict[str, Any]]) -> None:
        """Every record of the account, as the vendor has it, exactly once."""
        expected = by_id(account.truth(self.stream))
        assert by_id([self.comparable(record) for record in records]) == expected
        assert len(expected) > 0

    def test_one_page(self) -> None:
        account = Account(**self.few)
        reading = account.read(self.stream)
        assert reading.exit_code == 0
        self.check_complete(account, reading.records)
        assert reading.statuses == ["STARTED", "RUNNING", "COMPLETE"]
        assert account.vendor.groups()[self.group] <= 3

    def test_many_pages(self) -> None:
        account = Account(**self.many)
        reading = account.read(self.stream)
        self.check_complete(account, reading.records)
        assert account.vendor.groups()[self.group] >= 3

    def test_empty(self) -> None:
        account = Account(**self.empty)
        reading = account.read(self.stream)
        assert (reading.exit_code, reading.records) == (0, [])
        assert reading.statuses == ["STARTED", "RUNNING", "COMPLETE"]
        assert len(reading.states) == 1

    def test_resuming_from_every_state_loses_nothing(self) -> None:
        account = Account(**self.many)
        reading = account.read(self.stream)
        if self.cursor is None:
            assert reading.states == [{"__ab_no_cursor_state_message": True}]
            return
        assert all(set(state) >= {"__v"} for state in reading.states)
        assert reading.states[-1][self.cursor] is not None
        for state in reading.states[:: max(1, len(reading.states) // 4)] + reading.states[-1:]:
            again = account.read(self.stream, state)
            before = [row["id"] for row in reading.records if row[self.cursor] <= state.get(self.cursor, "")]
            assert {*before, *again.ids} >= set(reading.ids)
            assert again.states[-1] == reading.states[-1]

    def test_full_refresh(self) -> None:
        account = Account(**self.few)
        reading = account.read(self.stream, mode="full_refresh")
        self.check_complete(account, reading.records)
        done = (
            {"__ab_no_cursor_state_message": True} if self.cursor is None else {"__ab_full_refresh_sync_complete": True}
        )
        assert reading.states[-1] == done

    @pytest.mark.parametrize(
        ("status", "failure", "text"),
        [
            (400, "system_error", "The API refused the request."),
            (402, "config_error", "The Close plan does not include this."),
            (403, "config_error", "lacks the permission to read this."),
            (404, "config_error", "The API does not have this resource"),
            (500, "transient_error", "failed 10 times: The API had a server error."),
        ],
    )
    def test_a_refusal_ends_the_stream_and_says_what_to_do(self, status: int, failure: str, text: str) -> None:
        account = Account(**self.few)
        account.vendor.always[self.group] = (status, {"error": "Ada Lovelace"})
        reading = account.read(self.stream)
        if status in self.survives:
            assert reading.exit_code == 0
            self.check_complete(account, reading.records)
            return
        assert reading.exit_code == 1
        assert reading.statuses == ["STARTED", "INCOMPLETE"]
        (error,) = reading.errors
        failure, text = self.meanings.get(status, (failure, text))
        assert error["failure_type"] == failure
        assert text in error["message"]
        assert f"stream {self.stream}" in error["message"]
        assert f"status {status}" in error["internal_message"]
        assert "Lovelace" not in str(error)

    def test_refused_credentials_end_the_sync(self) -> None:
        account = Account({"api_key": "api_wrong"}, **self.few)
        with pytest.raises(Exception, match="Close refused the credentials"):
            account.read(self.stream)

    @pytest.mark.parametrize(
        "passing", [(429, {}), (500, {}), (502, b"<html>"), (200, b""), (200, {}), (200, b'{"data": [')], ids=str
    )
    def test_a_passing_failure_costs_a_request_and_no_record(self, passing: tuple[int, Any]) -> None:
        account = Account(**self.few)
        account.vendor.answers[self.group] = [passing]
        self.check_complete(account, account.read(self.stream).records)
