"""Connections that do not come about, or never end: a sentence that says why, and in time."""

from __future__ import annotations

import gzip
import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.parser import Parser
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.util import SKIP_HEADER

from source_kit import answers
from source_kit.connections import pool_classes, prolong, read_head
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


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that takes no connections. It stays bound meanwhile: one that is given back is soon somebody else's."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


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
    with closed_port() as port:
        said = why(f"http://127.0.0.1:{port}/")
    assert said == (
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


LINES = st.one_of(
    st.sampled_from(
        ["Date: Thu, 26 Nov 2026 01:04:05 GMT", "X-Request-Id:a1", "content-length:  7 ", "x-empty:", ": no name"]
    ),
    st.sampled_from([" folded", "no colon", "From me", "a: \xe9\x85\x0b b", "a : b", "a:\tb\x1cc", "a: b\rc: d"]),
    st.text("aZ-:, \t;=", max_size=12),
)


@given(st.lists(LINES, max_size=6), st.sampled_from(["\r\n", "\n"]))
def test_heads_are_read_as_the_standard_library_reads_them(lines: list[str], end: str) -> None:
    head = (end.join([*lines, "", ""]) + "body").encode("iso-8859-1")
    ours, theirs = io.BytesIO(head), io.BytesIO(head)
    found, expected = read_head(ours), http.client.parse_headers(theirs)
    assert found.items() == expected.items()
    assert list(map(type, found.defects)) == list(map(type, expected.defects))
    assert (found.get_payload() or "", ours.read()) == (expected.get_payload() or "", theirs.read())


def test_answers_are_read_with_that_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n", closes=True) as url:
        monkeypatch.setattr(Parser, "parsestr", None)  # the usual head needs none
        session = new_session(url, {}, pool_size=1)
        assert session.get(url).headers["x-a"] == "1"
    assert dict(session.cookies) == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "extra", [b"", b"Set-Cookie: a=1\r\n", b"content-type: text/plain; charset=latin-1\r\nX-B: \r\n"]
)
def test_an_answer_is_what_requests_would_make_of_it(extra: bytes) -> None:
    with server(b"HTTP/1.1 203 So to say\r\nX-A: 1\r\nX-A: 2\r\n" + extra + b"\r\n{}", closes=True) as url:
        found = new_session(url, {}, pool_size=1).get(url)
        plain = requests.Session()
        plain.trust_env = False
        expected = plain.get(url)
    for name in ("status_code", "reason", "headers", "encoding", "url", "content", "text", "history"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.cookies.get_dict() == expected.cookies.get_dict()
    assert (found.request.url, found.is_redirect) == (expected.request.url, expected.is_redirect)


URLS = st.builds(
    "".join, st.lists(st.sampled_from(["/", "?", "#", "a", "=", "&", "%5B", "é", " ", "\t", ";", "[", "\\"]))
)


@given(URLS, st.sampled_from([{}, {"http": "http://proxy.test:3128"}, {"https": "http://proxy.test:3128"}]))
def test_what_is_asked_for_is_what_requests_would_ask_for(end: str, proxies: dict[str, str]) -> None:
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = "GET", "http://v.test:8080/v1" + end
    adapter = new_session("http://v.test:8080/", {}, pool_size=1).get_adapter("http://v.test:8080/")
    assert isinstance(adapter, HTTPAdapter)
    assert adapter.request_url(prepared, proxies) == HTTPAdapter().request_url(prepared, proxies)


def test_an_unknown_name_is_told() -> None:
    assert "The name nobody.invalid is not known here" in why("http://nobody.invalid/")


def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as port:
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


def test_an_answer_gets_the_time_that_it_waited_for_something_else_than_the_network() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    for seconds in (0.0, 1.0):
        with server(head, pause=0.75, tick=b"abc") as url:
            response = new_session(url, {}, pool_size=1, patience=HASTY).get(url, timeout=HASTY.timeout, stream=True)
            time.sleep(0.65)  # beyond the deadline
            prolong(response, seconds)
            if seconds:
                answers.read(response)
                assert answers.taken(response) == b"abc"
            else:
                with pytest.raises((requests.RequestException, OSError)):
                    answers.read(response)


def test_an_answer_without_a_body_has_nothing_to_prolong() -> None:
    with server(b"HTTP/1.1 204 No Content\r\n\r\n") as url:
        prolong(new_session(url, {}, pool_size=1).get(url, stream=True), 1.0)


NAMES = st.sampled_from(["X-A", "Accept", "content-length", "a b", "é", "X-A\n", "Host", ""])
CONTENTS = st.one_of(st.text("aé \t\r\n:", max_size=4), st.binary(max_size=3), st.integers(0, 9), st.just(SKIP_HEADER))


@given(NAMES, CONTENTS)
def test_lines_of_a_head_are_written_as_urllib3_writes_them(name: str, content: str | bytes | int) -> None:
    def head(connection: Any) -> bytes | str:
        connection.putrequest("GET", "/", skip_host=True)
        try:
            connection.putheader(name, content)
        except ValueError as refused:
            return str(refused)
        return b"\r\n".join(connection._buffer)

    ours, theirs = pool_classes(1.0)["http"].ConnectionCls, HTTPConnection
    assert [head(ours("v.test")) for _ in range(2)] == [head(theirs("v.test"))] * 2


def test_cookies_are_kept_and_forgotten_as_answers_say() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    with server(head + b"Set-Cookie: a=1; Path=/\r\nset-cookie: b=2; Path=/\r\n\r\n{}", closes=True) as url:
        session = new_session(url, {}, pool_size=1)
        session.get(url)
    assert session.cookies.get_dict() == {"a": "1", "b": "2"}
    with server(head + b"\r\n{}", closes=True) as url:
        session.get(url)
    assert session.cookies.get_dict() == {"a": "1", "b": "2"}
    with server(head + b"SET-COOKIE: a=; Path=/; Max-Age=0\r\n\r\n{}", closes=True) as url:
        session.get(url)
    assert session.cookies.get_dict() == {"b": "2"}
