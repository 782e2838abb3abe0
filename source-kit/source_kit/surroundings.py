"""What a connection is opened in, and how what it renews outlives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from source_kit.clock import Clock
from source_kit.config_store import ConfigPath, ConfigStore
from source_kit.output import Output
from source_kit.redaction import Redactor


@dataclass(frozen=True)
class Surroundings:
    """Where a connection writes, what it masks, where renewed tokens are kept, and time."""

    output: Output
    redactor: Redactor
    store: ConfigStore
    clock: Clock

    def keep(self, values: Mapping[ConfigPath, Any], spent: str = "the refresh token") -> None:
        """Tell the platform new values of the config, and write them to its file; `spent` is what they replace."""
        config = self.store.update(values)
        try:
            self.output.control(config)
        finally:  # what they replace is spent, whether or not anybody reads our output
            warning = self.store.save(spent)
        if warning:
            self.output.log("WARN", warning)
