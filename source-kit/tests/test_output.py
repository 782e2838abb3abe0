"""Output: whole lines in order from any thread, secrets masked, a closed pipe told."""

from __future__ import annotations

import os
import threading

import orjson
import pytest

from source_kit.output import FLUSH_BYTES, Output, OutputClosed, file_descriptor_sink
from source_kit.testing import FakeClock, KeptOutput


def test_lines_wait_until_they_are_flushed() -> None:
    output = KeptOutput()
    output.write(b"one\n")
    assert output.written == b""
    output.flush()
    assert output.written == b"one\n"


def test_a_full_buffer_leaves_by_itself() -> None:
    output = KeptOutput()
    output.write(b"x" * (FLUSH_BYTES - 1))
    assert output.written == b""
    output.write(b"y")
    assert len(output.written) == FLUSH_BYTES


def test_a_line_leaves_with_the_next_one_after_a_second() -> None:
    clock = FakeClock()
    output = KeptOutput(clock)
    output.write(b"one\n")
    clock.tick(1.0)
    output.write(b"two\n")
    assert output.written == b"one\ntwo\n"


def test_small_parts_leave_together_and_large_ones_as_they_are() -> None:
    calls: list[bytes] = []
    output = Output(calls.append, FakeClock())
    pages = [b"%d" % number * 100_000 for number in range(5)]
    for part in (b"one\n", b"two\n"):
        output.write(part)
    output.flush()
    assert calls == [b"one\ntwo\n"]
    for page in pages:
        output.write(page)
    output.flush()
    assert calls[1:] == pages


def test_flushing_nothing_writes_nothing() -> None:
    calls: list[bytes] = []
    Output(calls.append, FakeClock()).flush()
    assert calls == []


def test_control_leaves_before_the_call_returns() -> None:
    output = KeptOutput()
    output.write(b'{"type":"RECORD"}\n')
    output.control({"refresh_token": "new"})
    first, second = (orjson.loads(line) for line in output.written.splitlines())
    assert first == {"type": "RECORD"}
    assert second["control"]["connectorConfig"] == {"config": {"refresh_token": "new"}}
    assert second["control"]["emitted_at"] == 1767268800000.0


def test_secrets_are_masked_in_logs_and_in_every_part_of_an_error() -> None:
    written = bytearray()
    output = Output(written.extend, FakeClock(), clean=lambda text: text.replace("s3cret", "***"))
    output.log("INFO", "key s3cret")
    output.error("s3cret", "system_error", internal_message="i s3cret", stack_trace="t s3cret")
    assert b"s3cret" not in written
    assert written.count(b"***") == 4


def test_debug_logs_need_the_debug_flag() -> None:
    output = KeptOutput()
    output.log("DEBUG", "one")
    output.debug = True
    output.log("DEBUG", "two")
    assert output.logs() == ["DEBUG two"]


def test_lines_of_many_threads_are_never_mixed() -> None:
    output = KeptOutput()

    def chatter(name: int) -> None:
        for number in range(200):
            output.log("INFO", f"{name} {number}")

    threads = [threading.Thread(target=chatter, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs = output.logs()
    assert len(logs) == 800
    for name in range(4):
        assert [log for log in logs if log.startswith(f"INFO {name} ")] == [f"INFO {name} {n}" for n in range(200)]


def test_a_reader_that_takes_little_at_a_time_gets_every_byte() -> None:
    reading, writing = os.pipe()
    data = os.urandom(300_000)
    got = bytearray()

    def read() -> None:
        while piece := os.read(reading, 1000):
            got.extend(piece)

    thread = threading.Thread(target=read)
    thread.start()
    file_descriptor_sink(writing)(data)
    os.close(writing)
    thread.join()
    os.close(reading)
    assert bytes(got) == data


def test_a_partial_write_is_continued_not_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bytes] = []

    def write(fd: int, data: bytes) -> int:
        taken.append(bytes(data[:3]))
        return min(3, len(data))

    monkeypatch.setattr(os, "write", write)
    file_descriptor_sink(1)(b"0123456789")
    assert taken == [b"012", b"345", b"678", b"9"]


def test_a_reader_that_has_gone_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(OutputClosed):
        file_descriptor_sink(writing)(b"x")
    os.close(writing)
