"""Runs meltano.yml against an emulated account, twice with changes between, and counts what arrives.

    python check.py --meltano meltano --tap /path/to/tap-airbyte --connector /path/to/source-closeio

The wrapper starts `docker run`; a stand-in on PATH starts the console script instead, which reaches the emulator on
this machine. `--tap` is the executable of an installed tap-airbyte-wrapper (it is not in the package index; it needs
Python 3.10). Exit code 0 if everything arrives, and the second run brings little more than the changes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "acceptance-tests"))

from emulators import Emulator, start

EXAMPLE = Path(__file__).resolve().parent
STREAMS = ("leads", "opportunities", "activities", "users")
CHANGES = 7
# docker run --rm -i -v FOLDER:/tmp IMAGE COMMAND --config /tmp/config.json ...
STAND_IN = """#!/bin/sh
[ "$1" = version ] && exit 0
shift 4
folder=${1%%:/tmp}
[ "$2" = connectors/source-closeio:0.1.0 ] || { echo "unknown image $2" >&2; exit 125; }
shift 2
for argument do shift; set -- "$@" "$(echo "$argument" | sed "s,^/tmp/,$folder/,")"; done
exec '%s' "$@"
"""


def prepare(folder: Path, tap: str, account: Emulator) -> None:
    """The example as a project, with the installed tap and the emulator's address."""
    project = yaml.safe_load((EXAMPLE / "meltano.yml").read_text())
    (extractor,) = project["plugins"]["extractors"]
    del extractor["pip_url"], extractor["python"]
    extractor["executable"] = tap
    extractor["settings"].append({"name": "airbyte_config.api_url"})
    extractor["config"]["airbyte_config"] |= {"api_url": account.config["api_url"], "start_date": "2000-01-01"}
    (folder / "meltano.yml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / "output").mkdir()


def main() -> int:
    """Two runs; prints a line each."""
    arguments = argparse.ArgumentParser(description="Runs the Meltano example against an emulated account.")
    for name in ("meltano", "tap", "connector"):
        arguments.add_argument(f"--{name}", required=True)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name, start("close", leads=1200) as account:
        folder = Path(name)
        prepare(folder, given.tap, account)
        (folder / "bin").mkdir()
        (folder / "bin" / "docker").write_text(STAND_IN % given.connector)
        (folder / "bin" / "docker").chmod(0o755)
        environment = os.environ | {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "CLOSE_API_KEY": account.config["api_key"],
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        counts = account.truth_counts()
        arrived: list[Counter[str]] = []
        for command in (["install", "loader", "target-jsonl"], *[["run", "tap-closeio", "target-jsonl"]] * 2):
            done = subprocess.run(
                [given.meltano, *command], cwd=folder, env=environment, capture_output=True, text=True
            )
            if done.returncode != 0:
                print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
                return 1
            if command[0] == "run":
                files = [(path.name.partition("-")[0], path) for path in (folder / "output").iterdir()]
                seen = Counter({stream: 0 for stream in STREAMS})
                for stream, path in files:
                    seen[stream] += len({json.loads(line)["id"] for line in path.read_text().splitlines()})
                    path.unlink()
                print(f"meltano {' '.join(command)}: {dict(seen)}")
                arrived.append(seen)
                account.touch("leads", update=5, create=2)
    first, second = arrived
    complete = all(first[stream] == counts[stream] for stream in STREAMS)
    return 0 if complete and CHANGES <= second["leads"] < first["leads"] / 10 else 1


if __name__ == "__main__":
    sys.exit(main())
