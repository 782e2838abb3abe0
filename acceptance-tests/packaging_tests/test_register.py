"""`make register` against an Airbyte of our own: what it sends, what it says, and how it fails."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from packaging_tests.airbyte_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    OTHERS_WORKSPACE,
    PASSWORD,
    USERNAME,
    WORKSPACE,
    Airbyte,
    Server,
)
from packaging_tests.repository import CONNECTORS, ROOT, metadata
from register.__main__ import main

EVERY_CONNECTOR = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
BOTH_APIS = pytest.mark.parametrize("api", ["configuration", "public"])

APPLICATION = {"AIRBYTE_CLIENT_ID": CLIENT_ID, "AIRBYTE_CLIENT_SECRET": CLIENT_SECRET}
USER = {"AIRBYTE_USERNAME": USERNAME, "AIRBYTE_PASSWORD": PASSWORD}
LIST = "/api/v1/source_definitions/list_for_workspace"
CREATE = "/api/v1/source_definitions/create_custom"
UPDATE = "/api/v1/source_definitions/update"
TOKEN = "/api/v1/applications/token"
PUBLIC = f"/api/public/v1/workspaces/{WORKSPACE}/definitions/sources"

Run = Callable[..., subprocess.CompletedProcess[str]]
Execute = Callable[[Sequence[str], Mapping[str, str]], subprocess.CompletedProcess[str]]


@pytest.fixture
def airbyte() -> Iterator[Airbyte]:
    with Server(Airbyte(images={"source-closeio:0.1.0", "source-closeio:0.2.0", "source-closeio:dev"})) as served:
        yield served


def own_process(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The command as users run it."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "register", *arguments],
        env={**environment, "PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
        check=False,
    )


def this_process(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The same without the start of an interpreter, which takes longer than the rest."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            code: Any = main(arguments)
        except SystemExit as ended:  # wrong arguments
            code = ended.code
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture
def execute() -> Execute:
    """How `run` runs the command."""
    return this_process


@pytest.fixture
def run(airbyte: Airbyte, execute: Execute) -> Run:
    """Runs the command; no output of any run may hold a traceback or a secret."""

    def command(*arguments: str, workspace: str = WORKSPACE, **environment: str) -> subprocess.CompletedProcess[str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith("AIRBYTE_")}
        given = {"AIRBYTE_URL": airbyte.url, "AIRBYTE_WORKSPACE_ID": workspace, **APPLICATION} | environment
        done = execute(arguments, {**mine, **given})
        said = done.stdout + done.stderr
        secrets = [CLIENT_ID, CLIENT_SECRET, PASSWORD, *airbyte.tokens]
        assert [secret for secret in secrets if secret in said] == []
        assert "Traceback" not in said
        return done

    return command


def sent(airbyte: Airbyte) -> list[tuple[str, str]]:
    """Verb and path of every request but those for tokens."""
    return [(method, path) for method, path, _ in airbyte.requests if path != TOKEN]


# --- what it does -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execute", [own_process], ids=["own_process"])
def test_a_new_definition_has_image_documentation_icon_and_resources(airbyte: Airbyte, run: Run) -> None:
    done = run("closeio")
    (added,) = airbyte.custom()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (f"source-closeio:0.1.0: created as 'Close', definition {added.pop('sourceDefinitionId')}\n")
    assert added == {
        "name": "Close",
        "dockerRepository": "source-closeio",
        "dockerImageTag": "0.1.0",
        "documentationUrl": metadata(ROOT / "connectors" / "source-closeio")["documentationUrl"],
        "icon": (ROOT / "connectors" / "source-closeio" / "icon.svg").read_text(),
        "resourceRequirements": metadata(ROOT / "connectors" / "source-closeio")["resourceRequirements"],
        "custom": True,
    }
    assert sent(airbyte) == [("POST", LIST), ("POST", CREATE)]


@BOTH_APIS
def test_a_second_run_changes_nothing(airbyte: Airbyte, run: Run, api: str) -> None:
    run("closeio", "--api", api)
    before = airbyte.custom()
    airbyte.requests.clear()
    done = run("closeio", "--api", api)
    assert done.returncode == 0
    assert "nothing to do" in done.stdout
    assert airbyte.custom() == before
    assert sent(airbyte) == [("POST", LIST) if api == "configuration" else ("GET", PUBLIC)]


@BOTH_APIS
def test_another_version_moves_the_definition_and_leaves_what_others_have_set(
    airbyte: Airbyte, run: Run, api: str
) -> None:
    theirs = {
        "resourceRequirements": {"default": {"cpu_limit": "4"}},
        "icon": "theirs",
        "documentationUrl": "https://x",
    }
    identifier = airbyte.add("source-closeio", "0.1.0", "Close of sales", **theirs)
    done = run("closeio", "--tag", "0.2.0", "--api", api)
    assert done.stdout == f"source-closeio:0.2.0: updated from 0.1.0, definition {identifier}\n"
    (moved,) = airbyte.custom()
    assert moved == {
        "sourceDefinitionId": identifier,
        "name": "Close of sales",
        "dockerRepository": "source-closeio",
        "dockerImageTag": "0.2.0",
        "custom": True,
        **theirs,
    }


@BOTH_APIS
def test_the_spec_of_a_dev_image_is_asked_for_in_every_run(airbyte: Airbyte, run: Run, api: str) -> None:
    airbyte.add("source-closeio", "dev", "Close")
    assert "updated from dev" in run("closeio", "--tag", "dev", "--api", api).stdout


def test_the_public_api_creates_with_the_fields_it_has(airbyte: Airbyte, run: Run) -> None:
    assert run("closeio", "--api", "public").returncode == 0
    assert airbyte.requests[-1] == (
        "POST",
        PUBLIC,
        {
            "name": "Close",
            "dockerRepository": "source-closeio",
            "dockerImageTag": "0.1.0",
            "documentationUrl": metadata(ROOT / "connectors" / "source-closeio")["documentationUrl"],
        },
    )


def test_without_names_all_connectors_are_registered(airbyte: Airbyte, run: Run) -> None:
    airbyte.images |= {f"{connector.name}:{metadata(connector)['dockerImageTag']}" for connector in CONNECTORS}
    assert run().returncode == 0
    assert [each["dockerRepository"] for each in airbyte.custom()] == [connector.name for connector in CONNECTORS]


def test_an_image_of_a_registry_keeps_its_prefix(airbyte: Airbyte, run: Run) -> None:
    airbyte.images.add("registry.example.com/team/source-closeio:0.1.0")
    run("source-closeio", "--registry", "registry.example.com/team/", "--documentation-url", "https://wiki.example.com")
    (added,) = airbyte.custom()
    assert (added["dockerRepository"], added["documentationUrl"]) == (
        "registry.example.com/team/source-closeio",
        "https://wiki.example.com",
    )


def test_a_user_name_and_a_password_go_by_basic_authentication(airbyte: Airbyte, run: Run) -> None:
    nobody = dict.fromkeys(APPLICATION, "")
    assert run("closeio", **nobody, **USER).returncode == 0
    assert airbyte.tokens == []


def test_an_airbyte_without_authentication_needs_no_credentials(airbyte: Airbyte, run: Run, tmp_path: Path) -> None:
    airbyte.open = True
    (tmp_path / ".netrc").write_text("default login someone password else\n")
    assert run("closeio", HOME=str(tmp_path), **dict.fromkeys(APPLICATION, "")).returncode == 0
    assert airbyte.authorizations == {""}


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1/", "/api/public/v1"])
def test_an_address_may_be_copied_with_the_path_of_an_api(airbyte: Airbyte, run: Run, path: str) -> None:
    assert run("closeio", "--url", airbyte.url + path).returncode == 0


# --- dry run ----------------------------------------------------------------------------------------------------


@EVERY_CONNECTOR
@BOTH_APIS
def test_a_dry_run_prints_every_request_and_sends_none(airbyte: Airbyte, run: Run, connector: Path, api: str) -> None:
    done = run(connector.name, "--dry-run", "--api", api)
    assert (done.returncode, done.stderr, airbyte.requests) == (0, "", [])
    printed = [line for line in done.stdout.splitlines() if line.startswith(("POST ", "GET ", "PUT "))]
    paths = [LIST, CREATE, UPDATE] if api == "configuration" else [PUBLIC, PUBLIC, f"{PUBLIC}/<its id>"]
    verbs = ["POST"] * 3 if api == "configuration" else ["GET", "POST", "PUT"]
    listed = [f"{verb} {airbyte.url}{path}" for verb, path in zip(verbs, paths, strict=True)]
    assert printed == [f"POST {airbyte.url}{TOKEN}", *listed]
    assert done.stdout.count("Authorization: Bearer ***") == 3


def test_what_a_dry_run_prints_is_what_a_run_sends(airbyte: Airbyte, run: Run) -> None:
    printed = run("closeio", "--dry-run").stdout.split("\n\n")
    bodies = [json.loads(part.split("\n# ")[0]) for part in printed if part.startswith("{")]
    run("closeio")
    run("closeio", "--tag", "0.2.0")
    of_runs = {path: body for _, path, body in airbyte.requests}
    assert bodies[1:3] == [of_runs[LIST], of_runs[CREATE]]
    assert bodies[3] == of_runs[UPDATE] | {"sourceDefinitionId": "<its id>", "dockerImageTag": "0.1.0"}


def test_a_reader_that_goes_away_ends_a_dry_run_quietly() -> None:
    command = [sys.executable, "-B", "-m", "register", "--workspace", WORKSPACE, "--dry-run"]
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AIRBYTE_")}
    environment = {**mine, "PYTHONPATH": str(ROOT / "tools")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (1, b"")


# --- loading into the cluster -----------------------------------------------------------------------------------


@pytest.fixture
def tool(tmp_path: Path) -> Callable[..., str]:
    """Puts stand-ins for docker and kind on PATH, which write down their arguments (and what they are fed)."""

    def put(**scripts: str) -> str:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, body in scripts.items():
            (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{shlex.quote(str(tmp_path))}/calls\n{body}\n')
            (folder / name).chmod(0o755)
        return str(folder)

    return put


def test_kind_loads_the_image_before_it_is_registered(
    airbyte: Airbyte, run: Run, tool: Callable[..., str], tmp_path: Path
) -> None:
    done = run("closeio", "--load", PATH=f"{tool(kind='', docker='')}:/usr/bin:/bin")
    command = "kind load docker-image source-closeio:0.1.0 --name airbyte-abctl"
    assert done.stdout.splitlines()[0] == f"$ {command}"
    assert (tmp_path / "calls").read_text() == f"{command}\n"
    assert len(airbyte.custom()) == 1


def test_without_kind_docker_pipes_the_image_into_the_node(run: Run, tool: Callable[..., str], tmp_path: Path) -> None:
    script = f'if [ "$1" = save ]; then echo archive; else cat >{shlex.quote(str(tmp_path))}/fed; fi'
    done = run("closeio", "--load", "--cluster", "mine", PATH=f"{tool(docker=script)}:/usr/bin:/bin")
    assert done.returncode == 0
    assert (tmp_path / "fed").read_text() == "archive\n"
    assert sorted((tmp_path / "calls").read_text().splitlines()) == [
        "docker exec --interactive mine-control-plane ctr --namespace=k8s.io images import --all-platforms -",
        "docker save source-closeio:0.1.0",
    ]


@pytest.mark.parametrize("failing", ["save", "exec"])
def test_an_image_that_cannot_be_loaded_is_not_registered(
    airbyte: Airbyte, run: Run, tool: Callable[..., str], failing: str
) -> None:
    script = f'if [ "$1" = {failing} ]; then echo "Error: no such thing" >&2; exit 1; fi; [ "$1" = save ] || cat >&2'
    done = run("closeio", "--load", PATH=f"{tool(docker=script)}:/usr/bin:/bin")
    assert done.returncode == 1
    assert "source-closeio:0.1.0 could not be loaded into cluster airbyte-abctl" in done.stderr
    assert "no such thing" in done.stderr
    assert airbyte.requests == []


def test_a_dry_run_loads_nothing(run: Run, tool: Callable[..., str], tmp_path: Path) -> None:
    done = run("closeio", "--load", "--dry-run", PATH=f"{tool(kind='', docker='')}:/usr/bin:/bin")
    assert "\n$ kind load docker-image source-closeio:0.1.0 --name airbyte-abctl\n" in done.stdout
    assert not (tmp_path / "calls").exists()


# --- how it fails -----------------------------------------------------------------------------------------------


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


@EVERY_CONNECTOR
def test_what_the_metadata_says_is_what_airbyte_takes(airbyte: Airbyte, run: Run, connector: Path) -> None:
    data = yaml.safe_load((connector / "metadata.yaml").read_text())["data"]
    airbyte.images.add(f"{connector.name}:{data['dockerImageTag']}")
    assert run(connector.name).returncode == 0
    assert airbyte.custom()[0]["resourceRequirements"]["jobSpecific"][0]["jobType"] == "sync"
