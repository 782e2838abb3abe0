"""One HTTP client for all streams of a source: session, authentication, budget, retries, and honest errors.

An answer is accepted only when it is whole: a 200 that is empty, cut, HTML or not JSON is transport damage and is asked
for again. What a status means is a table (`Rule`), the connector's own rows first.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from source_kit import budget as rate
from source_kit.answers import body, body_wait, parse, read
from source_kit.budget import MAX_WAIT_SECONDS, RateBudget
from source_kit.clock import Clock
from source_kit.errors import ConfigError, ConnectorFault, StreamUnavailable, TransientError
from source_kit.oauth import Auth
from source_kit.turn import Turn

TIMEOUT_SECONDS = (10.0, 90.0)
MAX_ATTEMPTS = 10
BACKOFF_BASE_SECONDS = 0.3
BACKOFF_CAP_SECONDS = 60.0
MAX_RATE_LIMIT_REFUSALS = 60
# More than one: a token of very short life can expire between its refresh and the answer.
MAX_TOKEN_RENEWALS = 5
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "cf-ray")
Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


class Action(Enum):
    """What follows from an answer that is not a success."""

    RETRY = "retry"
    REJECT = "reject"  # raise Rejected: the reading plan may know what to do
    UNAVAILABLE = "unavailable"  # this stream cannot be read with this account
    DENIED = "denied"  # nothing can be read with these credentials: the sync ends


@dataclass(frozen=True)
class Rule:
    """One row of an error table: the first row that matches decides."""

    statuses: range | tuple[int, ...]
    action: Action
    text: str = ""
    matches: Callable[[Any], bool] = field(default=lambda body: True)
    attempts: int = MAX_ATTEMPTS


DEFAULT_RULES = (
    Rule(
        (401,),
        Action.DENIED,
        "The credentials were refused. Check that the key or token is complete, active and of this account.",
    ),
    Rule(
        (402,),
        Action.UNAVAILABLE,
        "The account's plan does not include this. Remove the stream from the sync or upgrade the plan.",
    ),
    Rule(
        (403,),
        Action.UNAVAILABLE,
        "The credentials lack the permission to read this. Grant it or remove the stream from the sync.",
    ),
    Rule(
        (404,),
        Action.UNAVAILABLE,
        "The API does not have this resource for the account. Remove the stream from the sync.",
    ),
    Rule((408, 425), Action.RETRY, "The API did not answer in time."),
    Rule(range(500, 600), Action.RETRY, "The API had a server error."),
    Rule(range(400, 500), Action.REJECT, "The API refused the request."),
)


@dataclass(frozen=True)
class Request:
    """One request: `path` is relative to the base URL; `bucket` names its rate-limit group.

    `accepts` tells a whole answer from one that lost its list on the way; the latter is asked for again.
    """

    path: str
    bucket: str
    method: str = "GET"
    params: Params | None = None
    json: Any = None
    what: str = "the request"
    accepts: Callable[[Any], bool] = field(default=lambda body: True)


class Rejected(ConnectorFault):
    """A 4xx that no rule settled; reading plans catch it where the vendor's answer tells how to go on."""

    def __init__(self, message: str, *, status: int, body: Any, internal_message: str) -> None:
        super().__init__(message, internal_message=internal_message)
        self.status = status
        self.body = body

    @property
    def text(self) -> str:
        """The body as text, for looking for the vendor's phrases; never shown."""
        return self.body if isinstance(self.body, str) else orjson.dumps(self.body).decode()


class Unavailable(StreamUnavailable):
    """This stream cannot be read with this account; `status` is what the API answered."""

    status: int = 0


class Denied(ConfigError):
    """The credentials are refused: no other stream can work either."""


@dataclass
class Usage:
    """What a stream asked of the API."""

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0


