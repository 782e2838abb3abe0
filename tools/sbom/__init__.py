"""Says what is delivered: a bill of materials (CycloneDX, JSON) and a list of licences, for an image or for `dist/`.

    python -m sbom image source-closeio     writes build/images/source-closeio/{sbom.cdx.json,licences.md}
    python -m sbom wheels dist              writes dist/{sbom.cdx.json,licences.md}

`make sbom` and `make dist` are the commands. A Python package whose licence nobody can tell is an error.
"""
