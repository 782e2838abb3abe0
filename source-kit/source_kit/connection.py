"""A connection: a source opened with a config. It has the settings, one client for all streams, and the streams.

Opening sends nothing; the client is made when it is first used. Whoever opens twice has two connections.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, Generic, Protocol, TypeVar

import requests

from source_kit.budget import Budget
from source_kit.client import HttpClient
from source_kit.config import CommonOptions
from source_kit.foreign_state import ForeignRule
from source_kit.oauth import Auth
from source_kit.rules import Rule
from source_kit.stream import KitStream
from source_kit.surroundings import Surroundings
from source_kit.transport import MAX_ATTEMPTS, PATIENT, Patience, new_session


class HasCommon(Protocol):
    """Settings of a connector."""

    @property
    def common(self) -> CommonOptions:
        """The options that all connectors have."""


S = TypeVar("S", bound=HasCommon)


class Connection(ABC, Generic[S]):
    """One account, as a config opens it. Subclasses say how to authenticate, what the limits are, and which streams
    there are."""

    rules: ClassVar[Sequence[Rule]] = ()
    foreign_rules: Sequence[ForeignRule] = ()
    ignored_states: ClassVar[frozenset[str]] = frozenset()
    session_headers: ClassVar[Mapping[str, str]] = {}
    client_class: ClassVar[type[HttpClient]] = HttpClient
    max_attempts: ClassVar[int] = MAX_ATTEMPTS

    def __init__(self, settings: S, surroundings: Surroundings, patience: Patience = PATIENT) -> None:
        self.settings = settings
        self.options = settings.common
        self.surroundings = surroundings
        self.output, self.redactor = surroundings.output, surroundings.redactor
        self.store, self.clock = surroundings.store, surroundings.clock
        self.patience = patience

    # What a connector says about itself.

    @abstractmethod
    def authentication(self, session: requests.Session) -> Auth:
        """How requests prove who they are; `session` is for token requests."""

    @abstractmethod
    def budget(self) -> Budget:
        """The rate limits as far as they are known before the first answer."""

    @abstractmethod
    def streams(self) -> Sequence[KitStream]:
        """Every stream, those that are discovered from the account included."""

    def streams_for(self, names: Sequence[str]) -> Sequence[KitStream]:
        """The streams that a read needs, `names` among them; a source may spare itself the discovery of others."""
        return self.streams()

    @abstractmethod
    def probe(self) -> None:
        """One cheap request that any valid credential may send; raises if the connection cannot work."""

    def after_sync(self) -> None:
        """What a source says at the end of a read, whether or not it went well; nothing, unless it has something."""

    # What all have.

    @cached_property
    def client(self) -> HttpClient:
        """The one client. Raises `ConfigError` where the environment's proxy or certificates cannot be used."""
        options = self.options
        headers = {"User-Agent": options.user_agent, **self.session_headers}
        patience = replace(self.patience, attempts=min(self.patience.attempts, self.max_attempts))
        session = new_session(options.token_url or options.api_url, headers, pool_size=1, patience=patience)
        budget = self.budget()
        budget.longest_wait = patience.longest_wait_seconds
        return self.client_class(
            options.api_url,
            self.authentication(session),
            budget,
            self.clock,
            headers=headers,
            rules=self.rules,
            workers=options.num_workers,
            patience=patience,
            log=self.output.log,
        )
