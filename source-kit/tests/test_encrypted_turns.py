"""A new connection can be read before its answer is there: TLS 1.3 begins with tickets."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from source_kit import turn
from source_kit.connections import pool_classes
from source_kit.turn import Turn

ANSWER_SECONDS = 1.0


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A server that speaks TLS 1.3 and takes a second for its one answer: its port, and its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    path = certificate(tmp_path / "server.pem")
    context.load_cert_chain(path)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            connection.recv(1000)
            time.sleep(ANSWER_SECONDS)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1], path
    thread.join(10)
    listener.close()


def certificate(path: Path) -> Path:
    """A certificate that signs itself, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendor.invalid")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(encoding)
        + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none)
    )
    return path


def test_tickets_do_not_keep_the_turn_until_the_answer_comes(slow_server: tuple[int, Path]) -> None:
    shared, waits, bodies = Turn(patience_seconds=10), threading.Event(), list[bytes]()
    port, authority = slow_server
    pool = pool_classes(10)["https"]("127.0.0.1", port, ca_certs=authority, assert_hostname=False, retries=False)

    def ask() -> None:
        with shared.joined():
            waits.set()
            bodies.append(pool.request("GET", "/").data)

    thread = threading.Thread(target=ask)
    thread.start()
    assert waits.wait(5)
    time.sleep(ANSWER_SECONDS / 2)  # until the tickets are there
    with shared.joined():
        began = time.monotonic()
        turn.take()
        assert time.monotonic() - began < ANSWER_SECONDS / 4
        turn.leave()
    thread.join(10)
    assert bodies == [b"{}"]
