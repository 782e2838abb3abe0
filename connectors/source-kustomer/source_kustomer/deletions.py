"""What an entry of the audit log tells of an object that is gone. Pure.

Kustomer documents the verb `delete`; companies are deleted by an update that sets `deleted`, and a merge removes the
record that is its source. How an entry names source and target is not documented: every form that Kustomer uses
elsewhere is looked for, and where none is there, nobody is called deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from source_kit.work import Record

DELETING = frozenset(("delete", "deleted"))
MERGING = frozenset(("merge", "merged"))
SOURCES = ("source", "sourceId", "sourceCustomer", "sourceCustomerId", "mergedFrom", "mergedFromId")
TARGETS = ("target", "targetId", "targetCustomer", "targetCustomerId", "mergedInto", "mergedIntoId", "mergedTo")
# An object of its own, which names both customers: `customer_merge`, `customer-merge`.
MERGE_SUFFIX = "merge"


def deletion_of(entry: Record) -> Record | None:
    """The record of `deleted_records`; None for an entry that leaves its object where it is."""
    verb = _verb(entry)
    if verb in MERGING or _is_of_merge(entry):
        return _merge(entry, verb)
    if verb in DELETING or _was_flagged(entry):
        return _record(entry, "deleted", entry.get("object_type"), entry.get("object_id"))
    return None


def _verb(entry: Record) -> str:
    """`delete`, also where only the whole name of the event tells (`kustomer.customer.delete`)."""
    verb = entry.get("event_verb") or str(entry.get("event_name") or "").rpartition(".")[2]
    return str(verb).lower()


def _was_flagged(entry: Record) -> bool:
    """Whether an update marked its object as deleted."""
    flag = _after(entry, "deleted")
    return flag is True or (flag is None and isinstance(_after(entry, "deletedAt"), str))


def _is_of_merge(entry: Record) -> bool:
    return str(entry.get("object_type") or "").lower().endswith(MERGE_SUFFIX)


def _merge(entry: Record, verb: str) -> Record | None:
    """The source of a merge is gone. An entry may be of the source, of the target, or of the merge itself."""
    is_own = _is_of_merge(entry)
    if is_own and verb not in (*MERGING, "create"):
        return None  # its progress
    source, target, named = _side(entry, SOURCES), _side(entry, TARGETS), entry.get("object_id")
    kind = str(entry.get("object_type") or "")
    if is_own:
        kind = kind[: -len(MERGE_SUFFIX)].rstrip("_-.") or "customer"
    elif source is None and target is not None and target != named:
        source = named
    elif target is None and source is not None and source != named:
        target = named
    return _record(entry, "merged", kind, source) | {"merged_into_id": target}


def _side(entry: Record, names: tuple[str, ...]) -> Any:
    """One side of a merge: of the entry's relationships and attributes, else of its changes."""
    column = f"{names[0]}_id"
    if isinstance(entry.get(column), str):
        return entry[column]
    for name in names:
        value = _after(entry, name)
        value = value.get("id") if isinstance(value, Mapping) else value
        if isinstance(value, str) and value:
            return value
    return None


def _after(entry: Record, name: str) -> Any:
    """What an attribute or relationship became: changes come flat, or as webhooks have them, by section."""
    changes = entry.get("changes")
    changes = changes if isinstance(changes, Mapping) else {}
    for section in (changes, changes.get("attributes"), changes.get("relationships")):
        if isinstance(section, Mapping) and name in section:
            change = section[name]
            return change["after"] if isinstance(change, Mapping) and "after" in change else change
    return None


def _record(entry: Record, action: str, kind: Any, gone: Any) -> Record:
    return {
        "id": entry.get("id"),
        "organization_id": entry.get("org") or entry.get("org_id"),
        "object_type": kind,
        "object_id": gone,
        "action": action,
        "merged_into_id": None,
        "deleted_at": entry.get("created_at"),
        "deleted_by": entry.get("user_id"),
        "user_type": entry.get("user_type"),
        "event_name": entry.get("event_name"),
        "expires_at": entry.get("expires_at"),
    }
