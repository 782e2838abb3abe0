"""Who reads: a user by OAuth 2.0, or an app (server to server); flat keys, or `credentials`, which win.

OAuth per developers.outreach.io/api/getting-started: access tokens live two hours, refresh tokens 14 days, one token a
minute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from source_kit.config import ConfigReader
from source_kit.config_store import ConfigPath
from source_kit.oauth import TokenPaths

if TYPE_CHECKING:
    from source_outreach.s2s import App

AuthType = Literal["oauth2.0", "s2s"]
OAUTH_KEYS = ("client_id", "client_secret", "refresh_token")
# Outreach gives a user one token of an application a minute.
MINT_INTERVAL_SECONDS = 60.0
RENEWAL_HINT = (
    "Outreach ends a refresh token 14 days after it was issued: a connection that was idle for longer is lost."
)
_GUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Credentials:
    """Checked credentials: where the config keeps those of OAuth, or the app that signs in."""

    auth_type: AuthType = "oauth2.0"
    paths: TokenPaths = field(default_factory=lambda: token_paths(()))
    app: App | None = field(default=None, repr=False)

    @property
    def is_app(self) -> bool:
        """Whether an app signs in, which has scopes for some resources only."""
        return self.auth_type == "s2s"


def token_paths(prefix: ConfigPath) -> TokenPaths:
    """The OAuth values under a key of the config, or at its top."""
    return TokenPaths(
        client_id=(*prefix, "client_id"),
        client_secret=(*prefix, "client_secret"),
        refresh_token=(*prefix, "refresh_token"),
        access_token=(*prefix, "access_token"),
        token_expiry_date=(*prefix, "token_expiry_date"),
        redirect_uri=(*prefix, "redirect_uri"),
    )


def read(reader: ConfigReader) -> Credentials:
    """The credentials; problems stay in the reader."""
    section = reader.section("credentials")
    if section is None or not section.keys():
        return _oauth(reader, ())
    guess = "s2s" if section.has("s2s_guid") or section.has("private_key") else "oauth2.0"
    auth_type = cast(AuthType, section.choice("auth_type", ("oauth2.0", "s2s"), guess))
    return _oauth(section, ("credentials",)) if auth_type == "oauth2.0" else _app(section)


def _oauth(reader: ConfigReader, prefix: ConfigPath) -> Credentials:
    for key in OAUTH_KEYS:
        reader.secret(key)
    reader.text("redirect_uri", "")
    return Credentials("oauth2.0", token_paths(prefix))


def _app(section: ConfigReader) -> Credentials:
    # It loads the library that reads keys, which OAuth does without.
    from source_outreach.pem import NoKey, private_key
    from source_outreach.s2s import App

    guid = section.whole_text("s2s_guid").strip().strip("{}")
    if guid and not _GUID.fullmatch(guid):
        section.problem(
            "s2s_guid",
            "is no GUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301: copy the S2S GUID of your app from the Outreach "
            "developer portal (feature API Access (S2S))",
        )
    key = None
    text = section.whole_text("private_key")
    if text:
        try:
            key = private_key(text)
        except NoKey as refused:
            section.problem(
                "private_key",
                f"{refused}. Its public half is what your app has in the Outreach developer portal (feature API Access "
                "(S2S))",
            )
    if not any(section.identifier(name) for name in ("installation_id", "setup_token")):
        section.problem(
            "installation_id",
            "is missing: give it, or once, within 15 minutes of installing the app in Outreach, the setup_token",
        )
    return Credentials("s2s", app=App(guid, key) if key is not None else None)
