"""Runs the checks over connectors laid out as in Airbyte's repository, and prints the results as JSON.

    python suite.py VIEW FOLDER CONNECTOR...

FOLDER holds `airbyte-integrations/connectors/NAME` and `docs/integrations/sources/*.md`. This file alone runs in the
environment of requirements-airbyte-qa.lock. Of the 220 packages that `airbyte-internal-ops` asks for (snowflake and
bigquery among them) that holds the thirty which the checks import: the three packages named below import much more when
they are loaded, and none of that is needed here.

Nothing is asked of a network: a result must not depend on who answers. The catalogue of published connectors is taken
to be empty, as it is for our definition ids; checks that are nothing but a request are reported as `not asked`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import requests

WITHOUT_THEIR_IMPORTS = ("airbyte_ops_mcp", "airbyte_ops_mcp.registry", "airbyte_ops_mcp.airbyte_repo")
# Checks and validators of the suite that only ask other machines.
NETWORK_CHECKS = ("CheckDocumentationLinks", "CheckVersionIncrement")
NETWORK_VALIDATORS = ("validate_metadata_base_images_in_dockerhub", "validate_docker_image_tag_is_not_decremented")

Result = dict[str, str]


def refuse(*_arguments: Any, **_options: Any) -> None:
    raise ConnectionError("no request may leave this run")


def prepare() -> None:
    """Makes the suite's modules importable without what its packages load, and cuts the network."""
    for name in WITHOUT_THEIR_IMPORTS:
        found = importlib.util.find_spec(name)
        if found is None:
            raise SystemExit(f"{name} is not installed here: run `make airbyte-qa`")
        sys.modules[name] = importlib.util.module_from_spec(found)
    requests.Session.request = refuse  # type: ignore[method-assign,assignment]


def check_results(connectors: list[str]) -> list[Result]:
    """What each check of the suite says of each connector."""
    from airbyte_ops_mcp.connector_ops import utils
    from airbyte_ops_mcp.connector_qa.checks import ENABLED_CHECKS

    utils.download_catalog = lambda _url: {"sources": [], "destinations": []}
    results = []
    for check in ENABLED_CHECKS:
        name = type(check).__name__
        for connector in connectors:
            if name in NETWORK_CHECKS:
                status, message = "not asked", ""
            else:
                try:
                    result = check.run(utils.Connector(connector))
                    status, message = result.status.name.lower(), result.message
                except Exception as error:
                    # The suite itself would end here: for the connector it is a refusal.
                    status, message = "failed", f"{type(error).__name__}: {error}"
            results.append({"check": name, "connector": connector, "status": status, "message": message})
    return results


def validator_results(connectors: list[str]) -> list[Result]:
    """What the schema of `metadata.yaml` and each validator before an upload say of each connector.

    The suite stops at the first that refuses; here all are heard.
    """
    from airbyte_ops_mcp import metadata_validator
    from airbyte_ops_mcp.connector_ops.utils import Connector

    results = []
    for name in connectors:
        connector = Connector(name)
        options = metadata_validator.ValidatorOptions(docs_path=str(connector.documentation_file_path))
        model, error = metadata_validator.validate_and_load(connector.metadata_file_path, [], options)
        status = "passed" if model else "failed"
        results.append({"check": "metadata schema", "connector": name, "status": status, "message": str(error or "")})
        for validator in metadata_validator.PRE_UPLOAD_VALIDATORS if model else []:
            if validator.__name__ in NETWORK_VALIDATORS:
                status, error = "not asked", None
            else:
                valid, error = validator(model, options)
                status = "passed" if valid else "failed"
            results.append(
                {"check": validator.__name__, "connector": name, "status": status, "message": str(error or "")}
            )
    return results


def without_network_validators() -> None:
    """The suite's own check of the metadata runs the validators that ask nobody."""
    from airbyte_ops_mcp import metadata_validator

    validators = metadata_validator.PRE_UPLOAD_VALIDATORS
    validators[:] = [validator for validator in validators if validator.__name__ not in NETWORK_VALIDATORS]


def main() -> None:
    view, folder, *connectors = sys.argv[1:]
    os.chdir(Path(folder))
    prepare()
    with contextlib.redirect_stdout(sys.stderr):  # the validators print what they do
        results = validator_results(connectors)
        without_network_validators()
        results = check_results(connectors) + results
    json.dump([{"view": view, **result} for result in results], sys.stdout)


if __name__ == "__main__":
    main()
