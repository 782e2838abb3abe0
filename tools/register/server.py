"""Talks to an Airbyte: authentication, requests, and what its refusals mean.

Nothing is sent twice by itself, since an Airbyte that did not answer may have done what it was told. The command looks
for what exists before it creates anything, so whoever runs it again loses nothing.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from register.apis import Call
from register.problems import NotAirbyte, Problem, Usage
from source_kit.hosts import RefusedURL, checked_url

CONNECT_TIMEOUT_SECONDS = 10
# Airbyte starts the image before it answers, which may mean to pull it and to wait for a node.
READ_TIMEOUT_SECONDS = 600
# Tokens live for three minutes at least.
TOKEN_SECONDS = 90
SHOWN_CHARACTERS = 300
CREDENTIALS_HINT = "`abctl local credentials` shows client id and secret"
TOKEN_PATH = "api/v1/applications/token"


@dataclass(frozen=True, repr=False)
class Credentials:
    """Of an application (exchanged for tokens), of a user (HTTP Basic, where a proxy asks for it), or none."""

    client_id: str = ""
    client_secret: str = ""
    username: str = ""
    password: str = ""

    @classmethod
    def from_environment(cls) -> Credentials:
        """From `AIRBYTE_CLIENT_ID` and `AIRBYTE_CLIENT_SECRET`, or `AIRBYTE_USERNAME` and `AIRBYTE_PASSWORD`."""
        given = {name: os.environ.get(f"AIRBYTE_{name.upper()}", "") for name in cls.__dataclass_fields__}
        for first, second in (("client_id", "client_secret"), ("username", "password")):
            if bool(given[first]) != bool(given[second]):
                raise Usage(f"Set both AIRBYTE_{first.upper()} and AIRBYTE_{second.upper()}, or neither.")
        if given["client_id"] and given["username"]:
            raise Usage("Set AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET, or AIRBYTE_USERNAME and AIRBYTE_PASSWORD.")
        return cls(**given)

    @property
    def secrets(self) -> list[str]:
        return [value for value in (self.client_secret, self.password, self.client_id) if value]

    @property
    def scheme(self) -> str:
        """How requests are authenticated: `Bearer`, `Basic` or nothing."""
        return "Bearer" if self.client_id else "Basic" if self.username else ""

    def token_call(self) -> Call:
        """Exchanges the application's credentials for an access token."""
        return Call("POST", TOKEN_PATH, {"client_id": self.client_id, "client_secret": self.client_secret})


