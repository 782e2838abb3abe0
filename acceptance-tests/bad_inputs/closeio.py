"""What users of source-closeio get wrong, and what they must be told."""

from __future__ import annotations

from typing import Any

from bad_inputs import SECRET, BadInput, Changed, Content, Json, Outcome, Special

STREAM = {"stream": {"name": "leads", "json_schema": {}}, "sync_mode": "incremental", "destination_sync_mode": "append"}
CATALOG = Json({"streams": [STREAM]})


def usage(name: str, fragment: str, *arguments: str) -> BadInput:
    return BadInput(name, "", Outcome.USAGE, fragment, arguments=arguments)


def config(name: str, fragment: str, content: Content, command: str = "check", *, online: bool = False) -> BadInput:
    outcome = Outcome.FAILED_STATUS if command == "check" else Outcome.CONFIG_ERROR
    catalog = CATALOG if command == "read" else Special.LEFT_OUT
    return BadInput(name, command, outcome, fragment, config=content, catalog=catalog, online=online)


def options(name: str, fragment: str, **values: Any) -> BadInput:
    return config(name, fragment, Changed(values))


def credentials(name: str, fragment: str, value: Any) -> BadInput:
    return config(name, fragment, Changed({"credentials": value}, without=("api_key",)))


def catalog(name: str, fragment: str, content: Content, *, online: bool = False) -> BadInput:
    return BadInput(name, "read", Outcome.CONFIG_ERROR, fragment, catalog=content, online=online)


def state(name: str, fragment: str, content: Content, *, online: bool = False) -> BadInput:
    return BadInput(name, "read", Outcome.CONFIG_ERROR, fragment, catalog=CATALOG, state=content, online=online)


def leads_state(value: Any) -> Json:
    return Json([{"type": "STREAM", "stream": {"stream_descriptor": {"name": "leads"}, "stream_state": value}}])


def streams(*entries: Any) -> Json:
    return Json({"streams": list(entries)})


ARGUMENTS = [
    usage("no command", "the following arguments are required: command"),
    usage("unknown command", "invalid choice: 'sync'", "sync"),
    usage("check without config", "the following arguments are required: --config", "check"),
    usage("discover without config", "the following arguments are required: --config", "discover"),
    usage("read without catalog", "the following arguments are required: --catalog", "read", "--config", "x.json"),
    usage("unknown option", "unrecognized arguments: --verbose", "check", "--config", "x.json", "--verbose"),
    usage("option without value", "argument --config: expected one argument", "check", "--config"),
    usage("shortened option", "the following arguments are required: --config", "check", "--conf", "x.json"),
]

CONFIG_FILES = [
    config("config missing", "The config file config.json does not exist.", Special.MISSING),
    config("config missing, discover", "The config file config.json does not exist.", Special.MISSING, "discover"),
    config("config missing, read", "The config file config.json does not exist.", Special.MISSING, "read"),
    config("config is a directory", "The config file config.json is a directory.", Special.DIRECTORY),
    config("config empty", "The config file config.json is empty.", ""),
    config("config blank", "The config file config.json is empty.", " \n\n"),
    config("config cut off", "is not valid JSON: line 1, column 13: Unterminated string", f'{{"api_key": "{SECRET}'),
    config("config is YAML", "The config file config.json is not valid JSON: line 1, column 1", f"api_key: {SECRET}\n"),
    config("config with a comma too many", "is not valid JSON: line 1, column", f'{{"api_key": "{SECRET}",}}'),
    config("config is a list", "The config file config.json holds a list.", Json([{"api_key": SECRET}])),
    config("config is a text", "The config file config.json holds a text.", Json(SECRET)),
    config("config is null", "The config file config.json holds null.", Json(None)),
    config("config in UTF-16", "The config file config.json is not UTF-8 text", '{"api_key": "x"}'.encode("utf-16")),
    config("config too deep", "The config file config.json is not usable JSON", '{"a":' * 100_000),
]  # fmt: skip

