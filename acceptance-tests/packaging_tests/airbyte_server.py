"""An Airbyte as far as source definitions go: the endpoints that `make register` uses, over real HTTP.

Written from the OpenAPI documents that Airbyte publishes for its server (Configuration API and public API, 2026-08):
paths, verbs, required fields, types, formats, and the forms of errors. It is stricter than they are: fields that they
do not name are refused, where Airbyte would ignore them.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

CLIENT_ID, CLIENT_SECRET = "0da998a2-0d7b-49c7-bb6e-9f7eb9cc68a0", "b3Blbi1zZXNhbWU-client"
USERNAME, PASSWORD = "airbyte", "b3Blbi1zZXNhbWU-basic"
WORKSPACE = "2f247b56-4c74-41ae-8045-9f64dd27512e"
OTHERS_WORKSPACE = "11111111-4c74-41ae-8045-9f64dd27512e"

CONFIGURATION = "/api/v1/source_definitions/"
PUBLIC = re.compile(r"/api/public/v1/workspaces/([^/]+)/definitions/sources(?:/([^/]+))?")

Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_uuid(value: Any) -> bool:
    return is_text(value) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None


def is_uri(value: Any) -> bool:
    return is_text(value) and bool(urlsplit(value).scheme and urlsplit(value).netloc)


@dataclass(frozen=True)
class Shape:
    """A JSON object: the fields that must and may be there, each with its check. No other fields."""

    required: dict[str, Check]
    optional: dict[str, Check] = field(default_factory=dict)

    def __call__(self, value: Any) -> bool:
        checks = {**self.required, **self.optional}
        return (
            isinstance(value, dict)
            and self.required.keys() <= value.keys() <= checks.keys()
            and all(checks[name](part) for name, part in value.items())
        )


AMOUNTS = Shape({}, {f"{what}_{kind}": is_text for what in ("cpu", "memory") for kind in ("request", "limit")})
JOB_TYPES = ("get_spec", "check_connection", "discover_schema", "sync", "reset_connection", "connection_updater")
JOB_RESOURCES = Shape({"jobType": lambda value: value in JOB_TYPES, "resourceRequirements": AMOUNTS})
RESOURCES = Shape(
    {},
    {"default": AMOUNTS, "jobSpecific": lambda value: isinstance(value, list) and all(map(JOB_RESOURCES, value))},
)
TOKEN_REQUEST = Shape({"client_id": is_text, "client_secret": is_text})
LIST_REQUEST = Shape(
    {"workspaceId": is_uuid},
    {"includeTombstone": lambda value: isinstance(value, bool), "filterByUsed": lambda value: isinstance(value, bool)},
)
CREATE_REQUEST = Shape(
    {
        "workspaceId": is_uuid,  # optional in the document, where scopeId and scopeType stand in for it
        "sourceDefinition": Shape(
            {"name": is_text, "dockerRepository": is_text, "dockerImageTag": is_text, "documentationUrl": is_uri},
            {"icon": is_text, "resourceRequirements": RESOURCES},
        ),
    }
)
UPDATE_REQUEST = Shape(
    {"sourceDefinitionId": is_uuid, "dockerImageTag": is_text, "workspaceId": is_uuid},
    {"name": is_text, "resourceRequirements": RESOURCES},
)
PUBLIC_CREATE = Shape(
    {"name": is_text, "dockerRepository": is_text, "dockerImageTag": is_text}, {"documentationUrl": is_uri}
)
PUBLIC_UPDATE = Shape({"name": is_text, "dockerImageTag": is_text})


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def error_id() -> dict[str, str]:
    return {"errorId": str(uuid.uuid4())}


def problem(status: int, title: str, message: str) -> dict[str, Any]:
    """The public API's errors (RFC 9457)."""
    data = {"message": message}
    return {"status": status, "type": f"error:{title}", "title": title, "detail": "See data.", "data": data}


