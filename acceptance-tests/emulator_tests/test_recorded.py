"""Option `shape` of all emulators: records in the shapes that live accounts answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest

from emulators.app import VendorApp
from emulators.close.app import CloseApp
from emulators.close.settings import CloseOptions
from emulators.kustomer.app import KustomerApp
from emulators.kustomer.flat import flat as flat_kustomer
from emulators.kustomer.settings import KustomerOptions
from emulators.outreach.app import OutreachApp
from emulators.outreach.resources import resources
from emulators.outreach.settings import OutreachOptions
from emulators.outreach.shapes import flat as flat_outreach
from emulators.persistiq.app import PersistiqApp
from emulators.persistiq.settings import PersistiqOptions
from emulators.recorded import Owned, Recorded, owning, recorded

Record = dict[str, Any]
APPS: Mapping[str, Callable[[str], VendorApp]] = {
    "closeio": lambda shape: CloseApp(CloseOptions(shape=shape)),
    "persistiq": lambda shape: PersistiqApp(PersistiqOptions(shape=shape)),
    "kustomer": lambda shape: KustomerApp(KustomerOptions(shape=shape)),
    "outreach": lambda shape: OutreachApp(OutreachOptions(shape=shape)),
}
EMITTED: Mapping[str, Callable[[str, Record], Record]] = {
    "closeio": lambda stream, record: record,
    "persistiq": lambda stream, record: record,
    "kustomer": lambda stream, record: flat_kustomer(record),
    "outreach": lambda stream, record: flat_outreach(
        record, next(r for r in resources().values() if r.stream == stream)
    ),
}
OWN = {
    "closeio": {"id", "date_created", "date_updated", "lead_id", "user_id", "signature_key"},
    "persistiq": {"id"},
    "kustomer": {"id", "created_at", "updated_at", "customer_id", "conversation_id", "message_count", "note_count"},
    "outreach": {"id", "createdAt", "updatedAt"},
}


def truth(app: VendorApp, stream: str) -> list[Record]:
    """What a complete read emits."""
    records = app.truth(stream)
    assert records is not None, stream
    return [orjson.loads(record) for record in records]


@pytest.fixture(scope="module")
def real() -> Mapping[str, VendorApp]:
    return {system: make("real") for system, make in APPS.items()}


@pytest.mark.parametrize("system", APPS)
def test_each_recorded_record_is_served_but_for_what_the_emulator_owns(
    real: Mapping[str, VendorApp], system: str
) -> None:
    app, own = real[system], OWN[system]
    streams = {stream: records for stream, records in recorded(system).items() if stream in app.truth_counts()}
    assert len(streams) == {"closeio": 34, "persistiq": 1, "kustomer": 5, "outreach": 12}[system]
    lacking = []
    for stream, records in streams.items():
        served = truth(app, stream)
        for number, record in enumerate(records):
            wanted = {name: value for name, value in EMITTED[system](stream, record).items() if name not in own}
            if not any(all(name in each and each[name] == wanted[name] for name in wanted) for each in served):
                lacking.append((stream, number))
    assert lacking == []


@pytest.mark.parametrize("system", APPS)
def test_ids_are_as_unique_as_those_of_made_records(real: Mapping[str, VendorApp], system: str) -> None:
    for stream in recorded(system).keys() & real[system].truth_counts().keys():
        ids = [record["id"] for record in truth(real[system], stream)]
        assert len(set(ids)) == len(ids) > 0, stream


def test_a_recorded_record_keeps_nulls_and_lacks_what_it_lacked() -> None:
    record = {"id": "lead_1", "lead_id": None, "attributes": {"at": "2021-07-13", "many": [1, {"deep": None}]}}
    made = {"id": "@@key@@", "lead_id": "@@lead@@", "user_id": "@@user@@", "attributes": {"at": "@@created@@"}}
    assert owning(record, made, Owned(("id",), ("lead_id", "user_id", "attributes.at"))) == {
        "id": "@@key@@", "lead_id": None, "attributes": {"at": "@@created@@", "many": [1, {"deep": None}]},
    }  # fmt: skip


def test_shapes_are_repeated_until_each_recorded_record_had_its_turn() -> None:
    made = [{"id": "@@key@@", "name": "made"}, {"id": "@@key@@", "name": "other"}]
    shapes = Recorded("closeio", "real").instead(made, ["smart_views", "groups"], Owned())
    assert [shape["name"] for shape in shapes] == ["Deleted", "other", "📣 Untouched Leads", "other"]
    assert {shape["id"] for shape in shapes} == {"@@key@@"}


def test_values_come_as_live_accounts_had_them(real: Mapping[str, VendorApp]) -> None:
    close = real["closeio"]
    assert {role["date_created"] for role in truth(close, "roles")} == {"0001-01-01T00:00:00"}
    assert {member["auto_record_calls"] for member in truth(close, "memberships")} == {"unset"}
    assert truth(close, "dialer")[0]["users"][0]["state"] == "inactive"
    (won, *_) = truth(close, "opportunity_status_change_activities")
    assert won["opportunity_date_won"][10:] == "T00:00:00+00:00"
    assert truth(real["outreach"], "prospects")[0]["dateOfBirth"] == "1990-12-30T21:00:00.000Z"


def test_definitions_of_the_custom_fields_that_recorded_records_carry_are_listed(
    real: Mapping[str, VendorApp],
) -> None:
    definitions = {field["id"]: field["type"] for field in truth(real["closeio"], "contact_custom_fields")}
    assert (definitions["cf_Qj"], definitions["cf_oY"]) == ("date", "choices")
    carried = {name.removeprefix("custom.") for lead in truth(real["closeio"], "leads") for name in lead if "." in name}
    assert carried <= {field["id"] for field in truth(real["closeio"], "lead_custom_fields")}


def test_the_made_records_hold_both_forms_of_a_date_too() -> None:
    close, outreach = APPS["closeio"]("made"), APPS["outreach"]("made")
    changes = truth(close, "opportunity_status_change_activities")
    assert {change["opportunity_date_won"] for change in changes} == {"2026-05-02", None, "2026-05-02T09:30:00+00:00"}
    assert {len(task["due_date"]) for task in truth(close, "lead_tasks")} >= {10, 32}
    assert {len(each["dateOfBirth"] or "") for each in truth(outreach, "prospects")} == {0, 10, 24}


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="Option shape is made or real, not 'live'"):
        CloseApp(CloseOptions(shape="live"))
