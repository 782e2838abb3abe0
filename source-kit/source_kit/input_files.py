"""Reads the JSON files that the command line names: --config, --catalog and --state.

Every trouble becomes a `ConfigError` that names the file, says what is wrong and what to do; never a word of the
content, which holds secrets.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from source_kit.errors import ConfigError

KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}


def kind(value: object) -> str:
    """What a JSON value is, for messages: "a list", "null", ..."""
    return KINDS.get(type(value), "null")


def read_text(path: str, option: str) -> str:
    """The file's text; `option` is the command line's name for it, such as "config"."""
    name = f"The {option} file {path}"
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{name} does not exist. Pass an existing file with --{option}.", exception=error) from None
    except IsADirectoryError as error:
        raise ConfigError(
            f"{name} is a directory. Pass a JSON file with --{option}."
            " (Docker makes an empty directory where the file to mount does not exist.)",
            exception=error,
        ) from None
    except PermissionError as error:
        raise ConfigError(
            f"{name} may not be read. Allow it for the user that runs the connector (uid 1000 in the image).",
            exception=error,
        ) from None
    except UnicodeDecodeError as error:
        # Not as the cause: a UnicodeDecodeError carries the bytes of the file.
        raise ConfigError(f"{name} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name} cannot be read: {getattr(error, 'strerror', None) or 'bad file name'}.") from None


def parse_json(text: str, path: str, option: str) -> Any:
    """The JSON value of a file's text; an error tells the position only."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        # Not as the cause: a JSONDecodeError carries the whole text of the file.
        raise ConfigError(
            f"The {option} file {path} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except (ValueError, RecursionError):
        raise ConfigError(f"The {option} file {path} is not usable JSON: too deep, or a number too long.") from None


def read_config(path: str) -> dict[str, Any]:
    """The config object of the user, as given."""
    text = read_text(path, "config")
    if not text.strip():
        raise ConfigError(f"The config file {path} is empty. It must hold one JSON object.")
    value = parse_json(text, path, "config")
    if not isinstance(value, dict):
        raise ConfigError(f"The config file {path} holds {kind(value)}. It must hold one JSON object.")
    return value


def read_catalog(path: str) -> Any:
    """The JSON value of the catalog file; `catalog_input` checks its shape."""
    text = read_text(path, "catalog")
    if not text.strip():
        raise ConfigError(f"The catalog file {path} is empty. It must hold a configured catalog.")
    return parse_json(text, path, "catalog")


def read_state(path: str | None) -> Any:
    """The JSON value of the state file; no file and an empty file are no state (`None`)."""
    if path is None:
        return None
    text = read_text(path, "state")
    return parse_json(text, path, "state") if text.strip() else None
