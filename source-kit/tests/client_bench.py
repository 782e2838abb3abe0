"""A client with its clock and log, for tests that answer its requests."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.answers import body
from source_kit.budget import RateBudget
from source_kit.client import HttpClient, Request
from source_kit.errors import SourceError
from source_kit.oauth import basic
from source_kit.testing import FakeClock

BASE = "https://api.vendor.test/v1/"


URL = BASE + "leads/"


KEY = "api_s3cret"


LEADS = Request("leads/", "GET leads/", what="stream leads")


GOOD = {"json": {"data": [1]}}


class TokenAuth:
    """Tokens that can be renewed a number of times."""

    header = "Authorization"

    def __init__(self, renewals: int = 1) -> None:
        self.number = 0
        self.renewals = renewals
        self.good: list[str] = []

    def authorization(self) -> str:
        return f"Bearer s3cret{self.number}"

    def rejected(self, authorization: str) -> bool:
        if self.number >= self.renewals:
            return False
        self.number += 1
        return True

    def accepted(self, authorization: str) -> None:
        self.good.append(authorization)


class Bench:
    """A client with its clock and log."""

    def __init__(self, auth: Any = None, **options: Any) -> None:
        self.clock = FakeClock()
        self.logs: list[str] = []
        self.client = HttpClient(
            BASE,
            auth or basic(KEY),
            RateBudget(self.clock, share=1.0),
            self.clock,
            headers={"User-Agent": "test/1"},
            log=lambda level, text: self.logs.append(f"{level} {text}"),
            **options,
        )

    def send(self, request: Request = LEADS) -> Any:
        return body(self.client.send(request))

    def fail(self, request: Request = LEADS) -> SourceError:
        with pytest.raises(SourceError) as caught:
            self.client.send(request)
        for text in (str(caught.value.message), str(caught.value.internal_message), *self.logs):
            assert "s3cret" not in text
        return caught.value
