"""How a request proves who it is: fixed headers, and OAuth 2.0 with refresh tokens that work once.

A refresh token that rotates is spent by using it: whoever loses the answer has locked the customer out. So the order
is fixed: answer -> config in memory -> CONTROL written and flushed -> config file written -> only then a request.
Sources: RFC 6749 sections 5.2 and 6; the vendors' rules are in the connectors.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from source_kit.config_store import ConfigPath
from source_kit.errors import ConfigError, SourceError
from source_kit.surroundings import Surroundings
from source_kit.timestamps import before, instant
from source_kit.token_requests import MARGIN, NEVER, RenewedToken, Token, TokenEndpoint, lifetime_seconds


class Spent(ConfigError):
    """The refresh token is used up, expired or withdrawn."""


class Auth(Protocol):
    """What the HTTP client needs of an authentication; called from any thread."""

    header: str

    def authorization(self) -> str:
        """The header's value for the next request; may wait for a token."""

    def accepted(self, authorization: str) -> None:
        """A request with this value was not answered 401."""

    def rejected(self, authorization: str) -> bool:
        """A request with this value was answered 401: whether sending it again makes sense."""


class StaticAuth:
    """A header that never changes."""

    def __init__(self, header: str, value: str) -> None:
        self.header = header
        self._value = value

    def authorization(self) -> str:
        """The fixed value."""
        return self._value

    def accepted(self, authorization: str) -> None:
        """Nothing to learn."""

    def rejected(self, authorization: str) -> bool:
        """A fixed value that is refused stays refused."""
        return False


def basic(user: str) -> StaticAuth:
    """HTTP Basic authentication, without a password."""
    return StaticAuth("Authorization", "Basic " + base64.b64encode(f"{user}:".encode()).decode())


def bearer(token: str) -> StaticAuth:
    """A bearer token that the user renews."""
    return StaticAuth("Authorization", f"Bearer {token}")


@dataclass(frozen=True)
class TokenPaths:
    """Where the config keeps the OAuth values."""

    client_id: ConfigPath = ("client_id",)
    client_secret: ConfigPath = ("client_secret",)
    refresh_token: ConfigPath = ("refresh_token",)
    access_token: ConfigPath = ("access_token",)
    token_expiry_date: ConfigPath = ("token_expiry_date",)
    redirect_uri: ConfigPath | None = None

    @property
    def rotating(self) -> tuple[ConfigPath, ...]:
        """What every new token changes; the refresh token first."""
        return (self.refresh_token, self.access_token, self.token_expiry_date)


class OAuth(RenewedToken):
    """Bearer tokens minted with the config's refresh token; one mint at a time, the others wait for its token.

    `mint_interval_seconds` is the vendor's least time between two mints (the wait after a 429 without a date).
    `renewal_hint` tells the user of a dead refresh token how the vendor's die.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        paths: TokenPaths,
        token_url: str,
        *,
        session: requests.Session,
        mint_interval_seconds: float = 0.0,
        renewal_hint: str = "",
    ) -> None:
        super().__init__(surroundings)
        self._paths = paths
        self._token_url = token_url
        self._endpoint = TokenEndpoint(session, self._clock, self._log, interval_seconds=mint_interval_seconds)
        self._renewal_hint = renewal_hint
        self._token = self._from_config()

    def _from_config(self) -> Token | None:
        """The token that the config holds; of one whose end it does not tell (a consent of the platform may leave that
        out), the end is when it is refused."""
        access_token = self._store.get(self._paths.access_token)
        if not isinstance(access_token, str) or not access_token.strip():
            return None
        header = f"Bearer {access_token.strip()}"
        expires_at = instant(self._store.get(self._paths.token_expiry_date))
        if expires_at is None:
            return Token(header, NEVER, NEVER, None)
        return Token(header, before(expires_at, MARGIN), expires_at, None)

    def _renew(self) -> Token:
        """As the base. Where an answer was lost, the vendor may have spent the refresh token already: only trying again
        with the same one tells."""
        try:
            answer, asked_at = self._endpoint.ask(
                self._token_url, lambda: {"data": self._form()}, _is_granted, self._refusal
            )
        except Spent:
            # Another run with the same config file may have used the refresh token, and left the next one there.
            if not self._store.reload(self._paths.rotating):
                raise
            token = self._from_config()
            if token is not None and self._clock.now() < token.renew_at:
                return token
            return self._renew()
        access_token: str = answer["access_token"]
        token = Token.fresh(access_token, timedelta(seconds=lifetime_seconds(answer.get("expires_in"))), asked_at)
        values: dict[ConfigPath, Any] = {
            self._paths.access_token: access_token,
            self._paths.token_expiry_date: token.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        self._mask(access_token)
        refresh_token = answer.get("refresh_token")
        if isinstance(refresh_token, str) and refresh_token:
            self._mask(refresh_token)
            values[self._paths.refresh_token] = refresh_token
        self._surroundings.keep(values)
        return token

    def _form(self) -> dict[str, str]:
        paths = self._paths
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._value(paths.refresh_token),
            "client_id": self._value(paths.client_id),
            "client_secret": self._value(paths.client_secret),
        }
        if paths.redirect_uri is not None and self._value(paths.redirect_uri):
            form["redirect_uri"] = self._value(paths.redirect_uri)
        return form

    def _value(self, path: ConfigPath) -> str:
        return str(self._store.get(path) or "").strip()

    def _refusal(self, response: requests.Response, answer: Mapping[str, Any], answer_lost: bool) -> SourceError:
        """What the user must do about a 3xx or 4xx answer."""
        given, status = answer.get("error"), response.status_code
        code = given if isinstance(given, str) and re.fullmatch(r"[a-z_]{1,40}", given) else "no reason given"
        internal = f"POST {self._token_url}: status {status}, {code}"
        client = f"{'.'.join(self._paths.client_id)} and {'.'.join(self._paths.client_secret)}"
        token = ".".join(self._paths.refresh_token)
        if code == "invalid_grant":
            text = f"{token} is used up, expired or withdrawn. Authorise the connection again and enter the new one."
            text += f" {self._renewal_hint}" if self._renewal_hint else ""
            if answer_lost:
                text += " (The answer to an earlier attempt was lost on the way, which may have used it up.)"
            return Spent(text, internal_message=internal)
        if code in {"invalid_client", "unauthorized_client"} or status == 401:
            text = f"The token endpoint does not know this client. Check {client}."
        elif status < 400 or status in {404, 405}:
            host = urlsplit(self._token_url).netloc
            text = f"There is no token endpoint at {host} (status {status}). Check token_url and api_url."
        else:
            text = f"No access token was granted ({code}). Check {client}, or authorise the connection again."
        return ConfigError(text, internal_message=internal)


def _is_granted(answer: Mapping[str, Any]) -> bool:
    return isinstance(answer.get("access_token"), str) and bool(answer["access_token"])
