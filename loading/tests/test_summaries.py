"""The connectors' log lines are read as they are written."""

from __future__ import annotations

from warehouse.summaries import StreamSummary, summaries_of

LOG = """\
05:11:40 - INFO - Starting syncing
05:11:41 - INFO - Stream leads: 3000 records, 17 requests (2 again), 1.5 s of waits in workers, 0.4 s, 7500 records/s.
05:11:41 - INFO - Stream kobject_b-2: 0 records, 1 requests (0 again), 0.0 s of waits in workers, 0.1 s, 0 records/s.
"""


def test_every_summary_of_a_log_is_found() -> None:
    assert list(summaries_of(LOG)) == [
        StreamSummary("leads", 3000, 17, 2, 1.5, 0.4),
        StreamSummary("kobject_b-2", 0, 1, 0, 0.0, 0.1),
    ]
