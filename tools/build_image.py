"""Builds the image of one connector with the name, version and tags that its `metadata.yaml` gives.

    python tools/build_image.py source-closeio

It does what the `docker build` line at the head of `connectors/Dockerfile` does, and passes along what the host knows:
its certificates, its package mirror, and the base image of `make base-image` if that has been made.
BASE_IMAGE in the environment chooses another base, DOCKER another client.
"""

from __future__ import annotations

import configparser
import io
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import yaml

from build_dist import commit, source_date

ROOT = Path(__file__).resolve().parent.parent
LOCAL_BASE_IMAGE = "connector-base:3.11-bookworm"  # what tools/base-image makes
CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# The settings of pip that say where packages come from. Local folders mean nothing inside a build.
MIRROR_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")


def succeeds(*command: str) -> bool:
    """Whether a command ends with exit code 0; its output is thrown away."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def docker_client() -> str:
    """The path of a docker client that can build with BuildKit.

    Clients since version 23 need the buildx plug-in for that, older ones bring it along, and a machine may have both.
    """
    folders = os.get_exec_path()
    found = [str(Path(folder) / "docker") for folder in folders if os.access(Path(folder) / "docker", os.X_OK)]
    candidates = [os.environ["DOCKER"]] if os.environ.get("DOCKER") else found
    for client in candidates:
        version = subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout
        major = version.removeprefix("Docker version ").split(".")[0]
        if succeeds(client, "buildx", "version") or (major.isdigit() and int(major) < 23):
            return client
    sys.exit(f"no docker client here can build with BuildKit (looked at: {', '.join(candidates) or 'nothing on PATH'})")


def base_image_arguments(client: str) -> list[str]:
    """`--build-arg BASE_IMAGE=...`, or nothing where the Dockerfile's own default is meant."""
    image = os.environ.get("BASE_IMAGE")
    if not image and succeeds(client, "image", "inspect", LOCAL_BASE_IMAGE):
        image = LOCAL_BASE_IMAGE
    return ["--build-arg", f"BASE_IMAGE={image}"] if image else []


def certificates() -> Path | None:
    """The bundle of certificates that this host trusts, if it says so anywhere."""
    named = [Path(os.environ[name]) for name in CERTIFICATE_VARIABLES if os.environ.get(name)]
    return next((path for path in [*named, SYSTEM_CERTIFICATES] if path.is_file()), None)


def mirror_settings() -> str:
    """A pip.conf with the host's mirror settings (from pip's files and from PIP_* variables); empty if it has none."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    mirror = configparser.RawConfigParser()
    mirror["global"] = {}
    for line in listing.stdout.splitlines():
        # `global.index-url='https://...'`; what comes from the environment is called `:env:.index-url`.
        name, _, value = line.partition("=")
        setting = name.rpartition(".")[2]
        addresses = [word for word in value.strip("'").split() if not word.startswith(("file:", "/"))]
        if setting in MIRROR_SETTINGS and addresses:
            mirror["global"][setting] = " ".join(addresses)
    if not mirror["global"]:
        return ""
    text = io.StringIO()
    mirror.write(text)
    return text.getvalue()


def labels(connector: str) -> list[str]:
    """`--label` arguments that a build by hand does not know, as the OCI image specification names them.

    The time is the commit's, like that of the wheels: two builds of one commit have equal labels. A checkout with
    changes is no commit, and names none.
    """
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    project = tomllib.loads((ROOT / "connectors" / connector / "pyproject.toml").read_text())["project"]
    created = datetime.fromtimestamp(source_date(), UTC).isoformat()
    known = {"description": project["description"], "created": created, "revision": "" if changed.stdout else commit()}
    pairs = [f"org.opencontainers.image.{name}={value}" for name, value in known.items() if value]
    return [part for pair in pairs for part in ("--label", pair)]


def build(connector: str) -> list[str]:
    """Builds the image and returns its tags, the Airbyte-style `connectors/NAME` forms among them."""
    metadata = yaml.safe_load((ROOT / "connectors" / connector / "metadata.yaml").read_text())["data"]
    name, version = metadata["dockerRepository"], metadata["dockerImageTag"]
    tags = [f"{prefix}{name}:{tag}" for prefix in ("", "connectors/") for tag in ("dev", version, "latest")]
    client = docker_client()
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--build-arg", f"CONNECTOR={connector}", "--build-arg", f"VERSION={version}"]
        arguments += [*labels(connector), *base_image_arguments(client)]
        if bundle := certificates():
            # A copy: the path of a secret must be a plain file, and this one is often a link.
            arguments += ["--secret", f"id=ca,src={shutil.copy(bundle, Path(folder) / 'ca.crt')}"]
        if settings := mirror_settings():
            (Path(folder) / "pip.conf").write_text(settings)
            arguments += ["--secret", f"id=pip,src={folder}/pip.conf"]
        for tag in tags:
            arguments += ["--tag", tag]
        subprocess.run(
            [client, "build", "--file", "connectors/Dockerfile", *arguments, "."],
            cwd=ROOT,
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            check=True,
        )
    return tags


if __name__ == "__main__":
    print("\n".join(build(sys.argv[1])))
