"""Lists by page."""

from __future__ import annotations

from typing import Any

import pytest

from source_kit.errors import StreamUnavailable, TransientError
from source_kit.work import Start, in_order
from unit_tests.kustomer_account import NOTHING, Account, Answer, page, row, stream_of


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


@pytest.mark.parametrize("included", [None, "x", {"data": [{"id": "v"}]}])
def test_an_answer_without_the_versions_that_its_slas_have_is_asked_for_again(included: Any) -> None:
    sla = {"type": "sla", "id": "s", "attributes": {"currentVersion": 1}}
    whole = {"data": [sla], "included": [{"type": "sla_version", "id": "v"}], "links": {"next": None}}
    answers = iter([whole | {"included": included}])
    account = Account(lambda *asked: (200, next(answers, whole)))
    assert [record["id"] for record in account.read(stream_of(account, "sla_versions"))[0]] == ["v"]


def test_slas_without_versions_need_none() -> None:
    account = Account(lambda *asked: (200, {"data": [{"type": "sla", "id": "s"}], "links": {"next": None}}))
    assert account.read(stream_of(account, "sla_versions"))[0] == []
    assert len(account.asked) == 1


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


TIME = "2025-03-01T00:00:00.000Z"
ODD_TIMES = [None, "", "soon", "2025-06-30T23:59:60Z", 5, {"at": TIME}]


@pytest.mark.parametrize("odd", ODD_TIMES)
def test_a_row_without_a_usable_time_leaves_and_moves_no_state(odd: Any) -> None:
    rows = [row(1, TIME), row(2, odd), row(3, "2025-01-01T00:00:00.000Z")]
    account = Account(lambda *asked: page(*rows))
    records, checkpoints = account.read(stream_of(account, "tags"), {"updated_at": "2025-02-01T00:00:00.000Z"})
    assert [record["id"][-1] for record in records] == ["1", "2"]
    assert checkpoints == [{"updated_at": TIME}]


def test_rows_that_are_no_objects_are_counted_and_those_without_an_id_leave() -> None:
    nameless = {"type": "tag", "attributes": {"updatedAt": TIME, "name": "a"}}
    content = {"data": [None, row(1, TIME), "text", nameless, 5, row(1, TIME)], "links": {"next": None}}
    account = Account(lambda *asked: (200, content))
    records, _ = account.read(stream_of(account, "tags"))
    assert [record["id"] for record in records] == [f"{1:024x}", None]
    assert account.usage.not_objects == 3


@pytest.mark.parametrize(
    "envelope", [{"meta": None, "links": None}, {"meta": [5], "links": "x"}, {"links": {"self": 5}}]
)
def test_an_odd_envelope_hides_no_row(envelope: dict[str, Any]) -> None:
    account = Account(lambda *asked: (200, {"data": [row(1, TIME)], **envelope}))
    assert len(account.read(stream_of(account, "tags"))[0]) == 1


@pytest.mark.parametrize("stands_for", [{"0": row(1, TIME)}, {}, None, "x", [[]], ["x", 5]])
def test_what_is_no_list_of_records_is_asked_for_again(stands_for: Any) -> None:
    answers = iter([(200, {"data": stands_for}), page(row(1, TIME))])
    account = Account(lambda *asked: next(answers))
    assert len(account.read(stream_of(account, "tags"))[0]) == 1


def test_a_list_goes_on_behind_an_empty_page_that_announces_more() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        number = params["page"]
        rows = [] if number == 2 else [row(number, TIME)]
        return page(*rows, following=number + 1 if number < 4 else 0)

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "tags"))
    assert [record["id"][-1] for record in records] == ["1", "3", "4"]
    assert checkpoints == [{"updated_at": TIME}]


def test_a_page_that_was_announced_and_is_empty_is_asked_for_again() -> None:
    served = iter([page(row(1, TIME), following=2), page(), page(row(2, TIME)), page(row(1, TIME), row(2, TIME))])
    account = Account(lambda *asked: next(served))
    assert [record["id"][-1] for record in account.read(stream_of(account, "tags"))[0]] == ["1", "2"]


@pytest.mark.parametrize(
    "link", [5, True, ["x"], " ", "http://[", "x" * 5_000, {"href": "/v1/tags?page=2"}, "/v1/../tags"]
)
def test_a_link_that_is_none_leads_to_the_next_number(link: Any) -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        number = params["page"]
        return 200, {"data": [row(number, TIME)], "links": {"next": link if number == 1 else None}}

    account = Account(server)
    assert len(account.read(stream_of(account, "tags"))[0]) == 2


def test_a_list_that_never_comes_to_rest_says_so_and_holds_the_state() -> None:
    numbers = iter(range(1, 1_000))

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page(row(next(numbers), TIME), following=2 if params["page"] == 1 else 0)

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "tags"))
    assert (len(records), checkpoints) == (8, [])
    assert account.logged == [
        "Kustomer's list brought rows that were not there before, in 4 passes one after the other. Some may be "
        "missing; the state stays, so that the next sync looks again."
    ]


def test_rows_that_a_list_counts_and_never_gives_are_told_and_hold_the_state() -> None:
    account = Account(lambda *asked: page(row(1, TIME), total=3))
    records, checkpoints = account.read(stream_of(account, "tags"))
    assert (len(records), checkpoints, len(account.asked)) == (1, [], 4)
    assert account.logged[0].startswith("Kustomer's list counts 2 rows more than come, in 4 passes")


