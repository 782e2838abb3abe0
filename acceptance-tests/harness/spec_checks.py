"""Checks of `spec` that the retired connector-acceptance-test made and the CDK's standard tests do not.

Each is a function from the connectionSpecification to all the problems it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]
FORBIDDEN = {
    "anyOf", "allOf", "not", "patternProperties", "prefixItems", "if", "then", "else", "dependentRequired",
    "dependentSchemas", "$ref",
}  # fmt: skip


def walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """The schema and every schema in it, with a readable path."""
    yield path or "root", schema
    for name, part in schema.get("properties", {}).items():
        yield from walk(part, f"{path}.{name}" if path else name)
    for index, part in enumerate(schema.get("oneOf", [])):
        yield from walk(part, f"{path}[{index}]")
    if isinstance(schema.get("items"), dict):
        yield from walk(schema["items"], f"{path}[]")


def root_is_an_open_object_without_requirements(spec: Schema) -> list[str]:
    """The engine maps aliases and names what is missing itself, so the schema requires nothing."""
    problems = [] if spec.get("type") == "object" else [f"root has type {spec.get('type')}"]
    problems += ["root has oneOf"] if "oneOf" in spec else []
    problems += [f"root requires {spec['required']}"] if spec.get("required") else []
    return problems + ([] if spec.get("additionalProperties", True) is True else ["root refuses additional properties"])


def property_types_are_single(spec: Schema) -> list[str]:
    return [f"{path}: type is {part['type']}" for path, part in walk(spec) if isinstance(part.get("type"), list)]


def every_property_has_a_type(spec: Schema) -> list[str]:
    return [
        f"{path}: neither type nor const nor oneOf"
        for path, part in walk(spec)
        if not part.keys() & {"type", "const", "oneOf"}
    ]


def no_forbidden_keywords(spec: Schema) -> list[str]:
    return [f"{path}: {word}" for path, part in walk(spec) for word in sorted(part.keys() & FORBIDDEN)]


def one_of_is_used_as_the_form_needs_it(spec: Schema) -> list[str]:
    """On an object; titled options; one common property that is const in each, without enum or default."""
    problems = []
    for path, part in walk(spec):
        if "oneOf" not in part:
            continue
        if part.get("type") != "object" or not part.get("title"):
            problems.append(f"{path}: oneOf needs a titled object")
        options = part["oneOf"]
        problems += [f"{path}[{i}]: no title" for i, option in enumerate(options) if not option.get("title")]
        constants = [{n for n, p in option.get("properties", {}).items() if "const" in p} for option in options]
        common = set.intersection(*constants) if constants else set()
        if len(common) != 1:
            problems.append(f"{path}: options share the constants {sorted(common)}, not exactly one")
            continue
        (name,) = common
        values = [option["properties"][name]["const"] for option in options]
        problems += [f"{path}: {name} has equal constants"] if len(set(values)) < len(values) else []
        problems += [
            f"{path}[{i}].{name}: has {word}"
            for i, option in enumerate(options)
            for word in ("enum", "default")
            if word in option["properties"][name]
        ]
    return problems


def objects_are_not_empty(spec: Schema) -> list[str]:
    return [
        f"{path}: object without properties"
        for path, part in walk(spec)
        if part.get("type") == "object" and not part.get("properties") and not part.get("oneOf")
    ]


def arrays_have_typed_items(spec: Schema) -> list[str]:
    return [
        f"{path}: array without item type"
        for path, part in walk(spec)
        if part.get("type") == "array" and "type" not in part.get("items", {})
    ]


def enumerations_are_unique(spec: Schema) -> list[str]:
    return [
        f"{path}: enum repeats a value"
        for path, part in walk(spec)
        if len(set(part.get("enum", []))) < len(part.get("enum", []))
    ]


def dates_are_given_by_pattern(spec: Schema) -> list[str]:
    """A `format` would make the form refuse one of the two forms that are accepted."""
    problems = [f"{path}: has a date format" for path, part in walk(spec) if "date" in str(part.get("format", ""))]
    return problems + [
        f"{path}: a date without pattern"
        for path, part in walk(spec)
        if path.rpartition(".")[2].endswith("_date") and not part.get("pattern") and not part.get("airbyte_hidden")
    ]


def display_order_is_unique(spec: Schema) -> list[str]:
    problems = []
    for path, part in walk(spec):
        orders = [p["order"] for p in part.get("properties", {}).values() if "order" in p]
        if len(set(orders)) < len(orders):
            problems.append(f"{path}: two properties of one order")
    return problems


def groups_are_at_the_top(spec: Schema) -> list[str]:
    return [f"{path}: nested group" for path, part in walk(spec) if "group" in part and ("." in path or "[" in path)]


def display_types_are_known(spec: Schema) -> list[str]:
    return [
        f"{path}: display_type {part['display_type']}"
        for path, part in walk(spec)
        if "display_type" in part and (part["display_type"] not in ("dropdown", "radio") or "oneOf" not in part)
    ]


def properties_are_titled_and_described(spec: Schema) -> list[str]:
    return [
        f"{path}.{name}: no {word}"
        for path, part in walk(spec)
        for name, child in part.get("properties", {}).items()
        for word in ("title", "description")
        if not child.get(word) and "const" not in child and not child.get("airbyte_hidden")
    ]


def secrets_are_text(spec: Schema) -> list[str]:
    return [
        f"{p}: secret of type {s.get('type')}"
        for p, s in walk(spec)
        if s.get("airbyte_secret") and s.get("type") != "string"
    ]


def common_options_are_there(spec: Schema) -> list[str]:
    wanted = {"start_date", "user_agent", "num_workers", "rate_limit_share", "max_requests_per_minute", "api_url"}
    problems = [f"no option {name}" for name in sorted(wanted - spec["properties"].keys())]
    api_url = spec["properties"].get("api_url", {})
    return problems + ([] if api_url.get("airbyte_hidden") else ["api_url is not hidden"])


ALL: tuple[Callable[[Schema], list[str]], ...] = (
    root_is_an_open_object_without_requirements,
    property_types_are_single,
    every_property_has_a_type,
    no_forbidden_keywords,
    one_of_is_used_as_the_form_needs_it,
    objects_are_not_empty,
    arrays_have_typed_items,
    enumerations_are_unique,
    dates_are_given_by_pattern,
    display_order_is_unique,
    groups_are_at_the_top,
    display_types_are_known,
    properties_are_titled_and_described,
    secrets_are_text,
    common_options_are_there,
)
