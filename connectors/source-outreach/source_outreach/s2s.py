"""Signing in as an app (server to server): no user, no refresh token, nothing that dies of idleness.

An app token, a JWT that the app's private key signs, is exchanged for an access token of an hour. An installation of
the app is known by its id, which a setup token gives once, within 15 minutes. The answer names the host that serves the
organisation: it gets the credentials only if it is one of Outreach's.

Reference: developers.outreach.io, "Accessing Outreach REST API from server".
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from source_kit import json_text, timestamps
from source_kit.addresses import origin_of
from source_kit.config_store import ConfigPath
from source_kit.errors import ConfigError, SourceError
from source_kit.headers import server_time
from source_kit.hosts import RefusedURL, checked_url
from source_kit.rows import mapping
from source_kit.surroundings import Surroundings
from source_kit.token_requests import (
    DEFAULT_LIFETIME_SECONDS,
    Answer,
    RenewedToken,
    Token,
    TokenEndpoint,
    lifetime_seconds,
)

INSTALLS_PATH = "/api/app/installs/"
INSTALLATION_ID: ConfigPath = ("credentials", "installation_id")
SETUP_TOKEN: ConfigPath = ("credentials", "setup_token")
APP_TOKEN_LIFETIME = timedelta(hours=1)
# A clock that is further off signs tokens that are not valid yet, or not any more.
CLOCK_TOLERANCE = timedelta(seconds=30)
HOSTS = ".outreach.io"
PORTAL = "the Outreach developer portal (developers.outreach.io, your app, feature API Access (S2S))"
REINSTALL = (
    "Install the app again in Outreach (Settings, Apps, or the setup URL of the app), and enter the installSetupToken "
    "of the address it leads to as setup_token within 15 minutes; remove installation_id"
)


@dataclass(frozen=True)
class App:
    """Who signs: the S2S GUID of the app, and its RSA private key."""

    guid: str
    key: Any = field(repr=False)

    def token(self, now: datetime) -> str:
        """An app token: exactly these claims."""
        import jwt  # 50 ms, which connections by OAuth do without

        issued = int(now.timestamp())
        claims = {"iss": self.guid, "iat": issued, "exp": issued + int(APP_TOKEN_LIFETIME.total_seconds())}
        return jwt.encode(claims, self.key, algorithm="RS256")


class S2S(RenewedToken):
    """Access tokens of an installation. `move_to` hears of the host that serves the organisation, before any request
    goes there; `has_own_url`: the user has said where the API is, and it stays there."""

    def __init__(
        self,
        app: App,
        surroundings: Surroundings,
        api_url: str,
        *,
        has_own_url: bool,
        session: requests.Session,
        move_to: Callable[[str], None],
    ) -> None:
        super().__init__(surroundings)
        self._app = app
        self._api_url = api_url
        self._has_own_url = has_own_url
        self._endpoint = TokenEndpoint(session, self._clock, self._log, name="Outreach's sign-in for apps")
        self._move_to = move_to
        # How far the local clock is behind that of Outreach, once that is known.
        self._behind = timedelta()

    def _renew(self) -> Token:
        return self._minted(self._installation())

    def _installation(self) -> str:
        """The id of the installation: the config's, else what the setup token gives, which is kept at once."""
        known = str(self._store.get(INSTALLATION_ID) or "").strip()
        # Another run with the same config file may have used the setup token, and left the id there.
        if not known and self._store.reload([INSTALLATION_ID]):
            known = str(self._store.get(INSTALLATION_ID) or "").strip()
        if known:
            return known
        answer, _ = self._ask("setup_token", str(self._store.get(SETUP_TOKEN) or "").strip(), "setupToken", _installed)
        found = str(answer["data"]["id"])
        self._surroundings.keep({INSTALLATION_ID: found}, "the setup token")
        # A platform may test a connection before it keeps it: then neither message nor file outlives this process. The
        # id is no secret: without the private key it opens nothing.
        self._log("WARN", f"The setup token is used up. From now on the connection needs installation_id {found}.")
        return found

    def _minted(self, installation: str) -> Token:
        answer, asked_at = self._ask("installation_id", installation, "accessToken", _granted)
        data = answer["data"]
        access_token: str = data["meta"]["accessToken"]
        self._mask(access_token)
        self._move_to(organisation_url(_link(data), self._api_url, stays=self._has_own_url))
        return Token.fresh(access_token, _lifetime(data["meta"], access_token, asked_at), asked_at)

    def _ask(self, option: str, value: str, action: str, is_whole: Callable[[Answer], bool]) -> tuple[Answer, datetime]:
        """A POST without a body, signed by the app."""
        installs = origin_of(self._api_url) + INSTALLS_PATH

        def refusal(response: requests.Response, answer: Answer, answer_lost: bool) -> SourceError | None:
            if response.status_code == 401 and self._corrects_clock(response):
                return None
            internal = f"POST {INSTALLS_PATH}<{option}>/actions/{action}: status {response.status_code}"
            return ConfigError(refused(option, response.status_code, answer_lost), internal_message=internal)

        return self._endpoint.ask(
            f"{installs}{quote(value, safe='')}/actions/{action}",
            lambda: {"headers": {"Authorization": f"Bearer {self._app_token()}"}},
            is_whole,
            refusal,
            shown=f"{installs}<{option}>/actions/{action}",
        )

    def _app_token(self) -> str:
        token = self._app.token(self._clock.now() + self._behind)
        self._mask(token)
        return token

    def _corrects_clock(self, response: requests.Response) -> bool:
        """Whether the local clock was too far off for the token that was refused; from now on it is corrected."""
        told = server_time(response.headers)
        if told is None or abs(told - self._clock.now() - self._behind) <= CLOCK_TOLERANCE:
            return False
        self._behind = told - self._clock.now()
        self._log("WARN", f"The clock here is {self._behind.total_seconds():+.0f} s behind Outreach's: set it.")
        return True


