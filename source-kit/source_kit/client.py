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
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from source_kit import budget as rate
from source_kit.answers import body, body_wait, parse, read
from source_kit.budget import MAX_WAIT_SECONDS, BudgetSpent, RateBudget
from source_kit.clock import Clock
from source_kit.errors import ConfigError, ConnectorFault, TransientError
from source_kit.oauth import Auth
from source_kit.rules import DEFAULT_RULES, MAX_ATTEMPTS, Action, Denied, Rejected, Rule, Unavailable
from source_kit.turn import Turn

TIMEOUT_SECONDS = (10.0, 90.0)
BACKOFF_BASE_SECONDS = 0.3
BACKOFF_CAP_SECONDS = 60.0
MAX_RATE_LIMIT_REFUSALS = 60
# More than one: a token of very short life can expire between its refresh and the answer.
MAX_TOKEN_RENEWALS = 5
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "cf-ray")
Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


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
        before = f"{request.method} {request.path}"
        self.turn.leave()
        while True:
            with _denial():
                authorization = self._auth.authorization()
            try:
                response, damage = self._exchange(request, authorization)
            except BudgetSpent as spent:
                raise _limited(request, "keeps it waiting for more than an hour", f"{before}: {spent}") from spent
            if response is not None and response.status_code != 401:
                self._auth.accepted(authorization)
            if response is not None and damage is None and response.status_code < 300:
                return response
            self._usage.retries += 1
            status = None if response is None else response.status_code
            if response is not None and status == 429:
                refusals += 1
                before = self._internal(request, response, None)
                self._take_refusal(request, response)
                if refusals > MAX_RATE_LIMIT_REFUSALS:
                    raise _limited(request, f"refused it {refusals} times in a row", before)
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
        # `Session.prepare_request` merges settings of four kinds and parses the URL three times: 65 µs a request.
        prepared = requests.PreparedRequest()
        prepared.prepare_method(request.method)
        prepared.url = with_query(url, request.params)
        prepared.prepare_headers({**self.session.headers, **headers})
        prepared.prepare_cookies(self.session.cookies)
        prepared.body = data
        prepared.prepare_content_length(data)
        return prepared

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

    def _take_refusal(self, request: Request, response: requests.Response) -> None:
        """Wait as long as the body of a 429 asks for, where its headers do not say."""
        hint = body_wait(body(response), rate.server_time(response.headers) or self.clock.now())
        if hint is not None:
            self.budget.refuse(request.bucket, hint)

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
        seconds = backoff_seconds(attempt)
        self.log("DEBUG", f"{self._internal(request, response, None)}; attempt {attempt}, again in {seconds:.1f} s")
        if asked is not None:
            self.budget.refuse(request.bucket, asked)
        self._usage.waited_seconds += seconds
        self.clock.sleep(seconds)


def backoff_seconds(attempt: int) -> float:
    """How long to wait after the failed attempt of this number, from 1 on: exponential with jitter."""
    return min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0 ** (attempt - 1)) * random.uniform(0.75, 1.25)


def _limited(request: Request, how: str, internal: str) -> TransientError:
    return TransientError(
        f"Reading {request.what} failed: the API's rate limit {how}. Run the sync again later; it goes on from the "
        "last saved state. Lower rate_limit_share if others need the same budget.",
        internal_message=internal,
    )


@contextmanager
def _denial() -> Iterator[None]:
    """Where no token is granted any more, no stream can be read."""
    try:
        yield
    except ConfigError as refused:
        raise Denied(str(refused.message), internal_message=refused.internal_message) from refused


def with_query(url: str, params: Params | None) -> str:
    """The URL with these parameters; a list gives several of one name, and what is None is left out."""
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    query = urlencode([pair for pair in pairs if pair[1] is not None], doseq=True)
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


class _Adapter(HTTPAdapter):
    """Looks up the pool of each origin once: `requests` does it for every request (27 µs, with a look at the disk)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pools: dict[str, Any] = {}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> Any:
        origin = _origin(str(request.url))
        if origin not in self._pools:
            self._pools[origin] = super().get_connection_with_tls_context(request, *arguments, **options)
        return self._pools[origin]


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
    adapter = _Adapter(pool_connections=2, pool_maxsize=max(pool_size, 1))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
