"""The command: `python -m register [CONNECTOR ...]`, which `make register` runs.

Exit code 0: done (or printed); 1: Airbyte or the cluster refused, the message says why; 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace

from register import cluster
from register.apis import APIS, Api, Call, Registered
from register.definitions import Definition, connector_names, load
from register.problems import Problem, Usage
from register.server import Credentials, Server, server_url

DEFAULT_URL = "http://localhost:8000"
MASK = "***"
# Airbyte asks an image for its spec once per tag, except for this one.
DEVELOPMENT_TAG = "dev"


def parser() -> argparse.ArgumentParser:
    environment = os.environ.get
    arguments = argparse.ArgumentParser(
        prog="register",
        description="Adds connectors to an Airbyte as custom source definitions, or updates their version.",
        epilog="Credentials come from the environment: AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET (an application's), "
        "or AIRBYTE_USERNAME and AIRBYTE_PASSWORD (HTTP Basic).",
    )
    add = arguments.add_argument
    add("connectors", nargs="*", metavar="CONNECTOR", help=f"{', '.join(connector_names())}; default: all")
    add("--workspace", default=environment("AIRBYTE_WORKSPACE_ID"), help="its id; default: AIRBYTE_WORKSPACE_ID")
    add("--url", default=environment("AIRBYTE_URL") or DEFAULT_URL, help=f"default: AIRBYTE_URL, or {DEFAULT_URL}")
    add("--api", choices=sorted(APIS), default="configuration", help="the public API takes no icon and no resources")
    add("--registry", default="", help="what stands before the image's name: registry.example.com/team")
    add("--tag", default="", help="of the image; default: the connector's version")
    add("--documentation-url", default="", help="where your users read about it; default: the metadata's")
    add("--load", action="store_true", help="load the images into the kind cluster first")
    add("--cluster", default=cluster.CLUSTER, help=f"of kind; default: {cluster.CLUSTER}, as abctl calls it")
    add("--dry-run", action="store_true", help="print what would be sent and run, with secrets masked; send nothing")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    arguments = parser().parse_args(argv)
    try:
        credentials = Credentials.from_environment()
        definitions = [
            load(
                name,
                registry=arguments.registry,
                tag=arguments.tag,
                documentation_url=arguments.documentation_url,
            )
            for name in chosen(arguments.connectors)
        ]
        workspace = workspace_id(arguments.workspace)
        api = APIS[arguments.api](workspace)
        if arguments.dry_run:
            print_plan(server_url(arguments.url), api, credentials, definitions, arguments)
            sys.stdout.flush()
            return 0
        server = Server(arguments.url, credentials)
        for definition in definitions:
            if arguments.load:
                print(f"$ {cluster.shown(cluster.load_commands(definition.image, arguments.cluster))}", flush=True)
                cluster.load(definition.image, arguments.cluster)
            print(f"{definition.image}: {register(server, api, definition)}", flush=True)
    except Usage as problem:
        print(f"register: {problem}", file=sys.stderr)
        return 2
    except Problem as problem:
        print(f"register: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has enough of it (`| head`); nothing more is to be written, at the exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def chosen(names: Sequence[str]) -> list[str]:
    """The connectors meant by the arguments; `source-closeio` means `closeio`."""
    known = connector_names()
    wanted = [name.removeprefix("source-") for name in names]
    if unknown := sorted(set(wanted) - set(known)):
        raise Usage(f"There is no connector {', '.join(unknown)}; there are {', '.join(known)}.")
    return list(dict.fromkeys(wanted)) or known


def workspace_id(text: str | None) -> str:
    """The id in its usual form."""
    if not text:
        raise Usage("Give --workspace or AIRBYTE_WORKSPACE_ID: the id in the address of the UI, /workspaces/<id>.")
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Usage("The workspace id is no UUID: copy it from the address of the UI, /workspaces/<id>.") from None


def register(server: Server, api: Api, definition: Definition) -> str:
    """Creates the definition or moves it to the wanted version; returns what has been done."""
    found = [each for each in api.answered(server.send(api.ask())) if each.repository == definition.repository]
    if len(found) > 1:
        identifiers = ", ".join(each.identifier for each in found)
        raise Problem(
            f"This workspace has {len(found)} definitions of {definition.repository} ({identifiers}): delete all but "
            "one in the workspace's settings, since it cannot be told which one your sources use."
        )
    if not found:
        added = api.changed(server.send(api.create(definition)))
        return f"created as {added.name!r}, definition {checked(added, definition).identifier}"
    (existing,) = found
    if existing.tag == definition.tag != DEVELOPMENT_TAG:
        return f"nothing to do, definition {existing.identifier} has this version"
    updated = api.changed(server.send(api.update(existing, definition.tag)))
    return f"updated from {existing.tag}, definition {checked(updated, definition).identifier}"


def checked(answer: Registered, definition: Definition) -> Registered:
    """The answer, if Airbyte has done what it was told."""
    if (answer.repository, answer.tag) != (definition.repository, definition.tag):
        raise Problem(
            f"Airbyte kept {answer.repository}:{answer.tag} for {definition.image}: a pinned version? "
            "Look at the definition in the workspace's settings."
        )
    return answer


def print_plan(
    url: str, api: Api, credentials: Credentials, definitions: list[Definition], arguments: argparse.Namespace
) -> None:
    """Prints every request of a run, with what decides between them."""
    print(f"# {api.title} of {url}; nothing is sent")
    authorization = f"Authorization: {credentials.scheme} {MASK}" if credentials.scheme else ""
    if credentials.client_id:
        print("\n# An access token, again when it is older than a minute and a half")
        print_call(url, masked(credentials.token_call()), "")
    for definition in definitions:
        print(f"\n# --- {definition.image}")
        print(f"# Loading it into the cluster{'' if arguments.load else ' (only with --load)'}:")
        print(f"$ {cluster.shown(cluster.load_commands(definition.image, arguments.cluster))}")
        print("\n# What the workspace has")
        print_call(url, api.ask(), authorization)
        print(f"\n# If it has no definition of {definition.repository}")
        print_call(url, api.create(definition), authorization)
        print(f"\n# If it has one with another version than {definition.tag}")
        listed = Registered("<its id>", "<its name>", definition.repository, "")
        print_call(url, api.update(listed, definition.tag), authorization)


def masked(call: Call) -> Call:
    """The same call with every value of its body masked."""
    return replace(call, body=dict.fromkeys(call.body or {}, MASK))


def print_call(url: str, call: Call, authorization: str) -> None:
    print(f"{call.method} {url}{call.path}")
    if authorization:
        print(authorization)
    if call.body is not None:
        print("Content-Type: application/json")
        print(f"\n{json.dumps(call.body, indent=2, ensure_ascii=False)}")


if __name__ == "__main__":
    sys.exit(main())
