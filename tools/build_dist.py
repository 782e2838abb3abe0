"""Makes `dist/`: wheels and source archives of source-kit and the connectors, and the wheels that they need.

    python tools/build_dist.py [--own-only] [--folder dist]

`pip install --no-index --find-links dist source-closeio` then installs a connector without an index and without this
checkout. The third-party wheels are those of requirements-dist.lock, by hash, for the Python and the platform that
this runs on; both requirement files are laid beside them for other platforms (docs/releasing.md).

Two builds of the same files give the same bytes, whenever and wherever they run: what is built is a copy with fixed
modes, and every time in an archive is SOURCE_DATE_EPOCH (without it that of the commit).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONNECTORS = sorted(str(path.parent.relative_to(ROOT)) for path in ROOT.glob("connectors/*/pyproject.toml"))
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc")
# What setuptools is given: the module, its settings, the page that the archive carries along.
PARTS = ("pyproject.toml", "README.md")
# The whole tree, and the sixth of it that a connector imports, which is what the images hold.
REQUIREMENTS = {"requirements.txt": "requirements-dist.lock", "requirements-lean.txt": "requirements-image.lock"}
EARLIEST = 315_532_800  # 1980: a zip archive knows no earlier time
HOOK = "import sys; from setuptools import build_meta; build_meta.{hook}(sys.argv[1])"


def commit(field: str = "%H") -> str:
    """The id of the commit that is checked out, or another field of it; empty where this is no checkout."""
    show = ["git", "-C", str(ROOT), "show", "--no-patch", f"--format={field}", "HEAD"]
    done = subprocess.run(show, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def source_date() -> int:
    """The time that everything built carries, in seconds since 1970."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or commit("%ct") or EARLIEST)


def stage(package: str, folder: Path) -> Path:
    """A copy of what a package is built from, with modes that do not depend on who checked it out."""
    copy = folder / Path(package).name
    module = Path(package).name.replace("-", "_")
    shutil.copytree(ROOT / package / module, copy / module, ignore=LEFT_OUT)
    for part in PARTS:
        shutil.copy(ROOT / package / part, copy)
    shutil.copy(ROOT / "LICENSE", copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def call(hook: str, source: Path, folder: Path, date: int) -> None:
    """Runs a build hook of setuptools, as `python -m build` does, in the environment that runs this."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(date)}
    command = [sys.executable, "-B", "-c", HOOK.format(hook=hook), str(folder)]
    done = subprocess.run(
        command, cwd=source, env=environment, capture_output=True, text=True, check=False, umask=0o022
    )
    if done.returncode:
        sys.exit(f"{source.name} could not be built:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def fixed_archive(path: Path, date: int) -> None:
    """Writes a source archive anew, in order, without owners and with one time; setuptools keeps those of the build."""
    content = io.BytesIO()
    with tarfile.open(path) as before, tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as after:
        for member in sorted(before.getmembers(), key=lambda member: member.name):
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = date
            member.mode = 0o755 if member.isdir() else 0o644
            member.pax_headers = {}
            after.addfile(member, before.extractfile(member) if member.isfile() else None)
    path.write_bytes(gzip.compress(content.getvalue(), mtime=date))


def build(package: str, folder: Path, date: int) -> None:
    """Puts the source archive of a package, and the wheel that is built from it, into the folder."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        call("build_sdist", stage(package, Path(scratch)), made, date)
        (archive,) = made.glob("*.tar.gz")
        fixed_archive(archive, date)
        with tarfile.open(archive) as content:
            content.extractall(scratch, filter="data")
        call("build_wheel", Path(scratch) / archive.name.removesuffix(".tar.gz"), made, date)
        for path in made.iterdir():
            shutil.copy(path, folder)


def download(folder: Path) -> None:
    """The wheels of requirements-dist.lock, by hash, into the folder."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", str(folder)]
    subprocess.run([*command, *options, "-r", str(ROOT / "requirements-dist.lock")], check=True)


def checksums(folder: Path) -> None:
    """Writes SHA256SUMS, which `sha256sum --check` reads, over everything else in the folder."""
    paths = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (folder / "SHA256SUMS").write_text("".join(lines))


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--folder", type=Path, default=ROOT / "dist", help="emptied first; default: dist")
    arguments.add_argument("--own-only", action="store_true", help="without the wheels of others")
    given = arguments.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    date = source_date()
    for package in ("source-kit", *CONNECTORS):
        build(package, given.folder, date)
    own = sorted(given.folder.iterdir())
    if not given.own_only:
        download(given.folder)
        for name, lock in REQUIREMENTS.items():
            shutil.copy(ROOT / lock, given.folder / name)
    checksums(given.folder)
    for path in own:
        print(f"{path.stat().st_size / 1000:8.1f} kB  {path.name}")
    wheels = [path for path in given.folder.glob("*.whl") if path not in own]
    print(f"{sum(path.stat().st_size for path in wheels) / 1e6:8.1f} MB  {len(wheels)} wheels of others")


if __name__ == "__main__":
    main()
