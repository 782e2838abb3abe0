"""The ids that exist now, for `record_ids`: a list of each stream by the smallest requests, 1,000 ids each.

`fields[prospect]=id&sort=id&page[size]=1000`: Outreach documents sparse fieldsets and orders for attributes, and says
nothing of `id`; where it refuses one of them, the list is asked for with a small attribute, then as it is. The first
page is counted, so that a list that ends early is noticed: whoever deletes what is not in it must be sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from functools import cached_property, partial

from source_kit.client import HttpClient
from source_kit.record_ids import NAME, Listing, RecordIds, listings_of
from source_kit.work import Plan, Start
from source_outreach.asking import Asking, Form
from source_outreach.base import OutreachStream
from source_outreach.collections import CUSTOM_OBJECT, Collection, is_listed, table
from source_outreach.config import BUCKET, Settings


class Ids(OutreachStream):
    """One collection, of whose rows the ids are all that is wanted."""

    @property
    def name(self) -> str:
        """As errors call it: the stream that is to be left out is this one's."""
        return f"{NAME} ({self.collection.stream})"

    @cached_property
    def asking(self) -> Asking:
        """The least first: nothing else than ids, in an order that no change moves."""
        attributes = self.collection.attributes
        small = next((name for name in ("updatedAt", "createdAt", *attributes) if name in attributes), None)
        fields = [("id",), *([(small,)] if small is not None else [])]
        forms = [Form(fields=names, sort=sort) for sort in ("id", "") for names in (*fields, ())]
        return Asking(
            self.collection,
            (),
            connections=False,
            log=lambda level, text: self.client.log(level, f"Stream {self.name}: {text}"),
            notices=self.notices,
            forms=forms,
        )

    def work(self, start: Start) -> Plan:
        """All of the collection, whatever the dates of the config say."""
        return self._timeline("", lambda value, asked_at, is_last: {}).listed()


class OutreachRecordIds(RecordIds):
    """All requests of a user share one budget. Ids are whole numbers, but for audit logs, whose ids are texts."""

    @property
    def bucket(self) -> str:
        return BUCKET


def stream(client: HttpClient, settings: Settings, custom: Callable[[], Sequence[Collection]]) -> OutreachRecordIds:
    """The stream for what `record_ids_of` names. `custom` gives the custom objects of the account, if one is named."""
    wanted, is_app = settings.common.record_ids_of, settings.credentials.is_app
    collections = {
        name: each for name, each in table().items() if is_listed(each) and (each.has_app_scope or not is_app)
    }
    if not is_app and any(name.startswith(CUSTOM_OBJECT) for name in wanted):
        collections |= {each.stream: each for each in custom()}
    listings: dict[str, Listing] = {
        name: partial(_listing, client, settings, collection) for name, collection in collections.items()
    }
    chosen = listings_of(wanted, listings)
    return OutreachRecordIds(client, chosen, id_type=id_type({collections[name].key for name in chosen}))


def id_type(keys: Set[str]) -> str | list[str]:
    """The JSON type of the ids of collections with these keys."""
    kinds = sorted("integer" if key == "integer" else "string" for key in keys)
    return kinds[0] if len(kinds) == 1 else kinds


def _listing(client: HttpClient, settings: Settings, collection: Collection) -> Plan:
    """Without a cursor, since no date bounds what exists."""
    return Ids(client, settings, replace(collection, cursor=None)).work(Start(incremental=False))