@dataclass
class Airbyte:
    """One workspace with Airbyte's own Close connector. `images`: what the cluster can start."""

    images: set[str] = field(default_factory=set)
    open: bool = False  # no authentication, as an Airbyte that was installed without it
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    faults: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    url: str = ""

    def __post_init__(self) -> None:
        self.add("airbyte/source-close-com", "0.5.30", "Close.com", custom=False)

    def add(self, repository: str, tag: str, name: str, **more: Any) -> str:
        """Puts a definition there and returns its id."""
        identifier = str(uuid.uuid4())
        self.definitions[identifier] = {
            "sourceDefinitionId": identifier,
            "name": name,
            "dockerRepository": repository,
            "dockerImageTag": tag,
            **({"custom": True} | more),
        }
        return identifier

    def custom(self) -> list[dict[str, Any]]:
        return [each for each in self.definitions.values() if each["custom"]]

    # --- answers ---

    def answer(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Any:
        if raw and headers.get("content-type") != "application/json":
            raise Refused(415, {"message": "Content type not allowed"})
        body = json.loads(raw) if raw else None
        self.requests.append((method, path, body))
        if path == "/api/v1/applications/token" and method == "POST":
            return self.token(body)
        self.authenticate(headers.get("authorization", ""))
        if path.startswith(CONFIGURATION) and method == "POST":
            return self.configuration(path.removeprefix(CONFIGURATION), body)
        if found := PUBLIC.fullmatch(path):
            return self.public(method, found[1], found[2], body)
        raise Refused(404, {"message": "Page Not Found"})

    def token(self, body: Any) -> dict[str, str]:
        if not TOKEN_REQUEST(body):
            raise Refused(422, error_id())
        if (body["client_id"], body["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            # The id is echoed, as a proxy might: it must not be shown.
            raise Refused(401, {**error_id(), "message": f"Invalid client {body['client_id']} {body['client_secret']}"})
        self.tokens.append(f"header.{uuid.uuid4()}.signature")
        return {"access_token": self.tokens[-1]}

    def authenticate(self, authorization: str) -> None:
        self.authorizations.add(authorization)
        basic = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if not self.open and authorization not in [basic, *(f"Bearer {token}" for token in self.tokens)]:
            raise Refused(401, {"message": "Unauthorized"})

    def workspace(self, identifier: str) -> None:
        if identifier == OTHERS_WORKSPACE:
            raise Refused(403, {"message": "Forbidden"})
        if identifier != WORKSPACE:
            raise Refused(404, error_id())

    def configuration(self, name: str, body: Any) -> dict[str, Any]:
        shapes = {"list_for_workspace": LIST_REQUEST, "create_custom": CREATE_REQUEST, "update": UPDATE_REQUEST}
        if name not in shapes:
            raise Refused(404, {"message": "Page Not Found"})
        if not shapes[name](body):
            raise Refused(422, {"message": "Invalid json input.", **error_id()})
        self.workspace(body["workspaceId"])
        if name == "list_for_workspace":
            return {"sourceDefinitions": list(self.definitions.values())}
        if name == "create_custom":
            wanted = body["sourceDefinition"]
            self.start(wanted["dockerRepository"], wanted["dockerImageTag"], 500, error_id())
            return self.definitions[self.add(wanted["dockerRepository"], wanted["dockerImageTag"], **rest(wanted))]
        return self.move(body["sourceDefinitionId"], body, 500, error_id())

    def public(self, method: str, workspace: str, identifier: str | None, body: Any) -> dict[str, Any]:
        if not is_uuid(workspace) or (identifier and not is_uuid(identifier)):
            raise Refused(400, {"message": "Failed to convert argument"})
        self.workspace(workspace)
        conflict = problem(409, "state-conflict", "Could not fulfill request")
        if method == "GET" and not identifier and body is None:
            return {"data": [public_form(each) for each in self.definitions.values()]}
        if method == "POST" and not identifier and PUBLIC_CREATE(body):
            self.start(body["dockerRepository"], body["dockerImageTag"], 409, conflict)
            added = self.add(body["dockerRepository"], body["dockerImageTag"], **rest(body))
            return public_form(self.definitions[added])
        if method == "PUT" and identifier and PUBLIC_UPDATE(body):
            return public_form(self.move(identifier, body, 409, conflict))
        raise Refused(422, problem(422, "unprocessable-entity", "The body of the request was not understood"))

    def move(self, identifier: str, body: Any, status: int, refusal: Any) -> dict[str, Any]:
        existing = self.definitions.get(identifier)
        if existing is None:
            raise Refused(404, error_id())
        self.start(existing["dockerRepository"], body["dockerImageTag"], status, refusal)
        existing |= {key: body[key] for key in ("name", "dockerImageTag") if key in body}
        return existing

    def start(self, repository: str, tag: str, status: int, refusal: Any) -> None:
        """Airbyte asks the image for its spec, and says little when there is none."""
        if f"{repository}:{tag}" not in self.images:
            raise Refused(status, refusal)


def rest(wanted: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in wanted.items() if not key.startswith("docker")}


def public_form(definition: dict[str, Any]) -> dict[str, Any]:
    shown = {key: definition.get(key) for key in ("name", "dockerRepository", "dockerImageTag")}
    return {"id": definition["sourceDefinitionId"], **shown, "documentationUrl": definition.get("documentationUrl", "")}


class Server:
    """Serves an `Airbyte` on a free port of the loopback interface for the length of the block."""

    def __init__(self, airbyte: Airbyte) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                more: dict[str, str] = {"Content-Type": "application/json"}
                if self.path in airbyte.faults:
                    status, content, more = airbyte.faults[self.path]
                else:
                    try:
                        status, value = 200, airbyte.answer(self.command, self.path, headers, raw)
                    except Refused as refused:
                        status, value = refused.status, refused.body
                    content = json.dumps(value).encode()
                self.send_response(status)
                for name, text in {**more, "Content-Length": str(len(content))}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nothing: the tests look at `requests`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        airbyte.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._airbyte = airbyte

    def __enter__(self) -> Airbyte:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self._airbyte

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
