"""How a request proves who it is: fixed headers, and OAuth 2.0 with refresh tokens that work once.

A refresh token that rotates is spent by using it: whoever loses the answer has locked the customer out. So the order
is fixed: answer -> config in memory -> CONTROL written and flushed -> config file written -> only then a request.
Sources: RFC 6749 sections 5.2 and 6; the vendors' rules are in the connectors.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from source_kit import json_text
from source_kit.clock import Clock
from source_kit.config_store import ConfigPath, ConfigStore
from source_kit.errors import ConfigError, SourceError, TransientError
from source_kit.headers import retry_after
from source_kit.timestamps import before, instant
from source_kit.transport import PATIENT, Patience, tls_refusal
from source_kit.transport import trouble as trouble_of

ATTEMPTS = 6
NO_MORE_TOKENS = "It allows no more tokens for a while."
RETRIED = frozenset({408, 425, 429})
# Tokens kept in the config are used while they are valid for so much longer; fresh ones are renewed earlier by this
# much or by a fifth of their life, whichever is less.
MARGIN = timedelta(seconds=300)
DEFAULT_LIFETIME_SECONDS = 3600.0
NEVER = datetime.max.replace(tzinfo=UTC)
# A fresh token that was never accepted and is refused within this time is refused for good.
PROBATION = timedelta(seconds=60)


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


def basic(user: str, password: str = "") -> StaticAuth:
    """HTTP Basic authentication."""
    return StaticAuth("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


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


@dataclass(frozen=True)
class _Token:
    header: str
    renew_at: datetime
    expires_at: datetime
    minted_at: datetime | None  # None: found in the config


class OAuth:
    """Bearer tokens minted with the config's refresh token; one mint at a time, the others wait for its token.

    `mint_interval_seconds` is the vendor's least time between two mints (the wait after a 429 without a date);
    `on_secret` hears of every new token before anything else does, so that logs can mask it. `renewal_hint` tells the
    user of a dead refresh token how the vendor's die.
    """

    header = "Authorization"

    def __init__(
        self,
        store: ConfigStore,
        paths: TokenPaths,
        token_url: str,
        *,
        session: requests.Session,
        clock: Clock,
        emit_control: Callable[[Mapping[str, Any]], None],
        log: Callable[[str, str], None],
        on_secret: Callable[[str], None] = lambda secret: None,
        mint_interval_seconds: float = 0.0,
        renewal_hint: str = "",
    ) -> None:
        self._store = store
        self._paths = paths
        self._token_url = token_url
        self._session = session
        self._patience: Patience = getattr(session, "patience", PATIENT)
        self._clock = clock
        self._emit_control = emit_control
        self._log = log
        self._on_secret = on_secret
        self._mint_interval_seconds = mint_interval_seconds
        self._renewal_hint = renewal_hint
        self._lock = threading.Lock()
        self._accepted = ""
        self._failure: SourceError | None = None
        self._token = self._from_config()

    def authorization(self) -> str:
        """The current "Bearer ..." value, minted or renewed first where needed."""
        token = self._token
        if token is None or self._clock.now() >= token.renew_at:
            with self._lock:
                token = self._token
                if token is None or self._clock.now() >= token.renew_at:
                    token = self._renew()
        return token.header

    def accepted(self, authorization: str) -> None:
        """The token works: when it is refused later, it has run out, and a new one is worth a try."""
        self._accepted = authorization

    def rejected(self, authorization: str) -> bool:
        """Renew the token if it is still the refused one; False if it was fresh, so that another would not help."""
        with self._lock:
            token = self._token
            if token is None or token.header != authorization:
                return True
            if self._is_fresh(token):
                return False
            self._renew()
            return True

    def _is_fresh(self, token: _Token) -> bool:
        if token.minted_at is None or token.header == self._accepted:
            return False
        now = self._clock.now()
        return now < token.expires_at and now - token.minted_at < PROBATION

    def _from_config(self) -> _Token | None:
        """The token that the config holds; of one whose end it does not tell (a consent of the platform may leave that
        out), the end is when it is refused."""
        access_token = self._store.get(self._paths.access_token)
        if not isinstance(access_token, str) or not access_token.strip():
            return None
        header = f"Bearer {access_token.strip()}"
        expires_at = instant(self._store.get(self._paths.token_expiry_date))
        if expires_at is None:
            return _Token(header, NEVER, NEVER, None)
        return _Token(header, before(expires_at, MARGIN), expires_at, None)

    def _renew(self) -> _Token:
        """Mint a token and make it safe before anybody can use it. Runs under the lock."""
        if self._failure is not None:
            raise self._failure
        try:
            answer, asked_at = self._mint()
        except Spent as error:
            # Another run with the same config file may have used the refresh token, and left the next one there.
            if not self._store.reload(self._paths.rotating):
                self._failure = error
                raise
            token = self._from_config()
            if token is not None and self._clock.now() < token.renew_at:
                self._token = token
                return token
            return self._renew()
        except ConfigError as error:
            # The refresh token is spent or wrong: asking again from every worker would not make it better.
            self._failure = error
            raise
        access_token: str = answer["access_token"]
        lifetime = timedelta(seconds=_lifetime_seconds(answer.get("expires_in")))
        expires_at = asked_at + lifetime
        values: dict[ConfigPath, Any] = {
            self._paths.access_token: access_token,
            self._paths.token_expiry_date: expires_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        self._on_secret(access_token)
        refresh_token = answer.get("refresh_token")
        if isinstance(refresh_token, str) and refresh_token:
            self._on_secret(refresh_token)
            values[self._paths.refresh_token] = refresh_token
        config = self._store.update(values)
        try:
            self._emit_control(config)
        finally:  # the old refresh token is spent, whether or not anybody reads our output
            warning = self._store.save()
        if warning:
            self._log("WARN", warning)
        self._token = _Token(f"Bearer {access_token}", expires_at - min(MARGIN, lifetime / 5), expires_at, asked_at)
        return self._token

    def _mint(self) -> tuple[Mapping[str, Any], datetime]:
        """The token endpoint's answer and the time of asking; retries what may pass, with the same refresh token.

        Where an answer was lost, the vendor may have spent the token already; only trying again tells.
        """
        answer_lost = False
        attempts = min(ATTEMPTS, self._patience.attempts)
        for attempt in range(1, attempts + 1):
            asked_at = self._clock.now()
            wait = 2.0 ** (attempt - 1)
            try:
                response = self._session.post(
                    self._token_url, data=self._form(), timeout=self._patience.timeout, allow_redirects=False
                )
            except requests.exceptions.SSLError as error:
                raise ConfigError(tls_refusal(self._token_url), internal_message=type(error).__name__) from error
            except requests.RequestException as error:
                trouble = trouble_of(error, self._token_url)
                answer_lost = answer_lost or not isinstance(error, requests.ConnectTimeout)
            else:
                answer, status = _json_object(response), response.status_code
                if status in (200, 201) and isinstance(answer.get("access_token"), str) and answer["access_token"]:
                    return answer, asked_at
                if status not in (200, 201) and status < 500 and status not in RETRIED:
                    raise self._refusal(status, answer, answer_lost)
                trouble = (
                    "It allows no more tokens at present." if status == 429 else f"It answered with status {status}."
                )
                answer_lost = answer_lost or status != 429
                wait = max(wait, self._mint_interval_seconds) if status == 429 else wait
                wait = retry_after(response.headers, self._clock.now()) or wait
            if attempt == attempts or wait > self._patience.longest_wait_seconds:
                break
            self._log("INFO", f"The token endpoint gave no token. {trouble} Next try in {wait:.0f} s.")
            self._clock.sleep(wait)
        raise TransientError(
            f"The token endpoint gives no access token at present: {trouble} {self._patience.afterwards}",
            internal_message=f"POST {self._token_url}: {trouble} Attempt {attempt} of {attempts}",
        )

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

    def _refusal(self, status: int, answer: Mapping[str, Any], answer_lost: bool) -> SourceError:
        """What the user must do about a 3xx or 4xx answer."""
        given = answer.get("error")
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


def _json_object(response: requests.Response) -> Mapping[str, Any]:
    try:
        value = json_text.loads(response.content)
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _lifetime_seconds(value: object) -> float:
    """`expires_in`, a number that some vendors send as text."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else DEFAULT_LIFETIME_SECONDS
    except ValueError:
        return DEFAULT_LIFETIME_SECONDS
    return seconds if 0 < seconds < 1e9 else DEFAULT_LIFETIME_SECONDS
