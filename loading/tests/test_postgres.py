"""The PostgreSQL server of the tests: what happens where it cannot be had, and that nothing of it stays."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from warehouse.postgres import program, running
from warehouse.pyairbyte import LoadingError


def test_where_no_server_is_installed_the_message_says_what_to_install() -> None:
    with pytest.raises(LoadingError, match="apt-get install postgresql"):
        program("no-such-server")


@pytest.mark.postgres
def test_a_server_answers_and_is_gone_afterwards() -> None:
    with running() as server, server.connect() as connection:
        ((folder,),) = connection.execute("SHOW data_directory").fetchall()
        assert connection.execute("SHOW listen_addresses").fetchall() == [("127.0.0.1",)]
        assert Path(folder).stat().st_uid != 0
    assert not Path(folder).exists()
    with pytest.raises(ConnectionRefusedError), socket.create_connection((server.host, server.port)):
        pass
