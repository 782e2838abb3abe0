"""The Close emulator's schemas of custom fields: per object type, shared fields included, in an order of their own."""

from __future__ import annotations

from emulator_tests.close_client import CloseClient


def test_each_object_type_has_its_fields_in_another_order_than_the_lists() -> None:
    close = CloseClient(leads=3)
    own = [field["id"] for field in close.get("/custom_field/lead/")["data"]]
    shared = [field["id"] for field in close.get("/custom_field/shared/")["data"]]
    assert [field["id"] for field in close.get("/custom_field_schema/lead/")["fields"]] == [*own[::-1], *shared]
    contact = [field["id"] for field in close.get("/custom_field/contact/")["data"]]
    assert [field["id"] for field in close.get("/custom_field_schema/contact/")["fields"]] == contact[::-1]


def test_types_of_custom_activities_and_objects_have_schemas_of_their_own_and_others_none() -> None:
    close = CloseClient(leads=3)
    for path, kind, column in (
        ("/custom_activity/", "activity", "custom_activity_type_id"),
        ("/custom_object_type/", "custom_object", "custom_object_type_id"),
    ):
        types = [each["id"] for each in close.get(path)["data"]]
        found = {each: close.get(f"/custom_field_schema/{kind}/{each}/")["fields"] for each in types}
        assert any(found.values())
        assert all(field[column] == each for each, fields in found.items() for field in fields)
    for unknown in ("activity", "activity/actitype_none", "task"):
        assert close.refused(f"/custom_field_schema/{unknown}/")[0] == 404


def test_the_truth_of_the_stream_has_one_record_for_each() -> None:
    close = CloseClient(leads=3)
    for record in close.truth("custom_field_schemas"):
        assert close.get(f"/custom_field_schema/{record['id']}/")["fields"] == record["fields"]
        assert record["object_type"] == record["id"].partition("/")[0]
