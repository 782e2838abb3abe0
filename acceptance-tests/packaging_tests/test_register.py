"""`make register` against an Airbyte of our own: what it sends and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from packaging_tests.airbyte_server import (
    WORKSPACE,
    Airbyte,
)
from packaging_tests.register_runs import (
    APPLICATION,
    BOTH_APIS,
    CREATE,
    EVERY_CONNECTOR,
    LIST,
    PUBLIC,
    TOKEN,
    UPDATE,
    USER,
    Run,
    own_process,
    sent,
)
from packaging_tests.repository import CONNECTORS, ROOT, metadata


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


@EVERY_CONNECTOR
def test_what_the_metadata_says_is_what_airbyte_takes(airbyte: Airbyte, run: Run, connector: Path) -> None:
    data = yaml.safe_load((connector / "metadata.yaml").read_text())["data"]
    airbyte.images.add(f"{connector.name}:{data['dockerImageTag']}")
    assert run(connector.name).returncode == 0
    assert airbyte.custom()[0]["resourceRequirements"]["jobSpecific"][0]["jobType"] == "sync"
