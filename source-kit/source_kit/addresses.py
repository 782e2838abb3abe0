"""Addresses of requests: parameters, origins, and where a redirect may lead. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]


def with_query(url: str, params: Params | None) -> str:
    """The URL with these parameters; a list gives several of one name, and what is None is left out."""
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    query = urlencode([pair for pair in pairs if pair[1] is not None], doseq=True)
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


joined = lru_cache(maxsize=64)(urljoin)


@lru_cache(maxsize=64)
def origin_of(url: str) -> str:
    """Scheme, host and port, in small letters, without the slash."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def redirected(prepared: requests.PreparedRequest, response: requests.Response) -> str | None:
    """Where a GET is sent on to; None for other answers, where the address is none, and where it has lost parameters:
    without its filters another list would come, which looks like this one."""
    location = response.headers.get("location")
    if prepared.method != "GET" or not location or response.status_code not in (301, 302, 303, 307, 308):
        return None
    try:
        target = str(requests.utils.requote_uri(urljoin(str(prepared.url), location)))
        return target if _parameters(str(prepared.url)) <= _parameters(target) else None
    except (ValueError, requests.exceptions.InvalidURL):
        return None


def _parameters(url: str) -> set[tuple[str, str]]:
    return set(parse_qsl(urlsplit(url).query, keep_blank_values=True))
