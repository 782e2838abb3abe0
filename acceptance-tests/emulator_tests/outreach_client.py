"""Asks the Outreach emulator without a socket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from emulators.messages import Request
from emulators.options import update
from emulators.outreach.app import API, CLIENT_ID, CLIENT_SECRET, OutreachApp
from emulators.outreach.settings import OutreachOptions

JSON_API = "application/vnd.api+json"


class OutreachClient:
    """Hands requests to the application, with a token and the media type."""

    def __init__(self, **options: Any) -> None:
        self.app = OutreachApp(OutreachOptions(**{"prospects": 60, "mailings": 40, "others": 9, **options}))
        self.token = self.mint()[1]["access_token"]

    def mint(self, refresh_token: str = "refresh-0", **changes: str) -> tuple[int, dict[str, Any]]:
        form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        body = urlencode({**form, "refresh_token": refresh_token, **changes}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = self.app.handle(Request("POST", "/oauth/token", "", headers, body))
        return response.status, orjson.loads(response.body)

    def ask(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> tuple[int, dict[str, Any]]:
        given = {"authorization": f"Bearer {self.token}", "content-type": JSON_API, "host": "api"} | (headers or {})
        named = {name.replace("__", "[") + ("]" if "__" in name else ""): value for name, value in params.items()}
        response = self.app.handle(Request("GET", API + path, urlencode(named), given, b""))
        return response.status, orjson.loads(response.body)

    def walk(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Follows the links, as any client would."""
        _, answer = self.ask(path, **params)
        records = list(answer["data"])
        while (answer.get("links") or {}).get("next"):
            query = answer["links"]["next"].partition("?")[2]
            headers = {"authorization": f"Bearer {self.token}", "content-type": JSON_API, "host": "api"}
            answer = orjson.loads(self.app.handle(Request("GET", API + path, query, headers, b"")).body)
            records += answer["data"]
        return records

    def truth(self, stream: str, *, all_fields: bool = False) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.app.truth(stream, all_fields=all_fields) or ()]

    def options(self, **changes: Any) -> None:
        update(self.app.options, changes)
        self.app.configure()

    def post(self, path: str, token: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {token}", "host": "api"}
        response = self.app.handle(Request("POST", path, "", headers, body))
        return response.status, orjson.loads(response.body)
