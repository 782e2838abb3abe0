"""An emulated account that is read under mutations: what it holds, and which endpoints each stream asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from connectors import kustomer, outreach
from emulators import start
from harness.catalog import configured
from harness.connector import Connector
from harness.messages import Message
from harness.runner import ScriptRunner
from harness.secrets import secret_values
from mutator import hurried
from mutator.judge import Record, identity_of
from mutator.outcome import Outcome, read_outcome

LIMIT_SECONDS = 60.0
HURRY = 60
CHILDREN: dict[str, frozenset[str]] = {
    "closeio": frozenset({"custom_objects", "sequence_subscriptions", "user_posts", "comment_threads", "groups"}),
    "persistiq": frozenset({"mailboxes", "campaign_leads", "campaign_replies"}),
    "kustomer": frozenset({*kustomer.CHILDREN, *kustomer.KLASSES, "sla_versions", "custom_attributes"}),
    "outreach": frozenset({"org_settings", *outreach.CUSTOM}),
}
"""The streams whose records are asked for by the id of another record, or made of parts of it, or named after it."""
NOTHING = [{"number": 0, "endpoint": "", "occurrence": 0, "mutation": "body: empty", "seed": 0, "lasting": False}]
"""Watches what is asked, and changes nothing."""


class Account:
    """One emulator with one connector before it. Runs one command at a time."""

    def __init__(self, connector: Connector, directory: Path) -> None:
        self.connector = connector
        self.emulator = start(connector.emulator, **connector.small)
        # `check` has a time limit of its own, which must not be hurried.
        self.runner = ScriptRunner(directory / "commands", connector.script, LIMIT_SECONDS)
        self.reader = ScriptRunner(directory / "reads", connector.script, LIMIT_SECONDS)
        self.reader.script = self._hurried_script(directory)

    @property
    def limit_seconds(self) -> float:
        """A run that takes longer is killed."""
        return self.reader.limit_seconds

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Another limit for a while."""
        before, self.reader.limit_seconds = self.reader.limit_seconds, seconds
        yield
        self.reader.limit_seconds = before

    def stop(self) -> None:
        self.emulator.stop()

    @cached_property
    def catalog(self) -> dict[str, Any]:
        result = self.runner.run("discover", self.emulator.config)
        assert result.exit_code == 0, result.describe()
        return result.catalog

    @cached_property
    def secrets(self) -> set[str]:
        (message,) = self.runner.run("spec").of_type("SPEC")
        return secret_values(message["spec"]["connectionSpecification"], self.emulator.config)

    @cached_property
    def truth(self) -> dict[str, dict[str, Record]]:
        """The records of each stream by their identity."""
        found = {}
        for stream in self.connector.streams:
            records = self.emulator.truth(stream.truth_name)
            found[stream.name] = {identity_of(stream, record): record for record in records}
        return found

    def run(
        self,
        command: str,
        orders: list[dict[str, Any]],
        names: tuple[str, ...] = (),
        state: list[Message] | None = None,
    ) -> tuple[Outcome, dict[str, Any]]:
        """Run a command under mutations; what it said, and what the emulator says of the mutations."""
        self.emulator.options(mutations=orders)
        runner = self.runner if command == "check" else self.reader
        catalog = configured(self.catalog, names or self.connector.stream_names) if command == "read" else None
        result = runner.run(command, self.emulator.config, catalog, state)
        return read_outcome(result), self.emulator.stats()["mutations"]

    def asked(self, command: str = "read", names: tuple[str, ...] = ()) -> dict[str, int]:
        """How many different requests each endpoint gets; the endpoints of tokens are left out."""
        outcome, report = self.run(command, NOTHING, names)
        assert outcome.result.exit_code == 0, outcome.result.describe()
        return {endpoint: count for endpoint, count in report["asked"].items() if "token" not in endpoint}

    def _hurried_script(self, directory: Path) -> Path:
        script = directory / "hurried"
        command = f'"{sys.executable}" "{Path(hurried.__file__)}" {HURRY} "{self.reader.script}"'
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        script.chmod(0o755)
        return script