class HttpClient:
    """Sends requests of all streams; thread-safe."""

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        budget: RateBudget,
        clock: Clock,
        *,
        headers: Mapping[str, str],
        rules: Sequence[Rule] = (),
        workers: int = 8,
        max_attempts: int = MAX_ATTEMPTS,
        log: Callable[[str, str], None] = lambda level, text: None,
    ) -> None:
        """`base_url` ends in `/`; credentials go to its origin only."""
        self.base_url = base_url
        self.budget = budget
        self.clock = clock
        self.longest_wait = MAX_WAIT_SECONDS
        self._origin = _origin(base_url)
        self._auth = auth
        self._rules = (*rules, *DEFAULT_RULES)
        self._max_attempts = max_attempts
        self.log = log
        self._local = threading.local()
        self.turn = Turn()
        self.session = new_session(base_url, headers, pool_size=workers)

    def account_to(self, usage: Usage) -> None:
        """Count this thread's requests there from now on."""
        self._local.usage = usage

    @property
    def _usage(self) -> Usage:
        usage: Usage = getattr(self._local, "usage", None) or Usage()
        return usage

    def send(self, request: Request) -> requests.Response:
        """The answer to a request, with its JSON body parsed (`body(response)`).

        Raises `Rejected`, `StreamUnavailable`, `Denied`, or `TransientError` after the last attempt.
        """
        attempt = refusals = renewals = 0
        self.turn.leave()
        while True:
            with _denial():
                authorization = self._auth.authorization()
            response, damage = self._exchange(request, authorization)
            if response is not None and response.status_code != 401:
                self._auth.accepted(authorization)
            if response is not None and damage is None and response.status_code < 300:
                return response
            self._usage.retries += 1
            status = None if response is None else response.status_code
            if response is not None and status == 429:
                refusals += 1
                self._check_refusal(request, response, refusals)
                continue
            if status == 401 and renewals < MAX_TOKEN_RENEWALS and self._is_renewed(authorization):
                renewals += 1
                continue
            attempt += 1
            text, most = self._settle(request, response, damage)
            if attempt >= min(most, self._max_attempts):
                raise TransientError(
                    f"Reading {request.what} failed {attempt} times: {text} Run the sync again later; it goes on from "
                    "the last saved state.",
                    internal_message=self._internal(request, response, damage),
                )
            self._back_off(request, response, attempt)

    def _is_renewed(self, authorization: str) -> bool:
        """Whether there is another authorization than the refused one."""
        with _denial():
            return self._auth.rejected(authorization)

    def _exchange(self, request: Request, authorization: str) -> tuple[requests.Response | None, str | None]:
        """One round trip: the answer, and what was wrong with its transport."""
        usage = self._usage
        prepared = self._prepared(request, authorization)
        self._check_wait(request, f"{request.method} {request.path}: the budget is spent")
        began = self.clock.monotonic()
        self.budget.acquire(request.bucket)
        usage.waited_seconds += self.clock.monotonic() - began
        usage.requests += 1
        response: requests.Response | None = None
        try:
            response = self._round_trip(prepared)
        except requests.exceptions.Timeout:
            return None, "The API did not answer in time."
        except requests.exceptions.SSLError as error:
            raise ConfigError(
                f"The TLS certificate of {self._origin} was refused. Set REQUESTS_CA_BUNDLE to the certificate bundle "
                "of your network's proxy.",
                internal_message=type(error).__name__,
            ) from error
        except requests.exceptions.RequestException as error:
            return None, f"The connection broke ({type(error).__name__})."
        finally:
            self.budget.release(
                request.bucket,
                None if response is None else response.status_code,
                {} if response is None else response.headers,
            )
        self.turn.take()
        damage = parse(response)
        if damage is None and response.status_code < 300 and not request.accepts(body(response)):
            damage = "The answer lacked its list."
        if damage is not None or response.status_code >= 300:
            self.turn.leave()
        return response, damage

    def _prepared(self, request: Request, authorization: str) -> requests.PreparedRequest:
        """The request as it leaves; built before it waits for its budget, so that nothing comes in between."""
        url = urljoin(self.base_url, request.path)
        if _origin(url) != self._origin:
            raise ConnectorFault("A request to a foreign host was stopped.", internal_message=f"path {request.path}")
        data = None if request.json is None else orjson.dumps(request.json)
        headers = {self._auth.header: authorization}
        if data is not None:
            headers["Content-Type"] = "application/json"
        params: Any = request.params
        return self.session.prepare_request(
            requests.Request(request.method, url, params=params, data=data, headers=headers)
        )

    def _round_trip(self, prepared: requests.PreparedRequest) -> requests.Response:
        response = self._send(prepared)
        if response.is_redirect and prepared.method == "GET":
            target = urljoin(str(prepared.url), response.headers["location"])
            if _origin(target) == self._origin:
                prepared.url = target
                response = self._send(prepared)
        return response

    def _send(self, prepared: requests.PreparedRequest) -> requests.Response:
        response = self.session.send(prepared, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True)
        read(response)
        return response

    def _check_refusal(self, request: Request, response: requests.Response, refusals: int) -> None:
        internal = self._internal(request, response, None)
        self._check_wait(request, internal)
        if refusals > MAX_RATE_LIMIT_REFUSALS:
            raise _too_long(request, internal)
        hint = body_wait(body(response), rate.server_time(response.headers) or self.clock.now())
        if hint is not None:
            self.budget.refuse(request.bucket, hint)

    def _check_wait(self, request: Request, internal: str) -> None:
        """Nobody waits for a budget that comes back in hours, whether a refusal or the headers of an answer say so."""
        if self.budget.delay(request.bucket) > self.longest_wait:
            raise _too_long(request, internal)

    def _settle(self, request: Request, response: requests.Response | None, damage: str | None) -> tuple[str, int]:
        """The user's text and the number of attempts for what may be tried again; raises for the rest."""
        if response is None:
            return damage or "No answer came.", self._max_attempts
        if response.status_code < 300:
            return damage or "The answer was damaged.", self._max_attempts
        content = body(response)
        rule = next(
            (rule for rule in self._rules if response.status_code in rule.statuses and rule.matches(content)),
            Rule((), Action.REJECT, "The API gave an answer that was not expected."),
        )
        if rule.action is Action.RETRY:
            return rule.text, rule.attempts
        internal = self._internal(request, response, None)
        text = f"Reading {request.what} failed: {rule.text}"
        if rule.action is Action.REJECT:
            raise Rejected(text, status=response.status_code, body=content, internal_message=internal)
        if rule.action is Action.DENIED:
            raise Denied(text, internal_message=internal)
        unavailable = Unavailable(text, internal_message=internal)
        unavailable.status = response.status_code
        raise unavailable

    def _internal(self, request: Request, response: requests.Response | None, damage: str | None) -> str:
        if response is None:
            return f"{request.method} {request.path}: {damage}"
        identity = next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), "none")
        return f"{request.method} {request.path}: status {response.status_code}, request id {identity}" + (
            f", {damage}" if damage else ""
        )

    def _back_off(self, request: Request, response: requests.Response | None, attempt: int) -> None:
        """Exponential with jitter; or the whole bucket waits as long as a 503 asks for."""
        asked = None if response is None else rate.retry_after(response.headers, self.clock.now())
        if asked is not None and asked > MAX_WAIT_SECONDS:
            raise TransientError(
                f"The API is under maintenance for longer than an hour; {request.what} was not read. Run the sync "
                "again later; it goes on from the last saved state.",
                internal_message=self._internal(request, response, None),
            )
        seconds = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)
        self.log("DEBUG", f"{self._internal(request, response, None)}; attempt {attempt}, again in {seconds:.1f} s")
        if asked is not None:
            self.budget.refuse(request.bucket, asked)
        self._usage.waited_seconds += seconds
        self.clock.sleep(seconds)


def _too_long(request: Request, internal: str) -> TransientError:
    return TransientError(
        f"The API's rate limit keeps {request.what} waiting for more than an hour. Run the sync again later; it goes "
        "on from the last saved state. Lower rate_limit_share if others need the same budget.",
        internal_message=internal,
    )


@contextmanager
def _denial() -> Iterator[None]:
    """Where no token is granted any more, no stream can be read."""
    try:
        yield
    except ConfigError as refused:
        raise Denied(str(refused.message), internal_message=refused.internal_message) from refused


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def new_session(base_url: str, headers: Mapping[str, str], *, pool_size: int) -> requests.Session:
    """A session with pooled connections. Proxies and CA bundle are read from the environment once; netrc never."""
    session = requests.Session()
    settings = session.merge_environment_settings(base_url, {}, None, None, None)
    session.proxies = dict(settings["proxies"])
    session.verify = settings["verify"]
    # requests walks os.environ for every request while this is on (0.2 ms each), and reads netrc.
    session.trust_env = False
    session.headers.clear()
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip, deflate", **headers})
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=max(pool_size, 1))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
