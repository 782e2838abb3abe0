"""A token endpoint: access tokens that expire, refresh tokens that may be used once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from emulators.messages import JSON, Request, Response, json_response

FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class TokenServer:
    """Mints tokens for one client.

    `strict`: a refresh token dies when it is used. `minimum_interval`: a second mint within so many seconds is a 429.
    """

    client_id: str
    client_secret: str
    lifetime: float = 3600
    strict: bool = True
    minimum_interval: float = 0
    extra: dict[str, str] = field(default_factory=dict)
    """Further members of the answer."""
    accepts_json: bool = False
    status: int = 200
    """Of a good answer."""
    refusals: int = 0
    """So many good requests are refused first, as when another process has used the refresh token."""
    minted: int = 0
    refused: list[str] = field(default_factory=list)
    _access: dict[str, float] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=lambda: {"refresh-0"})
    _last_mint: float = -1e9

    first_refresh_token: str = "refresh-0"
    other_refresh_token: str = "refresh-of-another-process"

    def valid(self, access_token: str) -> bool:
        """Whether the token was minted here and has not expired."""
        return self._access.get(access_token, 0.0) > time.monotonic()

    def answer(self, request: Request) -> Response:
        """`POST` with grant type `refresh_token`: 400 invalid_grant for a dead token, 401 for a wrong client."""
        content_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if content_type == FORM:
            form = request.form
        elif self.accepts_json and content_type == JSON.decode():
            form = {name: str(value) for name, value in request.json_object().items()}
        else:
            return self._refuse(400, "invalid_request")
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return self._refuse(401, "invalid_client")
        if form.get("grant_type") != "refresh_token":
            return self._refuse(400, "unsupported_grant_type")
        refresh_token = form.get("refresh_token", "")
        if self.refusals > 0 and refresh_token in self._refresh:
            self.refusals -= 1
            self._refresh.discard(refresh_token)
            self._refresh.add(self.other_refresh_token)
            return self._refuse(400, "invalid_grant")
        if refresh_token not in self._refresh:
            return self._refuse(400, "invalid_grant")
        now = time.monotonic()
        if now < self._last_mint + self.minimum_interval:
            return self._refuse(429, "rate_limit_exceeded")
        if self.strict:
            self._refresh.discard(refresh_token)
        self._last_mint = now
        return self._mint(now)

    def _mint(self, now: float) -> Response:
        self.minted += 1
        access, refresh = f"access-{self.minted}", f"refresh-{self.minted}"
        self._access[access] = now + self.lifetime
        self._refresh.add(refresh)
        lifetime = int(self.lifetime) if self.lifetime >= 1 else self.lifetime
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": lifetime, "refresh_token": refresh}
        return json_response(answer | self.extra, self.status)

    def _refuse(self, status: int, error: str) -> Response:
        self.refused.append(error)
        return json_response({"error": error}, status)
