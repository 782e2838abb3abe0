"""A connector in this process before an emulator, with one clock for both that a test moves: a day takes a minute."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from emulators import Emulator
from harness.connector import Connector
from harness.messages import Message, Result
from source_kit.catalog_input import parse_catalog
from source_kit.clock import Clock
from source_kit.config_store import ConfigStore
from source_kit.output import Output
from source_kit.redaction import Redactor
from source_kit.state_input import parse_state


class MovedClock(Clock):
    """The present and `ahead` seconds; sleeps take what they take."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


@dataclass
class Simulation:
    """An emulator that has option `clock_ahead`, and syncs of a connector at whatever time it is there.

    A sync takes over the config that the one before has said by CONTROL.
    """

    connector: Connector
    emulator: Emulator
    config: dict[str, Any]
    clock: MovedClock = field(default_factory=MovedClock)

    def pass_time(self, seconds: float) -> None:
        """For the vendor and the connector alike."""
        self.clock.ahead += seconds
        self.emulator.options(clock_ahead=self.clock.ahead)

    def sync(self, catalog: dict[str, Any], state: list[Message]) -> Result:
        """One read, with everything it wrote."""
        written = bytearray()
        before = signal.getsignal(signal.SIGTERM)
        began = time.monotonic()
        try:
            source = self.connector.source_class()()
            source.clock = self.clock
            output = Output(written.extend, self.clock)
            connection = source.open(ConfigStore(None, self.config), output, Redactor())
            exit_code = source.sync(connection, parse_catalog(catalog), parse_state(state))
            output.flush()
        finally:
            signal.signal(signal.SIGTERM, before)
        *lines, tail = bytes(written).split(b"\n")
        result = Result(exit_code, lines, tail, "", time.monotonic() - began, Path())
        if result.controls:
            self.config = result.controls[-1]
        return result
