"""What users of source-kustomer get wrong, and what they must be told."""

from __future__ import annotations

from typing import Any

from bad_inputs import SECRET, BadInput, Changed, Content, Json, Outcome
from bad_inputs.closeio import ARGUMENTS, CATALOGS, CONFIG_FILES, config, options

STREAM = {
    "stream": {"name": "customers", "json_schema": {}},
    "sync_mode": "incremental",
    "destination_sync_mode": "append",
}


def state(name: str, fragment: str, content: Content, *, online: bool = False) -> BadInput:
    catalog = Json({"streams": [STREAM]})
    return BadInput(name, "read", Outcome.CONFIG_ERROR, fragment, catalog=catalog, state=content, online=online)


def customers_state(value: Any) -> Json:
    return Json([{"type": "STREAM", "stream": {"stream_descriptor": {"name": "customers"}, "stream_state": value}}])


KEY = [
    config("no key", "api_key is missing", Json({})),
    config("no key, discover", "api_key is missing", Json({}), "discover"),
    config("no key, read", "api_key is missing", Json({}), "read"),
    options("empty key", "api_key is empty", api_key=""),
    options("blank key", "api_key is empty", api_key=" \n"),
    options("null key", "api_key is missing", api_key=None),
    options("key is a number", "api_key must be a string, not a number", api_key=12345),
    options("key with a line break inside", "api_key holds a space, a line break", api_key=f"{SECRET}\nx"),
    config("key under its alias is a list", "api_key must be a string", Changed({"api_token": [SECRET]}, ("api_key",))),
    config("wrong key", "Kustomer refused the API key", Changed({"api_key": SECRET}), online=True),
    config(
        "wrong key, discover", "Kustomer refused the API key", Changed({"api_key": SECRET}), "discover", online=True
    ),
]

OPTIONS = [
    options("unknown region", "region must be one of us, eu, in", region="mars"),
    options("unknown region of the Meltano tap", "region must be one of us, eu, in", prod_point="prod9"),
    options("organisation is an address", "org_name must be the part before", org_name="acme.kustomerapp.com"),
    options("organisation leads elsewhere", "org_name must be the part before", org_name="evil.example/"),
    options("organisation in capitals", "org_name must be the part before", org_name="ACME"),
    options("deleted records perhaps", "include_deleted must be true or false", include_deleted="perhaps"),
    options("archived records as number", "include_archived must be true or false", include_archived=2),
    options("no search a minute", "search_requests_per_minute must be a whole number", search_requests_per_minute=0),
    options("start date is a word", "start_date must be a date such as 2024-01-31", start_date="yesterday"),
    options("start date does not exist", "start_date is a date or time that does not exist", start_date="2023-02-29"),
    options("no worker", "num_workers must be a whole number between 1 and 32", num_workers=0),
    options("share as a fraction", "rate_limit_share must be a number between 10 and 100", rate_limit_share=0.95),
    options("no request a minute", "max_requests_per_minute must be a whole number", max_requests_per_minute=0),
    options("look-back with a unit", "lookback_window_seconds must be a whole number", lookback_window_seconds="2m"),
    options("user agent with a header", "user_agent may hold only printable ASCII", user_agent="x\r\nX-Other: 1"),
    options("several mistakes at once", "; num_workers must be a whole number", start_date="soon", num_workers=0),
    options("plain http far away", "api_url must start with https://", api_url="http://api.kustomerapp.com/v1/"),
    options("URL with a query", "api_url may not hold a query", api_url=f"https://api.kustomerapp.com/?key={SECRET}"),
    options("metadata address", "api_url points to a link-local or cloud metadata", api_url="http://169.254.169.254/"),
]

STATES = [
    state("state cut off", "The state file state.json is not valid JSON: line 1", '[{"type": "STREAM"'),
    state("state is a list of numbers", "entry 0 of the list is a number instead of an object", Json([1])),
    state("stream state is a text", "of stream customers is a text instead of an object", customers_state("2026")),
    state("state of a later version", "has a format that this version does not know", customers_state({"__v": 2})),
    state(
        "cursor is a word",
        "The state of stream customers holds no valid time in updated_at. Clear the state",
        customers_state({"updated_at": "yesterday", "__v": 1}),
        online=True,
    ),
    state(
        "bookmark of the Singer tap is no time",
        "The state of stream customers holds no valid time in bookmark",
        Json({"bookmarks": {"customers": "soon"}}),
        online=True,
    ),
]

CASES = [*ARGUMENTS, *CONFIG_FILES, *KEY, *OPTIONS, *CATALOGS, *STATES]
