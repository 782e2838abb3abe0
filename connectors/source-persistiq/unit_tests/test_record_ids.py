"""Stream record_ids: which ids exist now, by the lists of PersistIQ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from source_kit.errors import ConfigError
from source_kit.record_ids import RecordIds, listings_of
from source_kit.work import Start, in_order
from source_persistiq.streams import build, listings

KNOWN = {
    "users", "mailboxes", "leads", "campaigns", "campaign_leads", "campaign_replies", "lead_statuses", "lead_fields",
    "dnc_domains", "tags",
}  # fmt: skip


def ids(api: Any, *names: str, **config: Any) -> list[tuple[str, str]]:
    """Stream and id of each row."""
    any_stream = api.stream("leads", **config)
    api.clock.told = datetime(2026, 1, 1, 12, tzinfo=UTC)
    known = listings(build(any_stream.client, any_stream.settings))
    rows = [
        row
        for page in in_order(RecordIds(any_stream.client, listings_of(names, known)).work(Start(False)))
        for row in page.records
    ]
    assert {row["seen_at"] for row in rows} == {"2026-01-01T12:00:00Z"}
    return [(row["stream"], row["id"]) for row in rows]


def test_the_ids_of_leads_are_those_of_all_pages_whatever_the_dates_of_the_config(api: Any, paged: Any) -> None:
    rows = [{"id": f"l_{number}", "data": {}} for number in range(25)]
    api.serve("leads", lambda params: {"leads": []} if "updated_after" in params else paged("leads", rows, 2)(params))
    found = ids(api, "leads", start_date="2025-12-01", end_date="2025-12-31")
    assert sorted(found) == sorted(("leads", row["id"]) for row in rows)
    asked = [params for _, params in api.asked if "updated_after" not in params]
    # 13 pages; three are compared, and a few lie beyond the end.
    assert 13 <= len(asked) <= 22


def test_a_deleted_lead_is_missing(api: Any, paged: Any) -> None:
    rows = [{"id": f"l_{number}"} for number in range(5)]
    api.serve("leads", paged("leads", rows, 100))
    before = ids(api, "leads")
    api.serve("leads", paged("leads", rows[:2] + rows[3:], 100))
    assert set(before) - set(ids(api, "leads")) == {("leads", "l_2")}


def test_the_ids_of_what_hangs_on_campaigns_are_those_of_all_campaigns(api: Any) -> None:
    api.serve("campaigns", {"campaigns": [{"id": "c_1"}, {"id": "c_2"}]})
    for name in ("c_1", "c_2"):
        api.serve(f"campaigns/{name}/leads", {"campaign_leads": [{"id": f"cl_{name}", "lead": {"id": "l_1"}}]})
        api.serve(f"campaigns/{name}/replies", {"replies": [{"id": f"r_{name}", "sent_at": "2020-01-01T00:00:00Z"}]})
    assert sorted(ids(api, "campaign_leads", "campaign_replies", start_date="2025-01-01")) == [
        ("campaign_leads", "cl_c_1"),
        ("campaign_leads", "cl_c_2"),
        ("campaign_replies", "r_c_1"),
        ("campaign_replies", "r_c_2"),
    ]
    assert [params for path, params in api.asked if path.endswith("replies")] == [{}, {}]


def test_every_stream_with_ids_that_can_be_deleted_is_known(api: Any) -> None:
    stream = api.stream("leads")
    known = listings(build(stream.client, stream.settings))
    assert set(known) == KNOWN
    with pytest.raises(ConfigError, match=r"record_ids_of names what has no ids to list: events\. It takes: .*leads"):
        listings_of(["events"], known)


def test_it_is_there_only_where_the_config_names_streams(api: Any) -> None:
    from source_persistiq.source import SourcePersistiq

    for wanted, expected in (([], False), (["leads"], True)):
        source = SourcePersistiq()
        config = source.configure({"api_key": "pk_0123456789", "record_ids_of": wanted}, "")
        assert ("record_ids" in {stream.name for stream in source.streams(config)}) is expected
