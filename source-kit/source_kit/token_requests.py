"""Access tokens that are granted for a while: one request for a token at a time, renewed before it ends or when it is
refused, and asked for again where the endpoint is in trouble.

Who grants them and for what is said by `oauth`, and by connectors that sign in otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import requests

from source_kit import json_text, turn
from source_kit.clock import Clock
from source_kit.errors import ConfigError, SourceError, TransientError
from source_kit.headers import retry_after
from source_kit.surroundings import Surroundings
from source_kit.transport import PATIENT, Patience, tls_refusal
from source_kit.transport import trouble as trouble_of

ATTEMPTS = 6
RETRIED = frozenset({408, 425, 429})
# Tokens kept in the config are used while they are valid for so much longer; fresh ones are renewed earlier by this
# much or by a fifth of their life, whichever is less.
MARGIN = timedelta(seconds=300)
DEFAULT_LIFETIME_SECONDS = 3600.0
NEVER = datetime.max.replace(tzinfo=UTC)
# A fresh token that was never accepted and is refused within this time is refused for good.
PROBATION = timedelta(seconds=60)


@dataclass(frozen=True)
class Token:
    """A header's value, when to renew it, when it ends, and when it was asked for (None: found in the config)."""

    header: str
    renew_at: datetime
    expires_at: datetime
    minted_at: datetime | None

    @classmethod
    def fresh(cls, access_token: str, lifetime: timedelta, asked_at: datetime) -> Token:
        """A bearer token that was just granted."""
        expires_at = asked_at + lifetime
        return cls(f"Bearer {access_token}", expires_at - min(MARGIN, lifetime / 5), expires_at, asked_at)


class RenewedToken(ABC):
    """An `Auth` whose token is renewed under one lock: the others wait for it."""

    header = "Authorization"

    def __init__(self, surroundings: Surroundings) -> None:
        """Logs mask every new token before anything else hears of it."""
        self._surroundings = surroundings
        self._store, self._clock = surroundings.store, surroundings.clock
        self._log, self._mask = surroundings.output.log, surroundings.redactor.add
        self._lock = turn.Lock()
        self._accepted = ""
        self._token: Token | None = None
        self._failure: ConfigError | None = None

    @abstractmethod
    def _renew(self) -> Token:
        """Get a token and make it safe before anybody can use it; runs under the lock."""

    def _renewed(self) -> Token:
        """What only the user can mend is not asked for again: from every worker, that would not make it better."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._renew()
        except ConfigError as error:
            self._failure = error
            raise

    def authorization(self) -> str:
        """The current "Bearer ..." value, minted or renewed first where needed."""
        token = self._token
        if token is None or self._clock.now() >= token.renew_at:
            with self._lock:
                token = self._token
                if token is None or self._clock.now() >= token.renew_at:
                    token = self._token = self._renewed()
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
            self._token = self._renewed()
            return True

    def _is_fresh(self, token: Token) -> bool:
        if token.minted_at is None or token.header == self._accepted:
            return False
        now = self._clock.now()
        return now < token.expires_at and now - token.minted_at < PROBATION


Answer: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class TokenEndpoint:
    """Where tokens are granted. `name` begins sentences, `interval_seconds` is the least time between two tokens: the
    wait after a 429 without a date."""

    session: requests.Session
    clock: Clock
    log: Callable[[str, str], None]
    name: str = "The token endpoint"
    interval_seconds: float = 0.0

    def ask(
        self,
        url: str,
        form: Callable[[], Mapping[str, Any]],
        is_granted: Callable[[Answer], bool],
        refusal: Callable[[requests.Response, Answer, bool], SourceError | None],
        *,
        shown: str = "",
    ) -> tuple[Answer, datetime]:
        """The JSON of a granting answer to a POST, and the time of asking; what may pass is tried again.

        `form` gives the options of the request for each attempt; `refusal` says what an answer below 500 means that
        grants nothing, told whether an earlier answer was lost on the way; None asks again at once. `shown` stands for
        the URL where that holds a secret.
        Raises that, or `TransientError` after the last attempt.
        """
        patience: Patience = getattr(self.session, "patience", PATIENT)
        attempts = min(ATTEMPTS, patience.attempts)
        answer_lost = False
        for attempt in range(1, attempts + 1):
            asked_at = self.clock.now()
            wait = 2.0 ** (attempt - 1)
            try:
                response = self.session.post(url, timeout=patience.timeout, allow_redirects=False, **form())
            except requests.exceptions.SSLError as error:
                raise ConfigError(tls_refusal(url), internal_message=type(error).__name__) from error
            except requests.RequestException as error:
                trouble = trouble_of(error, url)
                answer_lost = answer_lost or not isinstance(error, requests.ConnectTimeout)
            else:
                answer, status = json_object(response), response.status_code
                if status in (200, 201) and is_granted(answer):
                    return answer, asked_at
                if status not in (200, 201) and status < 500 and status not in RETRIED:
                    refused = refusal(response, answer, answer_lost)
                    if refused is not None:
                        raise refused
                    wait = 0.0
                trouble = (
                    "It allows no more tokens at present." if status == 429 else f"It answered with status {status}."
                )
                answer_lost = answer_lost or status != 429
                wait = max(wait, self.interval_seconds) if status == 429 else wait
                wait = retry_after(response.headers, self.clock.now()) or wait
            if attempt == attempts or wait > patience.longest_wait_seconds:
                break
            self.log("INFO", f"{self.name} gave no token. {trouble} Next try in {wait:.0f} s.")
            self.clock.sleep(wait)
        raise TransientError(
            f"{self.name} gives no access token at present: {trouble} {patience.afterwards}",
            internal_message=f"POST {shown or url}: {trouble} Attempt {attempt} of {attempts}",
        )


def json_object(response: requests.Response) -> Answer:
    """The JSON object of an answer; empty where there is none."""
    try:
        value = json_text.loads(response.content)
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}


def lifetime_seconds(value: object) -> float:
    """`expires_in`, a number that some vendors send as text."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else DEFAULT_LIFETIME_SECONDS
    except ValueError:
        return DEFAULT_LIFETIME_SECONDS
    return seconds if 0 < seconds < 1e9 else DEFAULT_LIFETIME_SECONDS