def refused(option: str, status: int, answer_lost: bool = False) -> str:
    """What the user must do about a refusal; `option` is what the address was made of."""
    is_setup = option == "setup_token"
    if status == 401:
        return (
            "Outreach does not accept the signature of the app (401): private_key and s2s_guid do not belong together. "
            f"Compare the S2S GUID and the public key in {PORTAL}."
        )
    if status == 403:
        return (
            f"The app may not sign in for this installation (403): a scope is missing. Add it in {PORTAL}. {REINSTALL}."
        )
    if status == 410 or (is_setup and status == 404):
        lost = (
            " (The answer to an earlier attempt was lost on the way, which may have used it up.)" if answer_lost else ""
        )
        return (
            f"The {option} has expired or was used ({status}): a setup token works once, within 15 minutes. "
            f"{REINSTALL}. Where an earlier run has told the installation_id, enter that instead.{lost}"
        )
    if status == 404:
        return (
            f"The app is not installed in this organisation any more, or installation_id is wrong (404). {REINSTALL}."
        )
    if status < 400:
        return f"There is no sign-in for apps at this address (status {status}). Check api_url."
    return f"Outreach's sign-in for apps refused the {option} (status {status}). Check it, and the app in {PORTAL}."


def organisation_url(given: Any, api_url: str, *, stays: bool) -> str:
    """Where the organisation's requests go: the URL of the answer, if it is Outreach's; without one, the API's.

    With `stays` the API's anyway. Raises `ConfigError` for any other host, also then.
    """
    if given is None:
        return api_url
    try:
        url = checked_url(given if isinstance(given, str) else "", base=True)
    except RefusedURL:
        url = ""
    parts = urlsplit(url)
    if origin_of(url) == origin_of(api_url):
        return api_url
    if parts.scheme != "https" or parts.port not in (None, 443) or not (parts.hostname or "").endswith(HOSTS):
        raise ConfigError(
            f"Outreach's answer says that this organisation is served by {parts.netloc or 'no proper host'}, which does"
            f" not end in {HOSTS}: nothing was sent there. Ask Outreach; behind a proxy of your own set api_url.",
            internal_message="data.relationships.org.links.api",
        )
    if stays:
        return api_url
    return url if parts.path != "/" else url + "api/v2/"


def _installed(answer: Answer) -> bool:
    found = mapping(answer.get("data")).get("id")
    return isinstance(found, str | int) and not isinstance(found, bool) and bool(str(found).strip())


def _granted(answer: Answer) -> bool:
    token = mapping(mapping(answer.get("data")).get("meta")).get("accessToken")
    return isinstance(token, str) and token.isascii() and token.isprintable() and bool(token.strip())


def _link(data: Mapping[str, Any]) -> Any:
    """`relationships.org.links.api`, a text or an object with `href`."""
    organisation = mapping(mapping(data.get("relationships")).get("org"))
    link = mapping(organisation.get("links")).get("api")
    return link.get("href") if isinstance(link, Mapping) else link


def _lifetime(meta: Mapping[str, Any], access_token: str, asked_at: datetime) -> timedelta:
    """As long as the answer says, or the token itself, if it is a JWT; an hour, as documented, where neither does."""
    for name in ("expiresIn", "expires_in"):
        if name in meta:
            return timedelta(seconds=lifetime_seconds(meta[name]))
    for name in ("expiresAt", "accessTokenExpiresAt"):
        end = timestamps.instant(meta.get(name))
        if end is not None and end > asked_at:
            return end - asked_at
    claims = _claims(access_token)
    issued, ends = claims.get("iat"), claims.get("exp")
    if isinstance(issued, int | float) and isinstance(ends, int | float):
        return timedelta(seconds=lifetime_seconds(ends - issued))
    return timedelta(seconds=DEFAULT_LIFETIME_SECONDS)


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return mapping(json_text.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))))
    except ValueError:
        return {}
