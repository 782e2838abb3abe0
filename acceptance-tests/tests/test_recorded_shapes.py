"""Records in the shapes of live accounts fit what `discover` declares."""

from __future__ import annotations

from harness import read_checks
from harness.connector import Connector
from harness.recorded_checks import findings
from harness.trial import NewTrial
from harness.truth import all_differences


def test_every_recorded_record_arrives_whole_and_declared(connector: Connector, new_trial: NewTrial) -> None:
    """Types and formats, columns, and no undeclared field but those that are accepted with a reason."""
    trial = new_trial(shape="real")
    # The recorded custom fields are this account's own.
    trial.known_catalog = None
    read = trial.read()
    problems = findings(connector.name, read).problems + read_checks.keys_and_cursors_are_present(read)
    problems += all_differences(connector, trial.truth(), read.result.records)
    assert not problems, "\n".join(problems)
