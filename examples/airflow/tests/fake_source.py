"""A connector that holds the records of its config: small enough to say in a test what each load must bring.

    {"records": [{"id": 1, "at": "2026-01-01T00:00:00Z"}, ...], "token": 1, "fail": "...", "hang": 60}

`things` is read incrementally by `at`, with a state after each record; `lists` is read whole. `start_date` is
inclusive, `end_date` exclusive. Each read with a `token` tells a config with the next one. `fail` is the type of an
error, `hang` the seconds of silence, with which a read ends. Called `with-end-date`, its spec has `end_date`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def say(kind: str, **content: Any) -> None:
    """A message."""
    print(json.dumps({"type": kind, **content}), flush=True)


def status(stream: str, text: str) -> None:
    """A STREAM_STATUS."""
    told = {"stream_descriptor": {"name": stream}, "status": text}
    say("TRACE", trace={"type": "STREAM_STATUS", "emitted_at": 1, "stream_status": told})


def state(stream: str, **value: Any) -> None:
    """A STATE."""
    say("STATE", state={"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": value}})


def catalog() -> list[dict[str, Any]]:
    """Both streams."""
    whole = {"name": "lists", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    key = {"source_defined_primary_key": [["id"]]}
    timed = {"supported_sync_modes": ["full_refresh", "incremental"], "default_cursor_field": ["at"]}
    return [{**whole, **key}, {**whole, **key, **timed, "name": "things"}]


def read(config: dict[str, Any], names: set[str], states: dict[str, Any]) -> None:
    """The records of these streams."""
    if "token" in config:
        changed = config | {"token": config["token"] + 1}
        say("CONTROL", control={"type": "CONNECTOR_CONFIG", "emitted_at": 1, "connectorConfig": {"config": changed}})
    emitted_at = config.get("emitted_at", 1_000)
    if "lists" in names:
        for record in config["records"]:
            say("RECORD", record={"stream": "lists", "data": record, "emitted_at": emitted_at})
        state("lists", __ab_no_cursor_state_message=True)
        status("lists", "INCOMPLETE" if config.get("fail") else "COMPLETE")
    if "things" in names:
        since = max(config.get("start_date", ""), states.get("things", {}).get("at", ""))
        for record in sorted(config["records"], key=lambda each: str(each["at"])):
            if since <= record["at"] < config.get("end_date", "9"):
                say("RECORD", record={"stream": "things", "data": record, "emitted_at": emitted_at})
                state("things", at=record["at"])
        status("things", "COMPLETE")
    if "hang" in config:
        time.sleep(config["hang"])
    if "fail" in config:
        error = {"message": f"It failed: {config['fail']}.", "failure_type": config["fail"]}
        say("TRACE", trace={"type": "ERROR", "emitted_at": 1, "error": error})
        sys.exit(1)


def main(command: str, *options: str) -> None:
    """As a connector's command line."""
    files = dict(zip(options[::2], options[1::2], strict=True))
    config = json.loads(Path(files["--config"]).read_text()) if "--config" in files else {}
    match command:
        case "spec":
            known = ["start_date", "end_date"] if "with-end-date" in sys.argv[0] else ["start_date"]
            say("SPEC", spec={"connectionSpecification": {"properties": {name: {} for name in known}}})
        case "discover":
            say("CATALOG", catalog={"streams": catalog()})
        case "read":
            chosen = json.loads(Path(files["--catalog"]).read_text())["streams"]
            given = json.loads(Path(files["--state"]).read_text())
            states = {each["stream"]["stream_descriptor"]["name"]: each["stream"]["stream_state"] for each in given}
            read(config, {each["stream"]["name"] for each in chosen}, states)


if __name__ == "__main__":
    main(*sys.argv[1:])
