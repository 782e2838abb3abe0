"""The custom fields of each object type in the order in which the account shows them: not that of the lists."""

from __future__ import annotations

from typing import Any

from emulators.close.account import Account

Record = dict[str, Any]
TYPED = {
    "activity": ("custom_activities", "activity", "custom_activity_type_id"),
    "custom_object": ("custom_object_types", "custom_object_type", "custom_object_type_id"),
}
"""By object type: the list of types, the resource of their fields, and what in a field names its type."""


def field_schemas(account: Account) -> dict[str, list[Record]]:
    """The fields by object type, as it stands in the address: `lead`, `activity/<id of the type>`."""
    fields = {"lead": account.lead_fields} | account.other_fields
    found = {kind: [*fields[kind][::-1], *_shared(account, kind)] for kind in ("lead", "contact", "opportunity")}
    for kind, (types, resource, column) in TYPED.items():
        for each in account.small[types]:
            found[f"{kind}/{each['id']}"] = [one for one in fields[resource][::-1] if one.get(column) == each["id"]]
    return found


def schema_records(account: Account) -> list[Record]:
    """What a connector makes of them: one record for each object type."""
    records = []
    for key, fields in field_schemas(account).items():
        kind, _, type_id = key.partition("/")
        record: Record = {"id": key, "object_type": kind, "fields": fields}
        for typed, (_, _, column) in TYPED.items():
            record[column] = type_id if typed == kind else None
        records.append(record)
    return records


def _shared(account: Account, kind: str) -> list[Record]:
    return [one for one in account.shared_fields if any(to["object_type"] == kind for to in one["associations"])]
