"""The ids that exist now, for `record_ids`: a list of each stream by the smallest requests, 1,000 ids each.

`fields[prospect]=id&sort=id&page[size]=1000`: Outreach documents sparse fieldsets and orders for attributes, and says
nothing of `id`; where it refuses one of them, the list is asked for with a small attribute, then as it is. The first
page is counted, so that a list that ends early is noticed: whoever deletes what is not in it must be sure.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from functools import partial

from source_kit.client import HttpClient
from source_kit.endpoint import NoEndpoint
from source_kit.record_ids import NAME, Listing, RecordIds, listings_of
from source_kit.work import Plan
from source_outreach.base import timeline_of
from source_outreach.collections import BUCKET, CUSTOM_OBJECT, Collection, table
from source_outreach.config import Settings
from source_outreach.discovery import Account
from source_outreach.endpoints import CollectionEndpoint
from source_outreach.errors import no_schema
from source_outreach.fetcher import CollectionFetcher
from source_outreach.forms import Form, Forms


class OutreachRecordIds(RecordIds):
    """All requests of a user share one budget. Ids are whole numbers, but for audit logs, whose ids are texts."""

    endpoint = NoEndpoint(BUCKET)


def stream(client: HttpClient, settings: Settings, account: Account) -> OutreachRecordIds:
    """The stream for what `record_ids_of` names. The account's custom objects are looked up if one is named."""
    wanted = settings.common.record_ids_of
    collections = {name: each for name, each in table().items() if each.is_listed and settings.allows(each)}
    custom = [name for name in wanted if name.startswith(CUSTOM_OBJECT)]
    if custom and not settings.credentials.is_app:
        collections |= {each.stream: each for each in account.custom_objects()}
    listings: dict[str, Listing] = {
        name: partial(_listing, client, settings, collection) for name, collection in collections.items()
    }
    if custom and account.is_schema_missing():
        listings |= {name: partial(_unlisted, name) for name in custom}
    chosen = listings_of(wanted, listings)
    keys = {collections[name].key for name in chosen if name in collections}
    return OutreachRecordIds(client, chosen, id_type=id_type(keys))


def id_type(keys: Set[str]) -> str | list[str]:
    """The JSON type of the ids of collections with these keys."""
    kinds = sorted("integer" if key == "integer" else "string" for key in keys)
    return kinds[0] if len(kinds) == 1 else kinds or "integer"


def _listing(client: HttpClient, settings: Settings, collection: Collection) -> Plan:
    """Without a cursor, since no date bounds what exists. Errors name `record_ids`, the stream to be left out."""
    endpoint = CollectionEndpoint(replace(collection, cursor=None), settings)
    name = f"{NAME} ({collection.stream})"
    forms = Forms(collection, forms_of(collection))
    return timeline_of(CollectionFetcher(client, settings, endpoint, name, forms)).listed()


def _unlisted(name: str) -> Plan:
    raise no_schema(f"{NAME} ({name})")
    yield  # a plan


def forms_of(collection: Collection) -> list[Form]:
    """The least first: nothing else than ids, in an order that no change moves."""
    attributes = collection.attributes
    small = next((name for name in ("updatedAt", "createdAt", *attributes) if name in attributes), None)
    fields = [("id",), *([(small,)] if small is not None else [])]
    return [Form(fields=names, sort=sort) for sort in ("id", "") for names in (*fields, ())]
