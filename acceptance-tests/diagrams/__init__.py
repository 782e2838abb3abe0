"""Entity-relationship diagrams of the connectors' streams, as SVG. See `python -m diagrams --help`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from diagrams.drawing import svg
from diagrams.model import diagram
from emulators import start
from harness.connector import Connector
from harness.relations import Relations
from harness.runner import PROJECT_ROOT, ScriptRunner


def path_of(connector: Connector) -> Path:
    """Where the diagram of a connector is kept."""
    return PROJECT_ROOT / "docs" / "diagrams" / f"{connector.script}.svg"


def drawn(connector: Connector) -> str:
    """The diagram of what a connector discovers in an emulated account; ValueError where relations.yaml is wrong."""
    with tempfile.TemporaryDirectory(prefix="diagrams-") as folder, start(connector.emulator) as account:
        streams = ScriptRunner(Path(folder), connector.script).run("discover", account.config).catalog["streams"]
    relations = Relations(connector.root, streams)
    if problems := relations.problems():
        raise ValueError("\n".join([f"{connector.root / 'relations.yaml'}:", *problems]))
    return svg(diagram(streams, relations), f"{connector.script}: its streams and what they refer to")
