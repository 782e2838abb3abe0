"""What users of source-outreach get wrong, and what they must be told."""

from __future__ import annotations

from typing import Any

from bad_inputs import SECRET, BadInput, Changed, Content, Json, Outcome
from bad_inputs.closeio import ARGUMENTS, CATALOGS, CONFIG_FILES, config, options

STREAM = {
    "stream": {"name": "prospects", "json_schema": {}},
    "sync_mode": "incremental",
    "destination_sync_mode": "append",
}
CATALOG = Json({"streams": [STREAM]})


def state(name: str, fragment: str, content: Content, *, online: bool = False) -> BadInput:
    return BadInput(name, "read", Outcome.CONFIG_ERROR, fragment, catalog=CATALOG, state=content, online=online)


def prospects_state(value: Any) -> Json:
    return Json([{"type": "STREAM", "stream": {"stream_descriptor": {"name": "prospects"}, "stream_state": value}}])


CREDENTIALS = [
    config("no credentials", "client_id is missing; client_secret is missing; refresh_token is missing", Json({})),
    config("no credentials, discover", "client_id is missing", Json({}), "discover"),
    config("no credentials, read", "client_id is missing", Json({}), "read"),
    options("empty client id", "client_id is empty", client_id=""),
    options("null secret", "client_secret is missing", client_secret=None),
    options("secret is a number", "client_secret must be a string, not a number", client_secret=12345),
    options("refresh token is a list", "refresh_token must be a string, not a list", refresh_token=[SECRET]),
    options("blank refresh token", "refresh_token is empty", refresh_token=" \n"),
    options("refresh token with a line break inside", "refresh_token holds a space", refresh_token=f"{SECRET}\nx"),
    options("redirect URI is a number", "redirect_uri must be a string, not a number", redirect_uri=7),
    config("wrong refresh token", "14 days", Changed({"refresh_token": SECRET}), online=True),
    config("wrong refresh token, discover", "Authorise", Changed({"refresh_token": SECRET}), "discover", online=True),
    config("wrong secret", "does not know this client", Changed({"client_secret": SECRET}), online=True),
    config(
        "wrong client id, discover", "does not know this client", Changed({"client_id": "x"}), "discover", online=True
    ),
]

APP = {"auth_type": "s2s", "s2s_guid": "3f2b8c6e-5d1a-4e0b-9c77-8a1f0d2e6b94", "installation_id": "b1946ac9"}


def app(name: str, fragment: str, **changes: Any) -> BadInput:
    return options(name, fragment, credentials=APP | changes)


APPS = [
    options("credentials are a text", "credentials must be an object, not a text", credentials=SECRET),
    options("unknown way to sign in", "auth_type must be one of oauth2.0, s2s", credentials={"auth_type": "jwt"}),
    options(
        "an app with nothing",
        "s2s_guid is missing; credentials.private_key is missing",
        credentials={"auth_type": "s2s"},
    ),
    app("an app without a key", "credentials.private_key is missing"),
    app("a key that is no PEM", "credentials.private_key", private_key=SECRET),
    app(
        "a key cut short",
        "private_key is damaged",
        private_key=f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    ),
    app(
        "a GUID that is a number", "credentials.s2s_guid must be a string, not a number", s2s_guid=7, private_key=SECRET
    ),
]

OPTIONS = [
    options("start date is a word", "start_date must be a date such as 2024-01-31", start_date="yesterday"),
    options("start date does not exist", "start_date is a date or time that does not exist", start_date="2023-02-29"),
    options("no worker", "num_workers must be a whole number between 1 and 32", num_workers=0),
    options("share as a fraction", "rate_limit_share must be a number between 10 and 100", rate_limit_share=0.95),
    options("no request a minute", "max_requests_per_minute must be a whole number", max_requests_per_minute=0),
    options("look-back with a unit", "lookback_window_seconds must be a whole number", lookback_window_seconds="6h"),
    options("page too large", "page_size must be a whole number between 1 and 1000", page_size=5000),
    options("page of no records", "page_size must be a whole number between 1 and 1000", page_size=0),
    options("ids of imports in words", "import_ids must be whole numbers separated by commas", import_ids="one, two"),
    options("ids of imports as a list", "import_ids must be a string, not a list", import_ids=[1, 2]),
    options("links in words", "data_connections must be true or false, not a text", data_connections="yes"),
    options("extra fields as a number", "extra_fields must be a list of strings", extra_fields=5),
    options(
        "extra field without a stream", "extra_fields must hold entries such as", extra_fields=["contactHistogram"]
    ),
    options("no request a day", "max_requests_per_day must be a whole number", max_requests_per_day=0),
    options("interval before now", "lookback_interval_hours must be a whole number", lookback_interval_hours=-1),
    options("interval in words", "reference_interval_hours must be a whole number", reference_interval_hours="daily"),
    options("end date is a word", "end_date must be a date such as 2024-01-31", end_date="soon"),
    options(
        "end before the start",
        "end_date must be later than start_date",
        start_date="2025-01-01",
        end_date="2025-01-01",
    ),
    options("ids of a number", "record_ids_of must be a list of strings", record_ids_of=7),
    options("user agent with a header", "user_agent may hold only printable ASCII", user_agent="x\r\nX-Other: 1"),
    options("several mistakes at once", "; num_workers must be a whole number", start_date="soon", num_workers=0),
    options("plain http far away", "api_url must start with https://", api_url="http://api.outreach.io/api/v2/"),
    options("URL with a query", "api_url may not hold a query", api_url=f"https://api.outreach.io/?key={SECRET}"),
    options("metadata address", "api_url points to a link-local or cloud metadata", api_url="http://169.254.169.254/"),
    options("token URL far away", "token_url must start with https://", token_url="http://api.outreach.io/oauth/token"),
]

STATES = [
    state("state cut off", "The state file state.json is not valid JSON: line 1", '[{"type": "STREAM"'),
    state("state is a list of numbers", "entry 0 of the list is a number instead of an object", Json([1])),
    state("stream state is a text", "The state of stream prospects is a text instead of", prospects_state("2026")),
    state("state of a later version", "has a format that this version does not know", prospects_state({"__v": 2})),
    state(
        "cursor is a word",
        "The state of stream prospects holds no valid time in updatedAt. Clear the state",
        prospects_state({"updatedAt": "yesterday", "__v": 1}),
        online=True,
    ),
    state(
        "cursor is a number",
        "The state of stream prospects holds a number instead of a time in updatedAt",
        prospects_state({"updatedAt": 1706659200, "__v": 1}),
        online=True,
    ),
    state(
        "foreign state without cursor",
        "The state of stream prospects is of another connector and holds no updatedAt",
        prospects_state({"offset": 300}),
        online=True,
    ),
]

CASES = [*ARGUMENTS, *CONFIG_FILES, *CREDENTIALS, *APPS, *OPTIONS, *CATALOGS, *STATES]