CREDENTIALS = [
    config("no key", "api_key is missing: give credentials, or the flat api_key", Json({})),
    config("no key, discover", "api_key is missing", Json({}), "discover"),
    config("no key, read", "api_key is missing", Json({}), "read"),
    options("empty key", "api_key is empty", api_key=""),
    options("blank key", "api_key is empty", api_key=" \n"),
    options("null key", "api_key is missing", api_key=None),
    options("key is a number", "api_key must be a string, not a number", api_key=12345),
    options("key with a line break inside", "api_key holds a space, a line break", api_key=f"{SECRET}\nx"),
    credentials("credentials are a text", "credentials must be an object, not a text", SECRET),
    credentials("credentials are a list", "credentials must be an object, not a list", [SECRET]),
    credentials("empty credentials", "api_key is missing: give credentials", {}),
    credentials("unknown auth_type", "credentials.auth_type must be one of", {"auth_type": "magic", "api_key": SECRET}),
    credentials("auth_type alone", "credentials.api_key is missing", {"auth_type": "api_key"}),
    credentials("credentials without anything known", "credentials.auth_type must be one of", {"password": SECRET}),
    credentials("no access token", "credentials.access_token is missing", {"auth_type": "access_token"}),
    credentials(
        "OAuth without secret and token",
        "credentials.client_secret is missing; credentials.refresh_token is missing",
        {"auth_type": "oauth2.0", "client_id": "id"},
    ),
    credentials(
        "OAuth with a blank token",
        "credentials.refresh_token is empty",
        {"auth_type": "oauth2.0", "client_id": "id", "client_secret": SECRET, "refresh_token": " "},
    ),
    config("wrong key", "refused the credentials", Changed({"api_key": SECRET}), online=True),
    config("wrong key, discover", "refused the credentials", Changed({"api_key": SECRET}), "discover", online=True),
]  # fmt: skip

OPTIONS = [
    options("start date is a word", "start_date must be a date such as 2024-01-31", start_date="yesterday"),
    options("start date in German", "start_date must be a date such as 2024-01-31", start_date="31.01.2024"),
    options("start date is a number", "start_date must be a date such as 2024-01-31", start_date=1706659200),
    options("start date does not exist", "start_date is a date or time that does not exist", start_date="2023-02-29"),
    options("no worker", "num_workers must be a whole number between 1 and 32", num_workers=0),
    options("too many workers", "num_workers must be a whole number between 1 and 32", num_workers=33),
    options("half a worker", "num_workers must be a whole number between 1 and 32", num_workers=1.5),
    options("workers in words", "num_workers must be a whole number between 1 and 32", num_workers="eight"),
    options("workers are true", "num_workers must be a whole number between 1 and 32", num_workers=True),
    options("share as a fraction", "rate_limit_share must be a number between 10 and 100", rate_limit_share=0.95),
    options("share above all", "rate_limit_share must be a number between 10 and 100", rate_limit_share=200),
    options("no request a minute", "max_requests_per_minute must be a whole number", max_requests_per_minute=0),
    options("negative look-back", "lookback_window_seconds must be a whole number", lookback_window_seconds=-1),
    options(
        "look-back with a unit", "activities_window_seconds must be a whole number", activities_window_seconds="1d"
    ),
    options("flag is a word", "encode_event_data must be true or false, not a text", encode_event_data="perhaps"),
    options("user agent with a header", "user_agent may hold only printable ASCII", user_agent="x\r\nX-Other: 1"),
    options("several mistakes at once", "; num_workers must be a whole number", start_date="soon", num_workers=0),
    options("plain http far away", "api_url must start with https://", api_url="http://api.close.com/api/v1/"),
    options("URL without scheme", "api_url must be a URL that starts with https://", api_url="api.close.com"),
    options("URL is a number", "api_url must be a string, not a number", api_url=443),
    options("URL with a password", "api_url may not hold a user name", api_url=f"https://x:{SECRET}@api.close.com/"),
    options("URL with a query", "api_url may not hold a query", api_url=f"https://api.close.com/?key={SECRET}"),
    options("metadata address", "api_url points to a link-local or cloud metadata", api_url="http://169.254.169.254/"),
    options("metadata address in hex", "api_url points to a link-local", api_url="http://0xa9fea9fe/latest/"),
    options("metadata address in IPv6", "api_url points to a link-local", api_url="https://[::ffff:a9fe:a9fe]/"),
    options("metadata name", "api_url points to a link-local", api_url="http://metadata.google.internal/"),
]

