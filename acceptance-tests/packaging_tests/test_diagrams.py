"""The diagrams in docs/ are those that `make diagrams` would draw now, and Airbyte's metadata leads to them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from diagrams import drawn, path_of
from harness.connector import Connector, all_connectors
from packaging_tests.repository import metadata

EVERY_CONNECTOR = pytest.mark.parametrize("connector", all_connectors(), ids=lambda connector: connector.script)
SVG = "{http://www.w3.org/2000/svg}"


@EVERY_CONNECTOR
def test_the_diagram_is_that_of_the_present_catalog_and_relations(connector: Connector) -> None:
    assert path_of(connector).read_text() == drawn(connector), "make diagrams"


@EVERY_CONNECTOR
def test_the_metadata_leads_to_the_diagram(connector: Connector) -> None:
    # Relative to the file: where this project is published, if anywhere, it does not know.
    assert (connector.root / metadata(connector.root)["erdUrl"]).resolve() == path_of(connector)


@EVERY_CONNECTOR
def test_every_stream_is_named_in_the_diagram(connector: Connector) -> None:
    drawing = ElementTree.parse(path_of(connector)).getroot()
    shown = " ".join(element.text or "" for element in drawing.iter(f"{SVG}text"))
    assert [name for name in connector.stream_names if name not in shown] == []


@EVERY_CONNECTOR
def test_the_diagram_needs_nothing_from_elsewhere(connector: Connector) -> None:
    root = ElementTree.parse(path_of(connector)).getroot()
    assert {element.tag for element in root.iter()} == {
        f"{SVG}{kind}" for kind in ("svg", "title", "style", "rect", "path", "text")
    }
    attributes = {name for element in root.iter() for name in element.keys()}  # noqa: SIM118 - an element is no dict
    assert [name for name in attributes if "href" in name or name.startswith("on")] == []
