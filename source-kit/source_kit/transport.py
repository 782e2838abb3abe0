"""Sessions whose every request ends in time, and what is wrong when none comes about."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import NameResolutionError, NewConnectionError

from source_kit.connections import pool_classes
from source_kit.errors import ConfigError

# A path, and a query that is not empty, of characters that nothing is done to.
_USUAL_TARGET = re.compile(r"(?!//)/[\w!$%&'()*+,./:;=@~-]*(?:\?[\w!$%&'()*+,./:;=@~-]+)?", re.ASCII)
MAX_ATTEMPTS = 10
MAX_WAIT_SECONDS = 3900.0


@dataclass(frozen=True)
class Patience:
    """How long an answer may take, how often a request is tried, and which announced waits are sat through."""

    connect_seconds: float = 10.0
    read_seconds: float = 90.0
    # From the first to the last byte of an answer. 7 MB pages at 50 kB/s take 140 s.
    answer_seconds: float = 240.0
    attempts: int = MAX_ATTEMPTS
    longest_wait_seconds: float = MAX_WAIT_SECONDS
    afterwards: str = "Run the sync again later; it goes on from the last saved state."

    @property
    def timeout(self) -> tuple[float, float]:
        """As `requests` wants it."""
        return self.connect_seconds, self.read_seconds


PATIENT = Patience()
# For `check`: whoever waits for it looks at a form.
BRISK = Patience(3.0, 4.0, 5.0, attempts=2, longest_wait_seconds=3.0, afterwards="Try again in a minute.")


def new_session(
    base_url: str, headers: Mapping[str, str], *, pool_size: int, patience: Patience = PATIENT
) -> requests.Session:
    """A session with pooled connections. Proxies and CA bundle are read from the environment once; netrc never.

    Raises `ConfigError` where the environment names a CA bundle that is not there.
    """
    session = _Session()
    session.cookies = _Cookies()
    session.patience = patience
    settings = session.merge_environment_settings(base_url, {}, None, None, None)
    session.proxies = dict(settings["proxies"])
    session.verify = settings["verify"]
    if isinstance(session.verify, str) and not os.path.exists(session.verify):
        raise ConfigError(
            "The certificate bundle that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names does not exist. Correct the "
            "variable, or mount the file into the container."
        )
    # requests walks os.environ for every request while this is on (0.2 ms each), and reads netrc.
    session.trust_env = False
    session.headers.clear()
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip, deflate", **headers})
    adapter = _Adapter(pool_connections=2, pool_maxsize=max(pool_size, 1), answer_seconds=patience.answer_seconds)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def trouble(error: BaseException, url: str) -> str:
    """Why no answer came, as a sentence about the connection."""
    host = urlsplit(url).netloc
    causes = _causes(error)
    if isinstance(error, requests.exceptions.ProxyError):
        if any("407" in str(cause) for cause in causes):
            return "The proxy wants a user and a password: put them into HTTPS_PROXY (or HTTP_PROXY)."
        return f"The proxy that HTTPS_PROXY (or HTTP_PROXY) names does not let the connector reach {host}."
    if any(isinstance(cause, NameResolutionError | socket.gaierror) for cause in causes):
        return f"The name {host} is not known here. Check api_url, region or organisation, and the name server."
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"Nothing at {host} took the connection in time. A firewall may stop it on the way."
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return (
            f"Nothing at {host} takes connections ({_reason(causes)}). Check api_url, if it is set, and the firewall."
        )
    if isinstance(error, requests.exceptions.Timeout) or any(isinstance(cause, TimeoutError) for cause in causes):
        return f"{host} took the request and did not answer in time."
    return f"The connection to {host} broke ({type(error).__name__})."


def tls_refusal(url: str) -> str:
    """What to do about a certificate that was refused."""
    return (
        f"The TLS certificate of {urlsplit(url).netloc} was refused. Set REQUESTS_CA_BUNDLE to the certificate bundle "
        "of your network's proxy."
    )


def _causes(error: BaseException) -> list[BaseException]:
    """The exception, its arguments' and its contexts', as deep as `requests` and `urllib3` wrap them."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 20:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
    return found


def _reason(causes: list[BaseException]) -> str:
    names = {type(cause).__name__ for cause in causes if isinstance(cause, OSError)}
    return "connection refused" if "ConnectionRefusedError" in names else "no route or no service"


class _Session(requests.Session):
    """Redirects are the client's business: `requests` reads their Location even where none is followed, and fails on
    bytes that are no UTF-8. `patience` is for whoever sends by the session alone (`token_requests`)."""

    patience: Patience = PATIENT

    def resolve_redirects(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        """None."""
        return iter(())


class _Cookies(RequestsCookieJar):
    """Looks for cookies in answers that set some, and not in all."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """As the base."""
        if "set-cookie" in response.info():
            super().extract_cookies(response, request)


class _Adapter(HTTPAdapter):
    """Looks up the pool of each origin once: `requests` does it for every request (27 µs, with a look at the disk)."""

    def __init__(self, *, answer_seconds: float, **options: Any) -> None:
        self._pool_classes = pool_classes(answer_seconds)
        self._pools: dict[str, Any] = {}
        super().__init__(**options)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As the base, with connections that keep the deadline."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """As the base, with connections that keep the deadline."""
        manager = super().proxy_manager_for(*arguments, **options)
        if not type(manager).__name__.startswith("SOCKS"):  # has pools of its own kind
            manager.pool_classes_by_scheme = self._pool_classes
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> Any:
        """As the base; the settings of a session are the same for all its requests."""
        origin = _origin(str(request.url))
        if origin not in self._pools:
            self._pools[origin] = super().get_connection_with_tls_context(request, *arguments, **options)
        return self._pools[origin]

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """As the base, which takes the address apart three times: where no proxy is asked, it is what follows the
        origin."""
        url = str(request.url)
        target = url[len(_origin(url)) :]
        if proxies or _USUAL_TARGET.fullmatch(target) is None:
            return str(super().request_url(request, proxies))
        return target

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """As the base, which looks for cookies where none are set, too."""
        if "set-cookie" in resp.headers:
            return super().build_response(req, resp)
        response = requests.Response()
        response.status_code, response.reason, response.raw = resp.status, resp.reason, resp
        response.headers = CaseInsensitiveDict(resp.headers)
        response.encoding = requests.utils.get_encoding_from_headers(response.headers)
        response.request, response.url = req, str(req.url)
        response.connection = self
        return response


def _origin(url: str) -> str:
    """Scheme and host of an address, and the port if it has one."""
    return "/".join(url.split("/", 3)[:3])