class Bearer(AuthBase):
    """A token in the Authorization header. Also without one: an authentication of its own keeps netrc out."""

    def __init__(self, token: str = "") -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Server:
    """An Airbyte at an address."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.url = server_url(url)
        self._credentials = credentials
        self._session = requests.Session()
        self._token = Bearer()
        self._minted: float | None = None

    def send(self, call: Call) -> dict[str, Any]:
        """The JSON object that Airbyte answers; raises `Problem` for everything else."""
        credentials = self._credentials
        if credentials.client_id:
            self._renew_token()
        basic = HTTPBasicAuth(credentials.username, credentials.password)
        return self._send(call, basic if credentials.username else self._token)

    def _renew_token(self) -> None:
        if self._minted is not None and time.monotonic() - self._minted < TOKEN_SECONDS:
            return
        answer = self._send(self._credentials.token_call(), Bearer())
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise NotAirbyte("no access token")
        self._token, self._minted = Bearer(token), time.monotonic()

    def _send(self, call: Call, auth: AuthBase) -> dict[str, Any]:
        try:
            response = self._session.request(
                call.method,
                self.url + call.path,
                json=call.body,
                auth=auth,
                timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Problem(self._unreachable(error)) from None
        if response.status_code != requests.codes.ok:
            raise Problem(self._refusal(call, response))
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            raise NotAirbyte(response.headers.get("Content-Type", "without a content type")) from None
        if not isinstance(answer, dict):
            raise NotAirbyte("not a JSON object")
        return answer

    def _unreachable(self, error: requests.RequestException) -> str:
        if isinstance(error, requests.exceptions.SSLError):
            return f"The certificate of {self.url} is not trusted. REQUESTS_CA_BUNDLE names the file with yours."
        if isinstance(error, requests.exceptions.ReadTimeout):
            return f"Airbyte at {self.url} did not answer within {READ_TIMEOUT_SECONDS} s. Run the command again."
        if isinstance(error, requests.exceptions.ConnectionError) and not isinstance(error, requests.Timeout):
            return (
                f"No connection to Airbyte at {self.url}, or it broke off. Is Airbyte running (`abctl local status`)?"
            )
        return f"Airbyte at {self.url} could not be asked: {type(error).__name__}."

    def _refusal(self, call: Call, response: requests.Response) -> str:
        status = response.status_code
        said = self._said(response)
        if 300 <= status < 400:
            return f"{self.url} sends elsewhere{_elsewhere(response)}. Give the address where Airbyte itself answers."
        if status == 401:
            advice = (
                f"Airbyte does not take these credentials; {CREDENTIALS_HINT}."
                if self._credentials.scheme
                else f"Airbyte wants credentials: set AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET; {CREDENTIALS_HINT}."
            )
        elif status == 403:
            advice = (
                "These credentials may not change source definitions of this workspace, or there is no such "
                "workspace. Its id is in the address that the UI shows: /workspaces/<id>."
            )
        elif status == 404:
            advice = _missing(call)
        elif call.runs_image and status in (409, 422, 500, 504):
            advice = (
                "Most often Airbyte could not start the image to ask for its spec: load it into the cluster "
                "(--load), or push it to a registry that the cluster can pull from (--registry)."
            )
        elif status in (400, 422):
            advice = "Airbyte refused the request."
        elif status == 409:
            advice = "Something else is changing the same definition: run the command again."
        elif status == 429:
            advice = "Too many requests: run the command again in a minute."
        elif status >= 500:
            advice = "Airbyte is in trouble, or still starting: run the command again later (`abctl local status`)."
        else:
            advice = "Airbyte answered with a status that its API does not document."
        return f"{call.method} /{call.path}: status {status}. {advice}{said}"

    def _said(self, response: requests.Response) -> str:
        """What Airbyte says about it, in one line, without secrets; its error id leads to the line in its log."""
        try:
            body = response.json()
        except requests.JSONDecodeError:
            return ""
        if not isinstance(body, dict):
            return ""
        data = body.get("data")
        texts = [data.get("message") if isinstance(data, dict) else None, body.get("detail"), body.get("message")]
        text = next((text for text in texts if isinstance(text, str) and text), "")
        for secret in [*self._credentials.secrets, self._token.token]:
            text = text.replace(secret, "***") if secret else text
        said = f" Airbyte says: {' '.join(text.split())[:SHOWN_CHARACTERS]}" if text else ""
        identifier = body.get("errorId")
        if isinstance(identifier, str) and re.fullmatch(r"[0-9a-fA-F-]{36}", identifier):
            said += f" The log of Airbyte's server has it under errorId {identifier}."
        return said


def server_url(url: str) -> str:
    """The checked address, ending in `/`, without the path of an API that may have been copied with it."""
    try:
        checked = checked_url(url, base=True)
    except RefusedURL as refused:
        raise Usage(f"The address of Airbyte {refused}.") from None
    return re.sub(r"/api/(public/)?(v1/)?$", "/", checked)


def _elsewhere(response: requests.Response) -> str:
    host = urlsplit(response.headers.get("Location", "")).netloc.rpartition("@")[2]
    return f" (to {host})" if re.fullmatch(r"[\w.:\[\]-]{1,253}", host) else ""


def _missing(call: Call) -> str:
    if call.path == TOKEN_PATH:
        return "This Airbyte has no applications (or is none): set AIRBYTE_USERNAME and AIRBYTE_PASSWORD instead."
    if call.runs_image:
        return "The definition or the workspace has just been removed: run the command again."
    return "There is no such workspace. Its id is in the address that the UI shows: /workspaces/<id>."
