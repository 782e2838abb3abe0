"""Server-to-server sign-in: an app proves itself with a signed token, and is given access tokens of its installation.

The app token is a JWT, RS256, with the claims `iss` (the app's GUID), `iat` and `exp` (an hour later) and no others.
The setup token of an installation is exchanged once, within 15 minutes.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.messages import Request, Response, json_response
from emulators.outreach.lists import problem
from emulators.outreach.settings import OutreachOptions

GUID = "3f2b8c6e-5d1a-4e0b-9c77-8a1f0d2e6b94"
SETUP_TOKEN = "setup-9d2f6a1c"
INSTALLATION = "b1946ac9-2f4d-4c57-a0d1-6f3b7e8c9a20"
LIFETIME_SECONDS = 3600
SKEW_SECONDS = 60
KEY_BITS = 2048
REFUSALS = {
    401: ("unauthorized", "Unauthorized", "The app token is not valid."),
    403: ("unauthorizedOauthScope", "Unauthorized OAuth Scope", "The app has no scope that this installation granted."),
    404: ("resourceNotFound", "Resource Not Found", f"Could not find 'install' with ID '{INSTALLATION}'."),
    410: ("gone", "Gone", "The setup token has expired or was used."),
    429: ("rateLimitExceeded", "Rate Limit Exceeded", "Too many tokens were asked for; please try again later."),
}


class Installs:
    """One app, one installation. `clock` gives the vendor's time in milliseconds."""

    def __init__(self, options: OutreachOptions, clock: Callable[[], int]) -> None:
        self._options, self._clock = options, clock
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        self._set_up_until_ms = clock() + int(options.setup_lifetime * 1000)
        self._access: dict[str, float] = {}
        self.minted = 0
        self.set_up = 0
        self.refused: list[int] = []

    @property
    def credentials(self) -> dict[str, dict[str, str]]:
        """What the app's owner has, once it is installed and before."""
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        app = {"auth_type": "s2s", "s2s_guid": GUID, "private_key": key.decode()}
        return {
            "s2s_config": app | {"installation_id": INSTALLATION},
            "s2s_setup_config": app | {"setup_token": SETUP_TOKEN},
        }

    def valid(self, access_token: str) -> bool:
        """Whether the token was minted here and lives."""
        return self._access.get(access_token, 0.0) > time.monotonic() and not self._options.uninstalled

    def setup(self, request: Request, token: str) -> Response:
        """`POST /api/app/installs/{setupToken}/actions/setupToken`: the installation, once."""
        if (refusal := self._wrong(request)) is not None:
            return refusal
        if token != SETUP_TOKEN:
            return self._refuse(404)
        if self.set_up or self._clock() > self._set_up_until_ms:
            return self._refuse(410)
        self.set_up += 1
        return json_response({"data": {"type": "install", "id": INSTALLATION}})

    def access(self, request: Request, installation: str) -> Response:
        """`POST /api/app/installs/{id}/actions/accessToken`: a token, and where the organisation's API is."""
        if (refusal := self._wrong(request)) is not None:
            return refusal
        if installation != INSTALLATION or self._options.uninstalled:
            return self._refuse(404)
        if self._options.s2s_status and len(self.refused) < (self._options.s2s_refusals or len(self.refused) + 1):
            return self._refuse(self._options.s2s_status)
        self.minted += 1
        token = f"s2s-access-{self.minted}-{self.minted * 2654435761 % 2**32:08x}"
        self._access[token] = time.monotonic() + self._options.s2s_lifetime
        host = self._options.s2s_host or f"http://{request.headers.get('host', '')}/api/v2"
        data = {
            "type": "install",
            "id": INSTALLATION,
            "meta": {"accessToken": token},
            "relationships": {"org": {"links": {"api": host}}},
        }
        return json_response({"data": data})

    def _wrong(self, request: Request) -> Response | None:
        """The refusal of a request without a good app token, or with a body."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._is_ours(token):
            return self._refuse(401)
        if request.body.strip() not in (b"", b"{}"):
            return problem(422, "validationError", "Validation Error", "The body must be empty.")
        return None

    def _is_ours(self, token: str) -> bool:
        try:
            head, claims, signature = token.split(".")
            header, given = orjson.loads(_decoded(head)), orjson.loads(_decoded(claims))
            signed = f"{head}.{claims}".encode()
            self._key.public_key().verify(_decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
            issued, expires = given["iat"], given["exp"]
            lifetime, now = expires - issued, self._clock() / 1000
        except (ValueError, TypeError, KeyError, InvalidSignature):
            return False
        return bool(
            header.get("alg") == "RS256"
            and given.keys() == {"iss", "iat", "exp"}
            and given["iss"] == GUID
            and lifetime == LIFETIME_SECONDS
            and issued <= now + SKEW_SECONDS
            and now < expires
        )

    def _refuse(self, status: int) -> Response:
        self.refused.append(status)
        return problem(status, *REFUSALS[status])


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