@pytest.mark.parametrize("obeys", [True, False])
def test_a_list_is_read_anew_where_its_pages_were_too_heavy(obeys: bool) -> None:
    """Pages begin elsewhere once their size is halved; a list that ignores the size goes on as it did."""

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if params.get("deleted"):
            return page()
        if params["pageSize"] > 125 and params["page"] > 1:
            return 504, {"errors": []}
        size = params["pageSize"] if obeys else 200
        first = (params["page"] - 1) * size
        rows = [row(number, TIME, "user") for number in range(first, min(first + size, 900))]
        return page(*rows, following=params["page"] + 1 if first + size < 900 else 0)

    account = Account(server)
    records, checkpoints = account.read(stream_of(account, "users"))
    assert sorted(int(record["id"], 16) for record in records) == list(range(900))
    assert checkpoints == [{"updated_at": TIME}]


def test_the_state_of_a_list_is_not_ahead_of_the_servers_clock() -> None:
    """It is 12:00 here and 11:00 there: what is changed at 11:30 there comes with the next read."""
    account = Account(lambda *asked: page(row(1, "2026-01-01T11:45:00.000Z")))
    account.headers = {"Date": "Thu, 01 Jan 2026 11:00:00 GMT"}
    assert account.read(stream_of(account, "tags"))[1] == [{"updated_at": "2026-01-01T11:00:00.000000+00:00"}]


def test_versions_of_slas_that_are_none_are_counted() -> None:
    version = {"type": "sla_version", "id": "v", "attributes": {}}
    answer = {"data": [row(1, TIME, "sla")], "included": [None, version, "x", version], "links": {"next": None}}
    account = Account(lambda *asked: (200, answer))
    records, _ = account.read(stream_of(account, "sla_versions"))
    assert (records, account.usage.not_objects) == ([{"id": "v", "type": "sla_version"}], 2)


def test_definitions_that_are_none_are_counted_and_no_definition_takes_the_place_of_an_id() -> None:
    properties = {"tierStr": {"id": "d", "name": "n", "displayName": "Tier"}, "oddStr": None, "textStr": "x"}
    entries = [
        {"attributes": {"properties": properties}},
        {"attributes": {"properties": None}},
        {"attributes": 5},
        None,
    ]

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return page() if path == "klasses" else (200, {"data": entries if path == "metadata/company" else None})

    account = Account(server)
    assert account.read(stream_of(account, "custom_attributes"))[0] == [
        {
            "id": "company.tierStr",
            "resource": "company",
            "name": "tierStr",
            "attribute_id": "d",
            "attribute_name": "n",
            "display_name": "Tier",
        }
    ]
    assert account.usage.not_objects == 4


def test_definitions_that_do_not_stand_where_they_belong_are_asked_for_again() -> None:
    answers = [{"properties": "x"}, {"properties": [None]}, {"properties": {"tierStr": {}}}]
    served = iter([(200, {"data": {"attributes": attributes}}) for attributes in answers])

    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        return next(served) if path == "metadata/company" else NOTHING

    account = Account(server)
    assert len(account.read(stream_of(account, "custom_attributes"))[0]) == 1


def test_the_name_of_a_klass_is_no_path() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if path == "klasses":
            return page(row(1, TIME, "klass", name="../50% off?"), row(2, TIME, "klass", name=None))
        return 200, {"data": {"attributes": {"properties": {"aStr": {}} if "off" in path else {}}}}

    account = Account(server)
    records, _ = account.read(stream_of(account, "custom_attributes"))
    assert [record["id"] for record in records] == ["kobject.../50% off?.aStr"]
    assert account.asked[-1][1] == "metadata/kobject...%2F50%25%20off%3F"


def log(number: int, created: Any) -> dict[str, Any]:
    return {"type": "audit_log", "id": str(number), "attributes": {"createdAt": created}}


@pytest.mark.parametrize("link", ["/v1/audit-logs?count=1000&after=1", "/v1/audit-logs"])
def test_audit_logs_whose_link_leads_nowhere_end_loudly(link: str) -> None:
    account = Account(lambda *asked: (200, {"data": [log(1, TIME)], "links": {"next": link}}), start_date="2025-12-20")
    with pytest.raises(TransientError, match="again and again that there are more rows"):
        account.read(stream_of(account, "audit_logs"))
    assert len(account.asked) <= 2


def test_audit_logs_without_a_time_leave_and_those_on_both_sides_of_a_border_leave_once() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        number = params.get("after", 0)
        link = f"/v1/audit-logs?count=1000&after={number + 1}" if number < 3 else None
        rows = [
            [log(1, "2025-12-31T00:00:00.000Z"), log(2, None)],
            [],
            [log(2, None), log(3, "soon")],
            [log(3, "soon")],
        ]
        return 200, {"data": rows[number], "links": {"next": link}}

    account = Account(server, start_date="2025-12-20")
    records, checkpoints = account.read(stream_of(account, "audit_logs"))
    assert [record["id"] for record in records] == ["1", "2", "3"]
    assert checkpoints == [{"created_at": "2025-12-31T00:00:00.000Z"}]


def test_pages_of_audit_logs_that_are_too_heavy_are_halved_along_their_links() -> None:
    def server(method: str, path: str, params: dict[str, Any], body: Any) -> Answer:
        if params["count"] > 500 and "after" in params:
            return 502, {}
        link = None if "after" in params else "/v1/audit-logs?count=1000&after=1"
        return 200, {"data": [log(len(params), "2025-12-31T00:00:00.000Z")], "links": {"next": link}}

    account = Account(server, start_date="2025-12-20")
    account.read(stream_of(account, "audit_logs"))
    assert account.asked[-1][2] == {"count": 500, "after": 1}