CATALOGS = [
    catalog("catalog missing", "The catalog file catalog.json does not exist.", Special.MISSING),
    catalog("catalog is a directory", "The catalog file catalog.json is a directory.", Special.DIRECTORY),
    catalog("catalog empty", "The catalog file catalog.json is empty.", ""),
    catalog("catalog cut off", "The catalog file catalog.json is not valid JSON: line 1", '{"streams": ['),
    catalog("catalog is a list", "is not a configured catalog: it is a list instead of an object", Json([])),
    catalog("catalog without streams", "it has no list named streams; it must look like", Json({})),
    catalog(
        "output of discover", "it is the output of discover", Json({"type": "CATALOG", "catalog": {"streams": []}})
    ),
    catalog("discovered catalog", "it is a discovered catalog", streams({"name": "leads", "json_schema": {}})),
    catalog("entry without stream", "streams[0] has no object named stream", streams({"sync_mode": "incremental"})),
    catalog("stream without name", "streams[0].stream has no name", streams({**STREAM, "stream": {}})),
    catalog("unknown sync mode", "the sync_mode of stream leads must be", streams({**STREAM, "sync_mode": "often"})),
    catalog("no sync mode", "the sync_mode of stream leads must be", streams({"stream": STREAM["stream"]})),
    catalog("stream twice", "stream leads is in it twice", streams(STREAM, STREAM)),
    catalog("cursor is a text", "streams[0].cursor_field must be a list", streams({**STREAM, "cursor_field": "x"})),
    catalog(
        "unknown stream",
        "Stream no_such_stream of the catalog does not exist",
        streams({**STREAM, "stream": {"name": "no_such_stream", "json_schema": {}}}),
        online=True,
    ),
]

STATES = [
    state("state missing", "The state file state.json does not exist.", Special.MISSING),
    state("state is a directory", "The state file state.json is a directory.", Special.DIRECTORY),
    state("state cut off", "The state file state.json is not valid JSON: line 1", '[{"type": "STREAM"'),
    state("state is a text", "The state file is not a state: it is a text.", Json("leads")),
    state("state is a list of numbers", "entry 0 of the list is a number instead of an object", Json([1])),
    state("state without stream", "entry 0 of the list has neither stream, nor global", Json([{"type": "STREAM"}])),
    state("state without name", "entry 0 of the list has no stream_descriptor", Json([{"stream": {"x": 1}}])),
    state("global state without streams", "has a global part without a list", Json({"global": {"shared_state": {}}})),
    state("bookmarks are a list", "its bookmarks are not an object", Json({"bookmarks": []})),
    state("stream state is a text", "The state of stream leads is a text instead of an object", leads_state("2026")),
    state("state of a later version", "has a format that this version does not know", leads_state({"__v": 2})),
    state(
        "cursor is a word",
        "The state of stream leads holds no valid time in date_updated. Clear the state",
        leads_state({"date_updated": "yesterday", "__v": 1}),
        online=True,
    ),
    state(
        "cursor is a number",
        "The state of stream leads holds a number instead of a time in date_updated",
        leads_state({"date_updated": 1706659200, "__v": 1}),
        online=True,
    ),
    state(
        "foreign state without cursor",
        "The state of stream leads is of another connector and holds no date_updated",
        leads_state({"offset": 300}),
        online=True,
    ),
]

CASES = [*ARGUMENTS, *CONFIG_FILES, *CREDENTIALS, *OPTIONS, *CATALOGS, *STATES]
