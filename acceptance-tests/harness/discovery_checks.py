"""Checks of `discover`, of the image and of `metadata.yaml` that the CDK's standard tests lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jsonschema import (  # type: ignore[import-untyped] # has no types, and the lock file no stubs
    Draft7Validator,
    SchemaError,
)

Schema = dict[str, Any]
Stream = dict[str, Any]

OCI = "org.opencontainers.image"


def walk(schema: Any, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every object schema below `schema`, with a readable path."""
    if not isinstance(schema, dict):
        return
    yield path or "root", schema
    for name, part in schema.get("properties", {}).items():
        yield from walk(part, f"{path}.{name}" if path else name)
    yield from walk(schema.get("items"), f"{path}[]")


def schemas_are_valid(stream: Stream) -> list[str]:
    try:
        Draft7Validator.check_schema(stream["json_schema"])
    except SchemaError as error:
        return [f"schema is invalid: {error.message[:200]}"]
    return []


def no_forbidden_keywords(stream: Stream) -> list[str]:
    words = {"$ref", "allOf", "not", "anyOf", "oneOf"}
    return [f"{path}: {word}" for path, part in walk(stream["json_schema"]) for word in sorted(part.keys() & words)]


def objects_are_open(stream: Stream) -> list[str]:
    return [
        f"{path}: additionalProperties is not true"
        for path, part in walk(stream["json_schema"])
        if "object" in str(part.get("type")) and part.get("additionalProperties") is not True
    ]


def everything_but_the_key_is_nullable(stream: Stream) -> list[str]:
    key = {path[0] for path in stream.get("source_defined_primary_key") or []}
    return [
        f"{path}: type {part.get('type')} does not allow null"
        for path, part in walk(stream["json_schema"])
        if path != "root" and path not in key and "type" in part and "null" not in part["type"]
    ]


def keys_and_cursors_are_declared(stream: Stream) -> list[str]:
    properties = stream["json_schema"]["properties"]
    wanted = [path[0] for path in stream.get("source_defined_primary_key") or []]
    # A stream of one object without an id (a settings page) has nothing to be a key.
    problems = [] if wanted or "id" not in properties else ["no primary key"]
    cursor = stream.get("default_cursor_field") or []
    if "incremental" in stream["supported_sync_modes"] and (not cursor or not stream.get("source_defined_cursor")):
        problems.append("incremental without a source-defined cursor")
    return problems + [f"{name} is not in the schema" for name in [*wanted, *cursor] if name not in properties]


def resumable_streams_have_a_cursor(stream: Stream) -> list[str]:
    """Streams with a cursor are resumable in full refresh too, the others are not."""
    has_cursor = bool(stream.get("default_cursor_field"))
    return [] if bool(stream.get("is_resumable")) is has_cursor else [f"is_resumable is {stream.get('is_resumable')}"]


def date_times_carry_a_zone(stream: Stream) -> list[str]:
    return [
        f"{path}: date-time without airbyte_type timestamp_with_timezone"
        for path, part in walk(stream["json_schema"])
        if part.get("format") == "date-time" and part.get("airbyte_type") != "timestamp_with_timezone"
    ]


PER_STREAM: tuple[Callable[[Stream], list[str]], ...] = (
    schemas_are_valid,
    no_forbidden_keywords,
    objects_are_open,
    everything_but_the_key_is_nullable,
    keys_and_cursors_are_declared,
    resumable_streams_have_a_cursor,
    date_times_carry_a_zone,
)


def catalog_problems(catalog: dict[str, Any]) -> list[str]:
    """Every problem of every stream, and names that occur twice."""
    names = [stream["name"] for stream in catalog["streams"]]
    problems = [f"{name}: discovered twice" for name in sorted({name for name in names if names.count(name) > 1})]
    return problems + [
        f"{stream['name']}: {problem}"
        for stream in catalog["streams"]
        for check in PER_STREAM
        for problem in check(stream)
    ]


def metadata_problems(metadata: dict[str, Any], catalog: dict[str, Any], script: str, version: str) -> list[str]:
    """`metadata.yaml` against the catalog, the script's name and the package's version."""
    data = metadata["data"]
    discovered = {stream["name"] for stream in catalog["streams"]}
    suggested = set(data.get("suggestedStreams", {}).get("streams", []))
    problems = [] if data.get("allowedHosts", {}).get("hosts") else ["allowedHosts.hosts is empty"]
    problems += [] if suggested else ["suggestedStreams.streams is empty"]
    problems += [f"suggested stream {name} does not exist" for name in sorted(suggested - discovered)]
    wanted = {"dockerRepository": script, "dockerImageTag": version, "maxSecondsBetweenMessages": 10800}
    problems += [f"{key} is {data.get(key)}, not {value}" for key, value in wanted.items() if data.get(key) != value]
    if data.get("remoteRegistries", {}).get("pypi", {}).get("enabled") is not False:
        problems.append("remoteRegistries.pypi.enabled is not false")
    return problems


def image_problems(attributes: dict[str, Any], script: str, version: str) -> list[str]:
    """Labels, user and AIRBYTE_ENTRYPOINT of an image, as the platform's tools read them."""
    settings = attributes["Config"]
    labels = settings.get("Labels") or {}
    environment = dict(entry.split("=", 1) for entry in settings.get("Env") or [])
    entry_point = " ".join(settings.get("Entrypoint") or [])
    problems = []
    if environment.get("AIRBYTE_ENTRYPOINT") != entry_point or not entry_point:
        problems.append(
            f"AIRBYTE_ENTRYPOINT {environment.get('AIRBYTE_ENTRYPOINT')!r} is not ENTRYPOINT {entry_point!r}"
        )
    wanted = {"io.airbyte.name": script, "io.airbyte.version": version}
    wanted |= {f"{OCI}.title": script, f"{OCI}.version": version, f"{OCI}.licenses": "MIT"}
    told = [f"{OCI}.{name}" for name in ("description", "created", "base.name")]
    problems += [f"label {key} is empty" for key in told if not labels.get(key)]
    problems += [
        f"label {key} is {labels.get(key)}, not {value}" for key, value in wanted.items() if labels.get(key) != value
    ]
    if settings.get("User") not in ("1000", "1000:1000", "airbyte"):
        problems.append(f"user is {settings.get('User')!r}")
    return problems
