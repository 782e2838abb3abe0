"""Whatever an API sends: everything is there, or a clear failure from which a second run recovers."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.connector import Connector
from mutator.campaign import Campaign

MUTATIONS = 100
LIMIT_SECONDS = 600.0


@pytest.mark.thorough
@pytest.mark.script
def test_a_hundred_mutated_answers_lose_nothing_and_are_explained(connector: Connector, tmp_path: Path) -> None:
    """`make mutations` answers 2,000 in the same way."""
    report = Campaign(connector, 1, tmp_path).run(MUTATIONS, LIMIT_SECONDS)
    assert report.mutations >= MUTATIONS, f"only {report.mutations} in {LIMIT_SECONDS} s"
    assert not report.examples, "\n\n".join(report.described())
