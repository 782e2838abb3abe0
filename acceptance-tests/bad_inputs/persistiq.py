"""What users of source-persistiq get wrong, and what they must be told."""

from __future__ import annotations

from bad_inputs import SECRET, Changed, Json
from bad_inputs.closeio import ARGUMENTS, CATALOGS, CONFIG_FILES, config, leads_state, options, state

KEY = [
    config("no key", "api_key is missing", Json({})),
    config("no key, discover", "api_key is missing", Json({}), "discover"),
    config("no key, read", "api_key is missing", Json({}), "read"),
    options("empty key", "api_key is empty", api_key=""),
    options("blank key", "api_key is empty", api_key=" \n"),
    options("null key", "api_key is missing", api_key=None),
    options("key is a number", "api_key must be a string, not a number", api_key=12345),
    options("key with a line break inside", "api_key holds a space, a line break", api_key=f"{SECRET}\nx"),
    config(
        "key under its alias is a list", "api_key must be a string", Changed({"access_token": [SECRET]}, ("api_key",))
    ),
    config("wrong key", "does not know the API key", Changed({"api_key": SECRET}), online=True),
    config("wrong key, discover", "does not know the API key", Changed({"api_key": SECRET}), "discover", online=True),
    config("wrong key, read", "does not know the API key", Changed({"api_key": SECRET}), "read", online=True),
]

OPTIONS = [
    options("start date is a word", "start_date must be a date such as 2024-01-31", start_date="yesterday"),
    options("start date does not exist", "start_date is a date or time that does not exist", start_date="2023-02-29"),
    options("no worker", "num_workers must be a whole number between 1 and 32", num_workers=0),
    options("share as a fraction", "rate_limit_share must be a number between 10 and 100", rate_limit_share=0.95),
    options("no request a minute", "max_requests_per_minute must be a whole number", max_requests_per_minute=0),
    options("look-back with a unit", "lookback_window_seconds must be a whole number", lookback_window_seconds="2m"),
    options("user agent with a header", "user_agent may hold only printable ASCII", user_agent="x\r\nX-Other: 1"),
    options("several mistakes at once", "; num_workers must be a whole number", start_date="soon", num_workers=0),
    options("plain http far away", "api_url must start with https://", api_url="http://api.persistiq.com/v1/"),
    options("URL with a query", "api_url may not hold a query", api_url=f"https://api.persistiq.com/?key={SECRET}"),
    options("metadata address", "api_url points to a link-local or cloud metadata", api_url="http://169.254.169.254/"),
]

STATES = [
    state("state cut off", "The state file state.json is not valid JSON: line 1", '[{"type": "STREAM"'),
    state("state is a list of numbers", "entry 0 of the list is a number instead of an object", Json([1])),
    state("stream state is a text", "The state of stream leads is a text instead of an object", leads_state("2026")),
    state("state of a later version", "has a format that this version does not know", leads_state({"__v": 2})),
    state(
        "cursor is a word",
        "The state of stream leads holds no valid time in updated_at. Clear the state",
        leads_state({"updated_at": "yesterday", "__v": 1}),
        online=True,
    ),
    state(
        "cursor is a number",
        "The state of stream leads holds a number instead of a time in updated_at",
        leads_state({"updated_at": 1706659200, "__v": 1}),
        online=True,
    ),
]

CASES = [*ARGUMENTS, *CONFIG_FILES, *KEY, *OPTIONS, *CATALOGS, *STATES]
