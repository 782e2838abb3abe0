"""The wheels of `make dist`: complete, the same from every build, and never to be mixed up with others' packages.

`make test-dist` installs them whole; here only what our own packages decide is tested.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import build_dist
from packaging_tests.repository import CONNECTORS, ROOT, locked_versions

PACKAGES = [ROOT / "source-kit", *CONNECTORS]
EVERY_PACKAGE = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
LABEL = "+unpublished"


def build(root: Path, folder: Path, **environment: str) -> dict[str, bytes]:
    """Our own wheels and source archives of a checkout, by name."""
    subprocess.run(
        [sys.executable, "-B", root / "tools" / "build_dist.py", "--own-only", "--folder", folder],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return folder


def wheel(dist: Path, package: Path) -> zipfile.ZipFile:
    (path,) = dist.glob(f"{package.name.replace('-', '_')}-*.whl")
    return zipfile.ZipFile(path)


def project(package: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    return table


def test_a_wheel_and_an_archive_of_each_package_are_built(dist: Path) -> None:
    stems = [f"{package.name.replace('-', '_')}-{project(package)['version']}" for package in PACKAGES]
    expected = {f"{stem}{end}" for stem in stems for end in ("-py3-none-any.whl", ".tar.gz")}
    assert {path.name for path in dist.iterdir()} == {*expected, "SHA256SUMS"}


@EVERY_PACKAGE
def test_a_wheel_holds_every_file_of_the_module_and_no_other(dist: Path, package: Path) -> None:
    module = package / package.name.replace("-", "_")
    files = [path for path in module.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {str(path.relative_to(package)) for path in files}
    with wheel(dist, package) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert held == expected
        (licence,) = [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()


@EVERY_PACKAGE
def test_a_source_archive_builds_without_the_checkout(dist: Path, package: Path, tmp_path: Path) -> None:
    (path,) = dist.glob(f"{package.name.replace('-', '_')}-*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / path.name.removesuffix(".tar.gz")
    hook = "from setuptools import build_meta; build_meta.build_wheel('.')"
    subprocess.run([sys.executable, "-c", hook], cwd=source, capture_output=True, check=True)
    (made,) = source.glob("*.whl")
    with zipfile.ZipFile(made) as again, wheel(dist, package) as first:
        assert sorted(again.namelist()) == sorted(first.namelist())


@pytest.mark.thorough
def test_two_builds_of_the_same_files_give_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """Elsewhere, later, with other modes and times of the files, in another zone."""
    copy = tmp_path / "elsewhere"
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "unit_tests", "tests", "build", ".*")
    for name in ("source-kit", "connectors", "tools", "LICENSE"):
        source = ROOT / name
        shutil.copytree(source, copy / name, ignore=left_out) if source.is_dir() else shutil.copy(source, copy / name)
    for path in copy.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            os.utime(path, (1_000_000_000, 1_000_000_000))
    show = ["git", "-C", str(ROOT), "show", "--no-patch", "--format=%ct", "HEAD"]
    epoch = subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()
    second = build(copy, tmp_path / "again", SOURCE_DATE_EPOCH=epoch, TZ="Asia/Kathmandu", PYTHONHASHSEED="7")
    assert second == {path.name: path.read_bytes() for path in dist.iterdir()}


def test_another_time_gives_other_archives(dist: Path, tmp_path: Path) -> None:
    """The bytes above are equal because the time is given, not because none is written."""
    build_dist.build("source-kit", tmp_path, 1_000_000_000)
    made = list(tmp_path.iterdir())
    assert len(made) == 2
    assert [path.name for path in made if path.read_bytes() == (dist / path.name).read_bytes()] == []


def test_the_sums_are_those_of_the_files(dist: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.count(b": OK") == 2 * len(PACKAGES)


# --- names ------------------------------------------------------------------------------------------------------


@EVERY_PACKAGE
def test_versions_have_a_label_that_no_public_index_takes(package: Path) -> None:
    assert project(package)["version"].endswith(LABEL)
    assert "Private :: Do Not Upload" in project(package)["classifiers"]


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
def test_a_connector_requires_exactly_the_kit_of_its_own_version(dist: Path, connector: Path) -> None:
    version = project(ROOT / "source-kit")["version"]
    with wheel(dist, connector) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        required = re.findall(r"^Requires-Dist: (.*)$", archive.read(name).decode(), flags=re.MULTILINE)
    assert [each for each in required if each.startswith("source-kit")] == [f"source-kit=={version}"]


def strangers(folder: Path, name: str, version: str) -> None:
    """Puts the smallest wheel that pip takes into a folder, as a stranger might publish it."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()) for path, text in files.items()}
    record = "".join(f"{path},sha256={digest.decode().rstrip('=')},\n" for path, digest in digests.items())
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{stem}.dist-info/RECORD": f"{record}{stem}.dist-info/RECORD,,\n"}.items():
            archive.writestr(path, text)


def test_the_kit_is_never_a_strangers_whatever_an_index_offers(dist: Path, tmp_path: Path) -> None:
    """An index with a kit of the same number and with a newer one; what else is needed is there in name only."""
    index = tmp_path / "index"
    index.mkdir()
    number = project(ROOT / "source-kit")["version"].removesuffix(LABEL)
    for version in (number, f"{number}.post1", "9.9.9"):
        strangers(index, "source-kit", version)
    declared = [need for package in (ROOT / "source-kit", *CONNECTORS) for need in project(package)["dependencies"]]
    for name in {re.split(r"[^\w-]", need)[0] for need in declared} - {"source-kit"}:
        (locked,) = locked_versions(ROOT / "requirements-dist.lock")[name.lower()]
        strangers(index, name, locked)
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--no-index"]
    places = ["--find-links", str(dist), "--find-links", str(index), "--report", "-"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    for connector in CONNECTORS:
        done = subprocess.run(
            [*command, *places, connector.name],
            env={**plain, "PIP_CONFIG_FILE": os.devnull},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        chosen = {each["metadata"]["name"]: each["metadata"]["version"] for each in json.loads(done.stdout)["install"]}
        assert chosen["source-kit"] == f"{number}{LABEL}"
        assert chosen[connector.name] == f"{number}{LABEL}"
