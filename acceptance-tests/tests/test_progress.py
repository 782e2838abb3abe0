"""A long run says what it is at, and leaves no trace of it in its result."""

from __future__ import annotations

import io
import time

import pytest

from harness import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TERMINAL_SECONDS", 0.01)
    monkeypatch.setattr(progress, "PIPE_SECONDS", 0.01)


def told(stream: io.StringIO, until: str) -> str:
    """What a run says until it has said that."""
    counts = iter(range(1, 10_000))
    with progress.waiting("reading", lambda: f"{next(counts)} records", stream):
        deadline = time.monotonic() + 10
        while until not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    return stream.getvalue()


def test_a_log_gets_a_line_now_and_then() -> None:
    lines = told(io.StringIO(), "2 records").splitlines()
    assert lines[:2] == ["reading ... 0 s, 1 records", "reading ... 0 s, 2 records"]


def test_a_terminal_shows_one_line_that_is_gone_at_the_end() -> None:
    text = told(Terminal(), "2 records")
    assert "\n" not in text
    assert text.startswith(f"{progress.CLEAR}reading ... 0 s, 1 records{progress.CLEAR}reading")
    assert text.endswith(f"records{progress.CLEAR}")


def test_what_is_quick_is_passed_over_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TERMINAL_SECONDS", 60)
    stream = Terminal()
    with progress.waiting("reading", stream=stream):
        pass
    assert stream.getvalue() == ""


def test_an_error_passes_through_and_ends_it() -> None:
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), progress.waiting("reading", stream=stream):
        raise ZeroDivisionError
    length = len(stream.getvalue())
    time.sleep(0.05)
    assert len(stream.getvalue()) == length
