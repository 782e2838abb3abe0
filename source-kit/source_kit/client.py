"""One HTTP client for all streams of a source: session, authentication, budget, retries, and honest errors.

An answer is accepted only when it is whole: a 200 that is empty, cut, HTML or not JSON is transport damage and is asked
for again. What a status means is a table (`Rule`), the connector's own rows first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from http.client import HTTPException

import orjson
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from source_kit import turn
from source_kit.addresses import joined, origin_of, redirected, with_query
from source_kit.answers import body, body_wait, parse, read, replace_body
from source_kit.budget import Budget, BudgetSpent, Permit
from source_kit.clock import Clock, backoff_seconds
from source_kit.errors import ConfigError, ConnectorFault, TransientError
from source_kit.headers import retry_after, server_time
from source_kit.oauth import Auth
from source_kit.request import Request, Usage
from source_kit.room import Room
from source_kit.rules import BETWEEN_RULES, DEFAULT_RULES, Action, Denied, Rule, TooHeavy, failure, rule_for
from source_kit.transport import PATIENT, Patience, new_session, tls_refusal, trouble

MAX_RATE_LIMIT_REFUSALS = 60
# More than one: a token of very short life can expire between its refresh and the answer.
MAX_TOKEN_RENEWALS = 5
_NO_ANSWER = (requests.exceptions.RequestException, HTTPError, HTTPException, UnicodeError, OSError)
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "cf-ray")


class HttpClient:
    """Sends requests of all streams; thread-safe."""

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        budget: Budget,
        clock: Clock,
        *,
        headers: Mapping[str, str],
        rules: Sequence[Rule] = (),
        workers: int = 8,
        patience: Patience = PATIENT,
        log: Callable[[str, str], None] = lambda level, text: None,
    ) -> None:
        """`base_url` ends in `/`; credentials go to its origin only."""
        self._home = (base_url, origin_of(base_url))
        self.budget = budget
        self.clock = clock
        self._auth = auth
        self._rules = (*BETWEEN_RULES, *rules, *DEFAULT_RULES)
        self.patience = patience
        self.log = log
        self._local = threading.local()
        self.room = Room()
        self._connect = partial(new_session, headers=headers, pool_size=workers, patience=patience)
        self.session = self._connect(base_url)
        self._headers = lru_cache(maxsize=4)(self._headers_of)

    @property
    def base_url(self) -> str:
        """Where the API is; it ends in `/`."""
        return self._home[0]

    @property
    def _origin(self) -> str:
        return self._home[1]

    def move_to(self, base_url: str) -> None:
        """Ask there from now on: some vendors tell with the token which host serves the account. Whoever calls this has
        made sure that the credentials may go there."""
        if base_url != self.base_url:
            self.session = self._connect(base_url)
            self._home = (base_url, origin_of(base_url))

    def account_to(self, usage: Usage) -> None:
        """Count this thread's requests there from now on."""
        self._local.usage = usage

    @property
    def usage(self) -> Usage:
        """Where this thread's requests are counted."""
        usage: Usage = getattr(self._local, "usage", None) or Usage()
        return usage

    def send(self, request: Request) -> requests.Response:
        """The answer to a request, with its JSON body parsed (`body(response)`).

        Raises `Rejected`, `StreamUnavailable`, `Denied`, `TooHeavy` if the request can shrink, or `TransientError`
        after the last attempt.
        """
        attempt = refusals = renewals = empty = doubtful = 0
        before = f"{request.method} {request.path}"
        while True:
            authorization = self._authorization()
            try:
                response, damage = self._exchange(request, authorization)
            except BudgetSpent as spent:
                how = f"keeps it waiting for more than {self._longest_wait}"
                raise self._limited(request, how, f"{before}: {spent}") from spent
            status = None if response is None else response.status_code
            if status not in (None, 401):
                self._auth.accepted(authorization)
            if response is not None and damage is None and response.status_code < 300:
                if doubtful or not request.doubts(body(response)):
                    return response
                doubtful, damage = 1, "The answer held no list of rows."
            if response is not None and status == 204 and request.empty is not None:
                empty += 1
                if empty > 1:
                    replace_body(response, request.empty)
                    return response
            if response is not None and status == 429:
                refusals += 1
                before = self._internal(request, response, None)
                self._take_refusal(request, response)
                if refusals > min(MAX_RATE_LIMIT_REFUSALS, 6 * self.patience.attempts):
                    raise self._limited(request, f"refused it {refusals} times in a row", before)
            elif status == 401 and renewals < MAX_TOKEN_RENEWALS and self._is_renewed(authorization):
                renewals += 1
            else:
                attempt += 1
                text, most = self._settle(request, response, damage)
                if attempt >= min(most, self.patience.attempts):
                    raise TransientError(
                        f"Reading {request.what} failed {attempt} times: {text} {self.patience.afterwards}",
                        internal_message=self._internal(request, response, damage),
                    )
                self._back_off(request, response, attempt)
            self.usage.retries += 1

    def _is_renewed(self, authorization: str) -> bool:
        """Whether there is another authorization than the refused one."""
        try:
            return self._auth.rejected(authorization)
        except ConfigError as refused:
            raise _denied(refused) from refused

    def _authorization(self) -> str:
        try:
            return self._auth.authorization()
        except ConfigError as refused:
            raise _denied(refused) from refused

    def _exchange(self, request: Request, authorization: str) -> tuple[requests.Response | None, str | None]:
        """One round trip: the answer, and what was wrong with its transport."""
        usage = self.usage
        prepared = self._prepared(request, authorization)
        began = self.clock.monotonic()
        permit = self.budget.acquire(request.bucket)
        usage.waited_seconds += self.clock.monotonic() - began
        usage.requests += 1
        try:
            response = self._round_trip(prepared, permit)
            turn.take()
            damage = parse(response, request.parses)
        except requests.exceptions.SSLError as error:
            raise ConfigError(tls_refusal(self._origin), internal_message=type(error).__name__) from error
        except _NO_ANSWER as error:
            return None, trouble(error, self._origin)
        finally:
            permit.release(None, {})
            self.room.leave()
        if damage is None and response.status_code < 300 and not request.accepts(body(response)):
            damage = "The answer lacked what it should hold."
        if damage is not None or response.status_code >= 300:
            turn.leave()
        return response, damage

    def _prepared(self, request: Request, authorization: str) -> requests.PreparedRequest:
        """The request as it leaves; built before it waits for its budget, so that nothing comes in between."""
        base_url, own = self._home
        url = joined(base_url, request.path)
        if origin_of(url) != own:
            raise ConnectorFault("A request to a foreign host was stopped.", internal_message=f"path {request.path}")
        data = None if request.json is None else orjson.dumps(request.json)
        # `Session.prepare_request` merges settings of four kinds and parses the URL three times: 65 µs a request.
        prepared = requests.PreparedRequest()
        prepared.prepare_method(request.method)
        prepared.url = with_query(url, request.params)
        prepared.headers, prepared.body = self._headers(authorization, data is not None), data
        if self.session.cookies or data is not None or request.method != "GET":
            # These get headers of their own. Those of all others are shared.
            prepared.headers = prepared.headers.copy()
            prepared.prepare_content_length(data)
            if self.session.cookies:
                prepared.prepare_cookies(self.session.cookies)
        return prepared

    def _headers_of(self, authorization: str, is_json: bool) -> CaseInsensitiveDict[str]:
        """What all requests with this authorization share, and nobody changes. Raises what `requests` raises for odd
        values."""
        prepared = requests.PreparedRequest()
        prepared.prepare_headers({**self.session.headers, self._auth.header: authorization})
        if is_json:
            prepared.headers["Content-Type"] = "application/json"
        return prepared.headers

    def _round_trip(self, prepared: requests.PreparedRequest, permit: Permit) -> requests.Response:
        """The answer with its body; the budget hears of its head before that, since a body may have to wait."""
        response = self._send(prepared)
        target = redirected(prepared, response)
        if target is None or origin_of(target) != self._origin:
            permit.release(response.status_code, response.headers)
            read(response, self.room)
            return response
        read(response)
        prepared.url = target
        followed = self._send(prepared)
        permit.release(followed.status_code, followed.headers)
        read(followed, self.room)
        # What is not found there is the fault of the redirect: nobody may take it for a record that is gone.
        return response if followed.status_code in (404, 410) else followed

    def _send(self, prepared: requests.PreparedRequest) -> requests.Response:
        timeout, proxies = self.patience.timeout, self.session.proxies
        # The proxies are those of the session anyway; told, they are not worked out for each request.
        return self.session.send(prepared, timeout=timeout, allow_redirects=False, stream=True, proxies=proxies)

    def _take_refusal(self, request: Request, response: requests.Response) -> None:
        """Wait as long as the body of a 429 asks for, where its headers do not say."""
        hint = body_wait(body(response), server_time(response.headers) or self.clock.now())
        if hint is not None:
            self.budget.refuse(request.bucket, hint)

    def _settle(self, request: Request, response: requests.Response | None, damage: str | None) -> tuple[str, int]:
        """The user's text and the number of attempts for what may be tried again; raises for the rest."""
        most = self.patience.attempts
        if response is None:
            return damage or "No answer came.", most
        if response.status_code < 300:
            return damage or "The answer was damaged.", most
        content = body(response)
        rule = rule_for(self._rules, response.status_code, content)
        internal = self._internal(request, response, None)
        if rule.action is Action.SHRINK and request.can_shrink:
            raise TooHeavy(rule.text, internal_message=internal)
        if rule.action in (Action.RETRY, Action.SHRINK):
            return rule.text, rule.attempts
        raise failure(rule, request.what, response.status_code, content, internal)

    def _internal(self, request: Request, response: requests.Response | None, damage: str | None) -> str:
        if response is None:
            return f"{request.method} {request.path}: {damage}"
        identity = next((response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), "none")
        return f"{request.method} {request.path}: status {response.status_code}, request id {identity}" + (
            f", {damage}" if damage else ""
        )

    def _back_off(self, request: Request, response: requests.Response | None, attempt: int) -> None:
        """Exponential with jitter; or the whole bucket waits as long as a 503 asks for."""
        asked = None if response is None else retry_after(response.headers, self.clock.now())
        if asked is not None and asked > self.patience.longest_wait_seconds:
            raise TransientError(
                f"The API is under maintenance for longer than {self._longest_wait}; {request.what} was not read. "
                f"{self.patience.afterwards}",
                internal_message=self._internal(request, response, None),
            )
        if asked is not None:
            self.budget.refuse(request.bucket, asked)
        self.pause(attempt, self._internal(request, response, None))

    def pause(self, attempt: int, why: str) -> None:
        """Wait after a failed attempt of this number, from 1 on."""
        seconds = backoff_seconds(attempt)
        self.log("DEBUG", f"{why}; attempt {attempt}, again in {seconds:.1f} s")
        self.usage.waited_seconds += seconds
        self.clock.sleep(seconds)

    @property
    def _longest_wait(self) -> str:
        seconds = self.patience.longest_wait_seconds
        return "an hour" if seconds >= 3600 else f"{seconds:.0f} seconds"

    def _limited(self, request: Request, how: str, internal: str) -> TransientError:
        return TransientError(
            f"Reading {request.what} failed: the API's rate limit {how}. {self.patience.afterwards} Lower "
            "rate_limit_share if others need the same budget.",
            internal_message=internal,
        )


def _denied(refused: ConfigError) -> Denied:
    """Where no token is granted any more, no stream can be read."""
    return Denied(str(refused.message), internal_message=refused.internal_message)


__all__ = ["HttpClient", "Request", "Usage", "backoff_seconds"]
