"""Lists by page."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import StreamUnavailable, TransientError
from source_kit.work import Start, in_order
from source_kustomer.streams import build
from unit_tests.kustomer_account import Account, Answer, page, row


def stream_of(account: Account, name: str) -> Any:
    return next(stream for stream in build(account.client, account.settings) if stream.name == name)


def test_users_are_read_twice_for_those_that_are_deactivated() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        deactivated = params.get("deleted") == "true"
        return page(row(2 if deactivated else 1, "2025-01-01T00:00:00.000Z", "user"))

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "users"))
    assert [record["id"][-1] for record in records] == ["1", "2"]
    assert checkpoints == [{"updated_at": "2025-01-01T00:00:00.000Z"}]
    assert [params for _, _, params, _ in account.asked] == [
        {"page": 1, "pageSize": 500},
        {"page": 1, "pageSize": 500, "deleted": "true"},
    ]


def test_only_what_changed_since_the_state_leaves() -> None:
    rows = [row(1, "2025-01-01T00:00:00.000Z"), row(2, "2025-03-01T00:00:00.000Z"), row(3, "2025-02-01T00:00:00.000Z")]
    account = Account(lambda *asked: page(*rows))
    records, checkpoints = account.read(stream_of(account, "tags"), {"updated_at": "2025-02-01T00:00:00.000Z"})
    assert [record["id"][-1] for record in records] == ["2", "3"]
    assert checkpoints == [{"updated_at": "2025-03-01T00:00:00.000Z"}]


def test_a_list_of_several_pages_is_read_until_nothing_new_comes() -> None:
    """Row 1 is deleted between the pages, which pushes row 3 from the second to the first."""
    rows = [row(number, "2025-01-01T00:00:00.000Z") for number in (1, 2, 3, 4)]
    walks = [(rows[:2], rows[3:]), (rows[1:3], rows[3:]), (rows[1:3], rows[3:])]
    served = iter([answer for first, second in walks for answer in (page(*first, following=2), page(*second))])
    account = Account(lambda *asked: next(served))
    records, _ = account.read(stream_of(account, "tags"))
    assert [record["id"][-1] for record in records] == ["1", "2", "4", "3"]
    assert len(account.asked) == 6


def test_a_list_that_is_too_long_fails_loudly() -> None:
    numbers = iter(range(10**6))

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        rows = [row(next(numbers), "2025-01-01T00:00:00.000Z") for _ in range(100)]
        return page(*rows, following=params["page"] + 1)

    account = Account(server)
    with pytest.raises(StreamUnavailable, match="Stream tags holds more than the 10000 records"):
        account.read(stream_of(account, "tags"))
    assert len(account.asked) == 100


def test_a_list_goes_on_to_its_cap_where_pages_are_smaller_than_was_asked_for() -> None:
    """Users are asked for by 500; 22 pages of 100 are 2,200 of them, not 11,000."""

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        first = (params["page"] - 1) * 100
        rows = [row(number, "2025-01-01T00:00:00.000Z", "user") for number in range(first, first + 100)]
        return page(*rows, following=params["page"] + 1 if params["page"] < 22 else 0)

    account = Account(server)
    assert len(account.read(stream_of(account, "users"))[0]) == 2_200


def test_versions_of_slas_come_from_beside_the_list() -> None:
    version = {"type": "sla_version", "id": "v", "attributes": {"createdAt": "2025-01-01T00:00:00.000Z"}}
    answer = {"data": [row(1, "2025-01-01T00:00:00.000Z", "sla")], "included": version, "links": {"next": None}}
    account = Account(lambda *asked: (200, answer))
    records, _ = account.read(stream_of(account, "sla_versions"))
    assert records == [{"id": "v", "type": "sla_version", "created_at": "2025-01-01T00:00:00.000Z"}]


@pytest.mark.parametrize("as_list", [False, True])
def test_definitions_of_custom_attributes_are_one_record_each(as_list: bool) -> None:
    entry = {"type": "metadata", "id": "m", "attributes": {"properties": {"tierStr": {"displayName": "Tier"}}}}

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "klasses":
            return page()
        return (200, {"data": [entry] if as_list else entry}) if path == "metadata/company" else (404, {})

    account = Account(server)
    records, _ = account.read(stream_of(account, "custom_attributes"))
    assert records == [{"id": "company.tierStr", "resource": "company", "name": "tierStr", "display_name": "Tier"}]


def test_audit_logs_follow_their_links() -> None:
    def log(number: int) -> dict[str, Any]:
        return {"type": "audit_log", "id": str(number), "attributes": {"createdAt": "2025-12-31T00:00:00.000Z"}}

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if "after" in params:
            return 200, {"data": [log(2)], "links": {"next": None}}
        return 200, {"data": [log(1)], "links": {"next": "/v1/audit-logs?count=1000&after=1"}}

    account = Account(server, start_date="2025-12-20")
    records, checkpoints = account.read(stream_of(account, "audit_logs"))
    assert [record["id"] for record in records] == ["1", "2"]
    assert checkpoints == [{"created_at": "2025-12-31T00:00:00.000Z"}]
    assert [(path, params) for _, path, params, _ in account.asked] == [
        ("audit-logs", {"count": 1000, "filter[start]": "2025-12-20T00:00:00.000Z"}),
        ("audit-logs", {"count": 1000, "after": 1}),
    ]


def test_a_list_is_followed_along_cursors_however_long() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        first = params.get("after", 0)
        rows = [row(number, "2025-01-01T00:00:00.000Z") for number in range(first, first + 100)]
        link = f"/v1/tags?after={first + 100}&pageSize=100" if first < 10_400 else None
        return 200, {"data": rows, "links": {"self": "", "next": link}}

    account = Account(server)
    records, _ = account.read(stream_of(account, "tags"))
    assert len(records) == 10_500
    assert account.asked[1][1:3] == ("tags", {"after": 100, "pageSize": 100})


@pytest.mark.parametrize(("following", "requests"), [("itself", 3), ("the next", 52)])
def test_a_list_that_leads_in_circles_claims_no_cap(following: str, requests: int) -> None:
    """By a link that repeats itself, or by numbers that never end."""
    rows = [row(number, "2025-01-01T00:00:00.000Z") for number in range(100)]

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page(*rows, following=1 if following == "itself" else params["page"] + 1)

    account = Account(server)
    with pytest.raises(TransientError, match="again and again that there are more rows"):
        account.read(stream_of(account, "tags"))
    assert len(account.asked) == requests


def test_custom_attributes_of_fixed_resources_are_read_though_klasses_are_refused() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "klasses":
            return 403, {"errors": []}
        return 200, {"data": {"type": "metadata", "attributes": {"properties": {"tierStr": {}}}}}

    account = Account(server)
    pages = in_order(stream_of(account, "custom_attributes").work(Start(incremental=False)))
    read = [next(pages).records[0]["id"] for _ in range(4)]
    assert read == ["company.tierStr", "conversation.tierStr", "customer.tierStr", "message.tierStr"]
    with pytest.raises(StreamUnavailable, match=r"Stream custom_attributes .* org\.permission\.klass\.read"):
        next(pages)


def test_times_without_a_zone_leave_as_utc() -> None:
    account = Account(
        lambda *asked: page(row(1, "2025-01-01T00:00:00.000", deletedAt=None, name="2025-01-01T00:00:00"))
    )
    records, checkpoints = account.read(stream_of(account, "tags"))
    assert (records[0]["updated_at"], records[0]["created_at"]) == ("2025-01-01T00:00:00.000Z",) * 2
    assert (records[0]["deleted_at"], records[0]["name"]) == (None, "2025-01-01T00:00:00")
    assert checkpoints == [{"updated_at": "2025-01-01T00:00:00.000Z"}]
