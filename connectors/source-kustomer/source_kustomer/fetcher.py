"""Asking Kustomer: a refusal for want of a role names the permission."""

from __future__ import annotations

from copy import copy
from typing import Self

from source_kit.client import HttpClient
from source_kit.endpoint import A
from source_kit.fetcher import Answer, Fetcher
from source_kit.page_size import PageSize
from source_kit.rules import Unavailable
from source_kustomer.endpoints import KustomerEndpoint
from source_kustomer.errors import ReadOnlyClient


class KustomerFetcher(Fetcher[A]):
    """Asks one endpoint in the name of a stream."""

    client: ReadOnlyClient
    endpoint: KustomerEndpoint[A]

    def __init__(self, client: HttpClient, endpoint: KustomerEndpoint[A], stream: str) -> None:
        super().__init__(client, endpoint, stream, PageSize(endpoint.page_size) if endpoint.page_size else None)

    @property
    def rows_a_page(self) -> int:
        """How many rows to ask for: the most, or fewer where pages were too heavy."""
        return self.endpoint.page_size if self.sizes is None else self.sizes.current

    def named(self, stream: str) -> Self:
        """The same, with what it has learned, in the name of another stream."""
        other = copy(self)
        other.stream = stream
        return other

    def fetch(self, asked: A) -> Answer:
        """As the base; a missing role is named."""
        try:
            return super().fetch(asked)
        except Unavailable as unavailable:
            if unavailable.status not in (401, 403):
                raise
            raise Unavailable(
                f"Stream {self.stream} cannot be read: the API key lacks the permission {self.endpoint.permission}. "
                "Give the key a role that has it, or remove the stream from the sync.",
                status=unavailable.status,
                internal_message=unavailable.internal_message,
            ) from unavailable
