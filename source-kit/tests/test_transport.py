"""Connections that do not come about, or never end: a sentence that says why, and in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import requests

from source_kit.errors import ConfigError
from source_kit.transport import BRISK, Patience, new_session, trouble

HASTY = Patience(connect_seconds=1.0, read_seconds=0.5, answer_seconds=0.6)


@contextmanager
def server(*parts: bytes, pause: float = 0.0, tick: bytes = b"") -> Iterator[str]:
    """A server that says `parts` to every connection, then a `tick` after each pause, until it is closed."""
    is_closed = threading.Event()

    def serve(connection: socket.socket) -> None:
        with closing(connection):
            try:
                if parts:
                    connection.recv(65_536)
                for part in parts:
                    connection.sendall(part)
                while not is_closed.wait(pause or 0.05):
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
