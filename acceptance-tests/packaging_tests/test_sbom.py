"""What a bill of materials says of packages. A bill itself is checked against the schema when it is written."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from sbom import contents
from sbom.inventory import DEBIAN, Package, in_image, in_wheels, licence_list, licences_of, untold

MACHINE_READABLE = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Files: *
License: GPL-2+

Files: other/*
License: Expat

License: GPL-2+
 The text.
"""


def entry(**values: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"expression": None, "licence": None, "classifiers": [], "summary": None, "requires": []}
    return {"name": "Some.Package", "version": "1.0", **nothing, **values}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"expression": "MIT OR Apache-2.0", "licence": "see file"}, ("MIT OR Apache-2.0",)),
        ({"classifiers": ["License :: OSI Approved :: MIT License"], "licence": "whatever"}, ("MIT",)),
        (
            {
                "classifiers": [
                    "License :: OSI Approved :: BSD License",
                    "License :: OSI Approved :: ISC License (ISCL)",
                ]
            },
            ("BSD License", "ISC"),
        ),
        ({"classifiers": ["License :: OSI Approved"]}, ()),
        ({"licence": "BSD-3-Clause"}, ("BSD-3-Clause",)),
        ({"licence": "MIT License\n\nCopyright (c) 2022 Somebody\n\nPermission is hereby granted"}, ("MIT",)),
        ({"licence": "Permission is hereby granted, free of charge, to any person obtaining a copy"}, ()),
        ({"licence": "  \n"}, ()),
        ({}, ()),
    ],
)
def test_a_licence_is_the_expression_else_the_classifiers_else_the_name(
    values: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert licences_of(entry(**values)) == expected


def test_a_classifier_that_names_no_licence_leaves_the_free_text() -> None:
    values = {"classifiers": ["License :: OSI Approved"], "licence": "MIT License"}
    assert licences_of(entry(**values)) == ("MIT",)


def test_a_wheel_is_read_from_its_metadata(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a-1.0-py3-none-any.whl", "w") as archive:
        text = "Name: A\nVersion: 1.0\nLicense-Expression: MIT\nRequires-Dist: b>=2\nRequires-Dist: c; extra == 'x'\n"
        archive.writestr("a-1.0.dist-info/METADATA", text)
        archive.writestr("a/_vendor/b-2.dist-info/METADATA", "Name: b\nVersion: 2\n")
    (package,) = in_wheels(tmp_path)
    assert (package.name, package.version, package.licences) == ("A", "1.0", ("MIT",))
    assert package.requires == ("b>=2", "c; extra == 'x'")
    assert len(package.sha256) == 64


def test_python_packages_come_first_and_debian_s_name_their_file_where_it_is_in_free_form() -> None:
    debian = {"architecture": "amd64", "source": "x", "source_version": "1", "has_copyright": True}
    found = in_image(
        {
            "system": "debian-12",
            "python": [entry(name="b", expression="MIT"), entry(name="A", expression="MIT")],
            "debian": [
                {"name": "bash", "version": "5", "licences": ["GPL-3+"], **debian},
                {"name": "libc6", "version": "2", "licences": [], **debian},
                {"name": "odd", "version": "3", "licences": [], **debian, "has_copyright": False},
            ],
        }
    )
    assert [each.name for each in found] == ["A", "b", "bash", "libc6", "odd"]
    assert untold(found) == ["odd 3"]
    assert licence_list("an image", found[:4]).splitlines() == [
        "# Licences of what is in an image",
        "",
        "| package | version | from | licence |",
        "|---|---|---|---|",
        "| A | 1.0 | python | MIT |",
        "| b | 1.0 | python | MIT |",
        "| bash | 5 | debian | GPL-3+ |",
        "| libc6 | 2 | debian | as its file says: `/usr/share/doc/libc6/copyright` |",
    ]


def test_a_debian_package_without_licence_and_file_is_untold() -> None:
    assert untold([Package(kind=DEBIAN, name="x", version="1", licences=())]) == ["x 1"]


def test_licences_are_read_from_machine_readable_copyright_files_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"new": MACHINE_READABLE, "old": "License: you may copy this.\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "copyright").write_text(text)
    monkeypatch.setattr(contents, "COPYRIGHT", tmp_path)
    assert contents.licences("new") == ["GPL-2+", "Expat"]
    assert contents.licences("old") == contents.licences("absent") == []
