"""The two APIs of Airbyte that know source definitions. Both make `Call`s and read answers; neither sends anything.

The shapes are those of the published OpenAPI documents of Airbyte's server: the Configuration API (`/api/v1`), which
the UI uses and which takes an icon and resource requirements, and the public API (`/api/public/v1`) without them.
Name, icon, documentation and resources are set once, at creation: an update changes the version only, so that what
somebody has set in Airbyte since then stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from register.definitions import Definition
from register.problems import NotAirbyte


@dataclass(frozen=True)
class Call:
    """One request; `path` is below the server's address. `runs_image`: Airbyte starts the image to ask for its spec."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    runs_image: bool = False


@dataclass(frozen=True)
class Registered:
    """A source definition that Airbyte has."""

    identifier: str
    name: str
    repository: str
    tag: str


class Api(Protocol):
    """What both APIs can do."""

    title: str

    def ask(self) -> Call:
        """Asks for all definitions of the workspace."""

    def answered(self, answer: dict[str, Any]) -> list[Registered]:
        """What the answer to `ask` holds."""

    def create(self, definition: Definition) -> Call:
        """Adds a definition."""

    def update(self, existing: Registered, tag: str) -> Call:
        """Moves a definition to another version."""

    def changed(self, answer: dict[str, Any]) -> Registered:
        """What the answer to `create` or `update` holds."""


class ConfigurationApi:
    """`/api/v1/source_definitions/...`: every call is a POST."""

    title = "Configuration API"

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace

    def ask(self) -> Call:
        return Call("POST", "api/v1/source_definitions/list_for_workspace", {"workspaceId": self._workspace})

    def answered(self, answer: dict[str, Any]) -> list[Registered]:
        return _many(answer, "sourceDefinitions", "sourceDefinitionId")

    def create(self, definition: Definition) -> Call:
        body = {
            "workspaceId": self._workspace,
            "sourceDefinition": {
                "name": definition.name,
                "dockerRepository": definition.repository,
                "dockerImageTag": definition.tag,
                "documentationUrl": definition.documentation_url,
                "icon": definition.icon,
                "resourceRequirements": definition.resources,
            },
        }
        return Call("POST", "api/v1/source_definitions/create_custom", body, runs_image=True)

    def update(self, existing: Registered, tag: str) -> Call:
        body = {
            "sourceDefinitionId": existing.identifier,
            "dockerImageTag": tag,
            "workspaceId": self._workspace,
        }
        return Call("POST", "api/v1/source_definitions/update", body, runs_image=True)

    def changed(self, answer: dict[str, Any]) -> Registered:
        return _one(answer, "sourceDefinitionId")


class PublicApi:
    """`/api/public/v1/workspaces/{id}/definitions/sources`: resources and verbs."""

    title = "public API"

    def __init__(self, workspace: str) -> None:
        self._path = f"api/public/v1/workspaces/{workspace}/definitions/sources"

    def ask(self) -> Call:
        return Call("GET", self._path)

    def answered(self, answer: dict[str, Any]) -> list[Registered]:
        return _many(answer, "data", "id")

    def create(self, definition: Definition) -> Call:
        body = {
            "name": definition.name,
            "dockerRepository": definition.repository,
            "dockerImageTag": definition.tag,
            "documentationUrl": definition.documentation_url,
        }
        return Call("POST", self._path, body, runs_image=True)

    def update(self, existing: Registered, tag: str) -> Call:
        # The name is required here; the one it has is sent.
        body = {"name": existing.name, "dockerImageTag": tag}
        return Call("PUT", f"{self._path}/{existing.identifier}", body, runs_image=True)

    def changed(self, answer: dict[str, Any]) -> Registered:
        return _one(answer, "id")


APIS: dict[str, type[ConfigurationApi] | type[PublicApi]] = {"configuration": ConfigurationApi, "public": PublicApi}


def _one(answer: object, identifier: str) -> Registered:
    keys = (identifier, "name", "dockerRepository", "dockerImageTag")
    values = [answer.get(key) if isinstance(answer, dict) else None for key in keys]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(keys):
        raise NotAirbyte(f"a source definition without {' or '.join(keys)}")
    return Registered(*texts)


def _many(answer: dict[str, Any], key: str, identifier: str) -> list[Registered]:
    found = answer.get(key)
    if not isinstance(found, list):
        raise NotAirbyte(f"a list of source definitions without {key}")
    return [_one(each, identifier) for each in found]
