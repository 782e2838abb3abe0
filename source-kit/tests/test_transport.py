"""Connections that do not come about, or never end: a sentence that says why, and in time."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import requests

from source_kit import answers
from source_kit.errors import ConfigError
from source_kit.transport import BRISK, Patience, new_session, trouble

HASTY = Patience(connect_seconds=1.0, read_seconds=0.5, answer_seconds=0.6)


@contextmanager
def server(*parts: bytes, pause: float = 0.0, tick: bytes = b"", closes: bool = False) -> Iterator[str]:
    """A server that says `parts` to every connection, then a `tick` after each pause, until it is closed; or nothing
    more."""
    is_closed = threading.Event()

    def serve(connection: socket.socket) -> None:
        with closing(connection):
            try:
                if parts:
                    connection.recv(65_536)
                for part in parts:
                    connection.sendall(part)
                while not closes and not is_closed.wait(pause or 0.05):
                    if tick:
                        connection.sendall(tick)
            except OSError:
                return

    def accept() -> None:
        while not is_closed.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        is_closed.set()


def why(url: str, patience: Patience = HASTY) -> str:
    session = new_session(url, {}, pool_size=1, patience=patience)
    began = time.monotonic()
    with (
        pytest.raises((requests.RequestException, OSError)) as caught,
        session.get(url, timeout=patience.timeout, stream=True) as response,
    ):
        assert response.content is not None
    assert time.monotonic() - began < 3.0
    return trouble(caught.value, url)


def test_a_closed_port_takes_no_connections() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    assert why(f"http://127.0.0.1:{port}/") == (
        f"Nothing at 127.0.0.1:{port} takes connections (connection refused). Check api_url, if it is set, and the "
        "firewall."
    )


def test_a_silent_host_does_not_answer_in_time() -> None:
    with server() as url:
        assert "took the request and did not answer in time" in why(url)


def test_a_body_that_drips_ends_at_the_deadline() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with server(head, pause=0.1, tick=b"x") as url:
        assert "did not answer in time" in why(url)


def test_a_chunked_body_that_drips_ends_at_the_deadline() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server(head, pause=0.1, tick=b"1\r\nx\r\n") as url:
        assert "did not answer in time" in why(url)


def test_a_head_that_drips_ends_at_the_deadline() -> None:
    with server(b"HTTP/1.1 200 OK\r\n", pause=0.1, tick=b"X") as url:
        assert "did not answer in time" in why(url)


def test_an_answer_in_time_is_whole() -> None:
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"abc") as url:
        session = new_session(url, {}, pool_size=1, patience=HASTY)
        assert session.get(url, timeout=HASTY.timeout).content == b"abc"


@pytest.mark.parametrize("told", [7, 10**15])
def test_a_body_that_is_shorter_than_told_is_a_broken_connection(told: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % told
    with server(head, b"abc", closes=True) as url:
        response = new_session(url, {}, pool_size=1).get(url, stream=True)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            answers.read(response)


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_a_body_comes_whole_with_its_length_or_without_and_packed_too(size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    packed = gzip.compress(content)
    heads = {
        b"Content-Length: %d" % size: content,
        b"Content-Length: %d\r\nContent-Encoding: gzip" % len(packed): packed,
        b"Transfer-Encoding: chunked": (b"%x\r\n%b\r\n" % (size, content) if size else b"") + b"0\r\n\r\n",
        b"Connection: close": content,
    }
    for head, sent in heads.items():
        with server(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n", sent, closes=True) as url:
            response = new_session(url, {}, pool_size=1).get(url, stream=True)
            answers.read(response)
        assert answers.taken(response) == content


def test_an_unknown_name_is_told() -> None:
    assert "The name nobody.invalid is not known here" in why("http://nobody.invalid/")


def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    assert "The proxy that HTTPS_PROXY" in why("https://api.vendor.test/")


def test_a_proxy_that_wants_a_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        assert why("https://api.vendor.test/").startswith("The proxy wants a user and a password")


def test_a_certificate_bundle_that_is_not_there_is_named_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent.pem")
    with pytest.raises(ConfigError, match="certificate bundle that REQUESTS_CA_BUNDLE"):
        new_session("https://api.vendor.test/", {}, pool_size=1)


def test_an_odd_location_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for location in (b"\xff\xfe", b"http://[", b"", b"//", b"\xc3\xa9"):
        with server(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n") as url:
            session = new_session(url, {}, pool_size=1, patience=HASTY)
            assert session.get(url, timeout=HASTY.timeout, allow_redirects=False).status_code == 302


def test_check_waits_for_seconds_only() -> None:
    longest = BRISK.attempts * (BRISK.connect_seconds + BRISK.answer_seconds)
    assert longest <= 16.0
