"""`make register` where something is wrong: one line says what."""

from __future__ import annotations

import json
import socket
import subprocess
import uuid
from typing import Any

import pytest

from packaging_tests.airbyte_server import (
    OTHERS_WORKSPACE,
    Airbyte,
)
from packaging_tests.register_runs import (
    APPLICATION,
    BOTH_APIS,
    CREATE,
    LIST,
    TOKEN,
    UPDATE,
    USER,
    Run,
    sent,
)


def failure(done: subprocess.CompletedProcess[str]) -> str:
    """What a run that Airbyte refused says, in one line."""
    assert done.returncode == 1
    assert done.stderr.startswith("register: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@BOTH_APIS
def test_wrong_credentials_are_told(run: Run, api: str) -> None:
    said = failure(run("closeio", "--api", api, AIRBYTE_CLIENT_SECRET="wrong-secret"))
    assert "status 401. Airbyte does not take these credentials; `abctl local credentials` shows" in said
    assert "wrong-secret" not in said


def test_a_wrong_password_is_told(run: Run) -> None:
    said = failure(run("closeio", **dict.fromkeys(APPLICATION, ""), **USER | {"AIRBYTE_PASSWORD": "wrong-secret"}))
    assert "status 401. Airbyte does not take these credentials" in said
    assert "wrong-secret" not in said


def test_missing_credentials_are_told_by_their_names(run: Run) -> None:
    said = failure(run("closeio", **dict.fromkeys(APPLICATION, "")))
    assert "status 401. Airbyte wants credentials: set AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET" in said


@BOTH_APIS
def test_a_workspace_that_does_not_exist_is_told(run: Run, api: str) -> None:
    said = failure(run("closeio", "--api", api, workspace=str(uuid.uuid4())))
    assert "status 404. There is no such workspace. Its id is in the address that the UI shows" in said


@BOTH_APIS
def test_a_workspace_of_others_is_told(run: Run, api: str) -> None:
    said = failure(run("closeio", "--api", api, workspace=OTHERS_WORKSPACE))
    assert "status 403. These credentials may not change source definitions of this workspace" in said


@BOTH_APIS
def test_an_image_that_airbyte_cannot_start_is_told(airbyte: Airbyte, run: Run, api: str) -> None:
    said = failure(run("closeio", "--tag", "9.9.9", "--api", api))
    assert "Most often Airbyte could not start the image" in said
    assert ("status 500" in said and "under errorId" in said) or ("status 409" in said and "Could not fulfill" in said)
    assert airbyte.custom() == []


def test_two_definitions_of_one_image_are_left_to_the_user(airbyte: Airbyte, run: Run) -> None:
    identifiers = [airbyte.add("source-closeio", tag, "Close") for tag in ("0.0.8", "0.0.9")]
    said = failure(run("closeio"))
    assert "has 2 definitions of source-closeio" in said
    assert all(identifier in said for identifier in identifiers)
    assert sent(airbyte) == [("POST", LIST)]


def test_a_version_that_airbyte_does_not_take_is_told(airbyte: Airbyte, run: Run) -> None:
    identifier = airbyte.add("source-closeio", "0.0.9", "Close")
    airbyte.faults[UPDATE] = (200, json.dumps(airbyte.definitions[identifier]).encode(), {})
    assert "Airbyte kept source-closeio:0.0.9 for source-closeio:0.1.0" in failure(run("closeio"))


@pytest.mark.parametrize(
    ("path", "status", "body", "says"),
    [
        (LIST, 409, b'{"message": "busy"}', "run the command again. Airbyte says: busy"),
        (
            LIST,
            422,
            b'{"message": "Some properties\\ncontained invalid input."}',
            "says: Some properties contained inva",
        ),
        (CREATE, 400, b'{"data": {"message": "not in Airbyte Cloud"}}', "Airbyte says: not in Airbyte Cloud"),
        (LIST, 429, b"", "run the command again in a minute"),
        (LIST, 500, b'{"message": null, "errorId": "not an id"}', "Airbyte is in trouble"),
        (LIST, 503, b"<html>starting</html>", "still starting: run the command again later"),
        (TOKEN, 502, b"<html>", "still starting"),
        (LIST, 418, b"[]", "a status that its API does not document"),
        (TOKEN, 404, b"<html>", "set AIRBYTE_USERNAME and AIRBYTE_PASSWORD instead"),
        (CREATE, 404, b"{}", "has just been removed"),
        (TOKEN, 200, b"<html>Welcome</html>", "This is not the API of Airbyte: the answer is text/html"),
        (TOKEN, 200, b"[]", "the answer is not a JSON object"),
        (TOKEN, 200, b'{"token": "x"}', "the answer is no access token"),
        (LIST, 200, b'{"sourceDefinitions": null}', "a list of source definitions without sourceDefinitions"),
        (LIST, 200, b'{"sourceDefinitions": [7]}', "a source definition without"),
        (CREATE, 200, b'{"id": "x"}', "a source definition without"),
    ],
)
def test_other_answers_are_told_in_one_line(
    airbyte: Airbyte, run: Run, path: str, status: int, body: bytes, says: str
) -> None:
    airbyte.faults[path] = (status, body, {"Content-Type": "text/html"})
    assert says in failure(run("closeio"))


def test_a_redirect_is_not_followed(airbyte: Airbyte, run: Run) -> None:
    airbyte.faults[TOKEN] = (302, b"", {"Location": "https://login.example.com/?next=/api"})
    assert "sends elsewhere (to login.example.com). Give the address where Airbyte itself answers." in failure(
        run("closeio")
    )


def test_an_airbyte_that_is_not_there_is_told(run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        said = failure(run("closeio", "--url", f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert "No connection to Airbyte at http://127.0.0.1:" in said


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["nothing"], {}, "There is no connector nothing; there are closeio, kustomer, outreach, persistiq."),
        (["closeio"], {"AIRBYTE_WORKSPACE_ID": ""}, "Give --workspace or AIRBYTE_WORKSPACE_ID"),
        (["closeio", "--workspace", "default"], {}, "The workspace id is no UUID"),
        (["closeio"], {"AIRBYTE_CLIENT_SECRET": ""}, "Set both AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET"),
        (["closeio"], USER, "AIRBYTE_CLIENT_SECRET, or AIRBYTE_USERNAME"),
        (["closeio", "--url", "localhost:8000"], {}, "The address of Airbyte must be a URL"),
        (["closeio", "--url", "http://airbyte.example.com"], {}, "The address of Airbyte must start with https://"),
        (["closeio", "--url", "http://me:hidden@localhost"], {}, "may not hold a user name or password"),
        (["closeio", "--dry-run", "--url", "ftp://localhost"], {}, "The address of Airbyte must be a URL"),
        (["closeio", "--api", "private"], {}, "invalid choice: 'private'"),
    ],
)
def test_wrong_arguments_end_with_exit_code_2_and_nothing_is_sent(
    airbyte: Airbyte, run: Run, arguments: list[str], environment: dict[str, Any], says: str
) -> None:
    done = run(*arguments, **environment)
    assert done.returncode == 2
    assert says in done.stderr
    assert "hidden" not in done.stderr
    assert airbyte.requests == []
