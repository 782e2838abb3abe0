"""A CycloneDX bill of materials. This module alone needs the environment of requirements-release.lock."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from sbom.inventory import PYTHON, Package, canonical

VERSION = SchemaVersion.V1_6
NAMESPACE = uuid.UUID("7f0b1a52-8f0d-4c5e-9c35-2f3c5f7d4f11")


def component(package: Package) -> Component:
    url = PackageURL(
        type="pypi" if package.kind == PYTHON else "deb",
        namespace=None if package.kind == PYTHON else package.system.partition("-")[0],
        name=canonical(package.name) if package.kind == PYTHON else package.name,
        version=package.version,
        qualifiers={} if package.kind == PYTHON else {"arch": package.architecture, "distro": package.system},
    )
    # The short names of Debian's copyright files look like SPDX and are not: `GPL-2+`, `Expat`, `MIT/X11`.
    factory = LicenseFactory()
    licence = factory.make_from_string if package.kind == PYTHON else factory.make_with_name
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=url.to_string(),
        purl=url,
        description=package.summary or None,
        licenses=[licence(text) for text in package.licences],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)] if package.sha256 else [],
    )


def requirements(package: Package, present: Sequence[Package]) -> list[int]:
    """The places, in `present`, of the packages that this one requires here; extras are not asked for."""
    places = {canonical(each.name): place for place, each in enumerate(present) if each.kind == PYTHON}
    wanted = [Requirement(text) for text in package.requires]
    names = [canonical(each.name) for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return [places[name] for name in dict.fromkeys(names) if name in places]


def bill(kind: ComponentType, name: str, version: str, packages: Sequence[Package], when: int, image: str = "") -> str:
    """The bill of one delivery as JSON, valid by the schema; the same text for the same contents and time.

    `when`: seconds since 1970; `image`: the id of the image that was looked at.
    """
    root = Component(type=kind, name=name, version=version, bom_ref=name)
    if image:
        root.properties.add(Property(name="oci:image:id", value=image))
    components = [component(package) for package in packages]
    bom = Bom(components=components)
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(when, UTC)
    seed = "\n".join([name, version, image, *(str(each.purl) for each in components)])
    bom.serial_number = uuid.uuid5(NAMESPACE, seed)
    bom.register_dependency(root, components)
    for package, part in zip(packages, components, strict=True):
        bom.register_dependency(part, [components[place] for place in requirements(package, packages)])
    text: str = make_outputter(bom, OutputFormat.JSON, VERSION).output_as_string(indent=2)
    if problem := JsonStrictValidator(VERSION).validate_str(text):
        raise ValueError(f"the bill of {name} is not valid: {problem}")
    return text
