"""Loads a connector's streams with dlt.

    python pipeline.py source-closeio config.json --destination duckdb --dataset close --streams leads users

One dlt resource runs one `read` of the connector for all streams, and each stream becomes a table. The connector's
states are kept in dlt's state, which dlt commits together with the rows: a load that fails is read again, none is lost.
Streams with a cursor are merged by their key; the others are replaced. `config.json` should be writable: connectors
with OAuth keep rotated tokens in it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dlt

BATCH_ROWS = 1000
# JSON schema's types, or formats, and dlt's.
TYPES = {
    "string": "text",
    "integer": "bigint",
    "number": "double",
    "boolean": "bool",
    "object": "json",
    "array": "json",
    "date-time": "timestamp",
    "date": "date",
}
Message = dict[str, Any]


def messages(command: Sequence[str | Path]) -> Iterator[Message]:
    """The messages of a connector's command; raises what it says went wrong after the last one."""
    errors = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            message = json.loads(line)
            if message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
                errors.append(message["trace"]["error"]["message"])
            yield message
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} {command[1]} failed: {' '.join(errors) or process.returncode}")


def discover(connector: str, config: Path) -> list[Message]:
    """The streams of the account's catalog."""
    found = messages([connector, "discover", "--config", config])
    return [stream for message in found if message["type"] == "CATALOG" for stream in message["catalog"]["streams"]]


def configured(stream: Message) -> Message:
    """The stream in its best mode: incremental where it can."""
    incremental = "incremental" in stream["supported_sync_modes"]
    return {
        "stream": stream,
        "sync_mode": "incremental" if incremental else "full_refresh",
        "destination_sync_mode": "append_dedup" if incremental else "overwrite",
        "cursor_field": stream.get("default_cursor_field") or [],
        "primary_key": stream.get("source_defined_primary_key") or [],
    }


def columns(schema: Message) -> dict[str, Any]:
    """The columns of a stream as its schema types them, so that those without a value yet are there too."""
    found = {}
    for name, field in schema["properties"].items():
        kinds = [field["type"]] if isinstance(field.get("type"), str) else field.get("type", [])
        kinds = [field.get("format") or kind for kind in kinds if kind != "null"]
        if len(kinds) == 1 and kinds[0] in TYPES:
            found[name] = {"name": name, "data_type": TYPES[kinds[0]]}
    return found


def table(entry: Message) -> Any:
    """How dlt is to load a stream: its table, its columns, its key, and what happens to the rows that are there."""
    return dlt.mark.make_hints(
        table_name=entry["stream"]["name"],
        columns=columns(entry["stream"]["json_schema"]),
        primary_key=[path[0] for path in entry["primary_key"]],
        write_disposition="merge" if entry["sync_mode"] == "incremental" else "replace",
    )


@dlt.source(max_table_nesting=0)
def airbyte(connector: str, config: Path, streams: Sequence[str] = ()) -> Any:
    """The streams of a connector (all, unless some are named), without tables for what is nested in records."""
    catalog = [configured(stream) for stream in discover(connector, config)]
    if missing := set(streams) - {entry["stream"]["name"] for entry in catalog}:
        raise ValueError(f"{connector} has no stream {', '.join(sorted(missing))}")
    chosen = [entry for entry in catalog if not streams or entry["stream"]["name"] in streams]

    @dlt.resource(name=connector.rpartition("/")[2].replace("-", "_"))
    def read() -> Iterator[Any]:
        states = dlt.current.resource_state().setdefault("airbyte", {})
        hints = {entry["stream"]["name"]: table(entry) for entry in chosen}
        rows: dict[str, list[Message]] = {name: [] for name in hints}

        def batch(name: str) -> Iterator[Any]:
            """The rows since the last one; the first batch of a stream tells dlt about its table."""
            if rows[name]:
                yield dlt.mark.with_hints(rows[name], hints[name], create_table_variant=True)
                rows[name] = []

        with tempfile.TemporaryDirectory() as folder:
            (catalog_file := Path(folder) / "catalog.json").write_text(json.dumps({"streams": chosen}))
            (state_file := Path(folder) / "state.json").write_text(json.dumps(list(states.values())))
            command = [connector, "read", "--config", config, "--catalog", catalog_file, "--state", state_file]
            for message in messages(command):
                if message["type"] == "RECORD":
                    name = message["record"]["stream"]
                    rows[name].append(message["record"]["data"])
                    if len(rows[name]) >= BATCH_ROWS:
                        yield from batch(name)
                elif message["type"] == "STATE":
                    name = message["state"]["stream"]["stream_descriptor"]["name"]
                    yield from batch(name)
                    states[name] = {"type": "STREAM", "stream": message["state"]["stream"]}

    return read


def main() -> None:
    """The command line."""
    arguments = argparse.ArgumentParser(description="Loads a connector's streams with dlt.")
    arguments.add_argument("connector", help="the console script: source-closeio, or its path")
    arguments.add_argument("config", type=Path)
    arguments.add_argument("--streams", nargs="*", default=[], help="default: all")
    arguments.add_argument("--destination", default="duckdb")
    arguments.add_argument("--dataset", default=None, help="default: the connector's name")
    given = arguments.parse_args()
    name = given.connector.rpartition("/")[2].replace("-", "_")
    pipeline = dlt.pipeline(name, destination=given.destination, dataset_name=given.dataset or name)
    print(pipeline.run(airbyte(given.connector, given.config, given.streams)))


if __name__ == "__main__":
    main()
