"""The streams of source-kustomer, put together; kobjects also per klass of the account."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from source_kit.client import HttpClient
from source_kit.errors import SourceError, StreamUnavailable, TransientError
from source_kit.record_ids import Listing, wanted_ids
from source_kit.stream import KitStream
from source_kit.work import Plan, Start
from source_kustomer.attachments import Attachments
from source_kustomer.audit import AuditLogs, DeletedRecords, RecordHistory
from source_kustomer.children import Children, ChildStream, ResponsesOf
from source_kustomer.companies import Companies, CompanyEdges
from source_kustomer.config import Settings
from source_kustomer.customers import Customers
from source_kustomer.endpoints import ListEndpoint, ResponseEndpoint
from source_kustomer.handle_times import ConversationTimes
from source_kustomer.ids import listings
from source_kustomer.lists import KLASSES, LISTS, SLA_VERSIONS, CustomAttributes, ListStream
from source_kustomer.notes import Notes
from source_kustomer.paging import ListFetcher
from source_kustomer.records import snake
from source_kustomer.search import Scope
from source_kustomer.searches import SearchStream

KLASS_STREAM = "kobject_"
EVENTS = ListEndpoint("conversation_events", "conversations/{id}/events", "conversation")
WORK_ITEMS = ListEndpoint("work_items", "routing/conversations/{id}/work-items", "work_item")
RESPONSES = ResponseEndpoint("satisfaction_responses", "satisfaction-responses/{id}", "satisfaction", page_size=0)
MERGES = ListEndpoint("customer_merges", "customers/{id}/merges", "customer")


class UnlistedKlass(SearchStream):
    """A stream of a klass that is configured, where the key may not list klasses: reading it says so."""

    def __init__(self, client: HttpClient, settings: Settings, name: str, failure: SourceError) -> None:
        super().__init__(client, settings, name, Scope("kobject", "kobject"), schema="kobjects")
        self.failure = failure

    def work(self, start: Start) -> Plan:
        """Nothing but the reason."""
        is_refused = isinstance(self.failure, StreamUnavailable)
        raise (StreamUnavailable if is_refused else TransientError)(
            f"Stream {self.name} cannot be read, because its klass cannot be looked up: {self.failure.message}",
            internal_message=self.failure.internal_message,
        )
        yield  # a plan


def build(client: HttpClient, settings: Settings) -> list[KitStream]:
    """One instance of every stream that each account has."""

    def searched(name: str, context: str) -> SearchStream:
        custom_resource = "" if context == "kobject" else context
        return SearchStream(client, settings, name, Scope(context, context), custom_resource=custom_resource)

    customers, conversations = Customers(client, settings), searched("conversations", "conversation")
    messages = searched("messages", "message")
    companies = Companies(client, settings)
    return [
        companies,
        customers,
        conversations,
        messages,
        Notes(conversations),
        searched("kobjects", "kobject"),
        ConversationTimes(conversations),
        *(ListStream(client, settings, endpoint) for endpoint in LISTS),
        CompanyEdges(companies),
        ListStream(client, settings, SLA_VERSIONS),
        CustomAttributes(client, settings),
        AuditLogs(client, settings),
        DeletedRecords(client, settings),
        RecordHistory(client, settings),
        Attachments(conversations, messages),
        ChildStream(conversations, EVENTS),
        ChildStream(conversations, WORK_ITEMS),
        ChildStream(conversations, RESPONSES, ResponsesOf),
        ChildStream(customers, MERGES, partial(Children, parent_column="customer_id")),
    ]


def klass_streams(client: HttpClient, settings: Settings) -> list[KitStream]:
    """A stream per klass. Its attributes are called like those of all kobjects, or after the klass."""
    klasses = ListFetcher(client, KLASSES, KLASSES.schema)
    streams: dict[str, KitStream] = {}
    for klass in klasses.names(lambda record: record.get("status") != "disabled"):
        context = f"kobject_{klass}"
        scopes = Scope(context, "kobject"), Scope(context, context)
        stream = SearchStream(
            client,
            settings,
            klass_stream_name(klass),
            *scopes,
            schema="kobjects",
            custom_resource=f"kobject.{klass}",
            is_doubtful=True,
        )
        streams[stream.name] = stream
    return list(streams.values())


def record_ids(client: HttpClient, settings: Settings) -> list[KitStream]:
    """As `wanted_ids`. Raises `ConfigError` for names that have no ids to list."""
    wanted = settings.common.record_ids_of

    def known() -> Mapping[str, Listing]:
        # Whatever narrows the tables does not narrow what exists.
        common = replace(settings.common, start_date=None, end_date=None)
        whole = replace(settings, common=common, include_archived=True)
        has_klasses = any(name.startswith(KLASS_STREAM) for name in wanted)
        return listings(build(client, whole) + (klass_streams(client, whole) if has_klasses else []))

    return [*wanted_ids(client, wanted, known)]


def klass_stream_name(klass: str) -> str:
    """The stream of a klass: small letters, digits and underscores, by the name of the klass alone, so that it stays
    when another klass appears.

    `order` and `order-item`, as Kustomer's apps call their klasses, are `kobject_order` and `kobject_order_item`.
    Whatever else reads like one of these (`order_item`, `Order`) has six digits of its own behind two underscores.
    """
    readable = snake(klass) if re.fullmatch("[a-z0-9_]+", snake(klass)) else ""
    if klass == readable.replace("_", "-"):
        return KLASS_STREAM + readable
    digest = int(hashlib.sha256(klass.encode("utf-8", "replace")).hexdigest(), 16) % 1_000_000
    return f"{KLASS_STREAM}{readable or 'klass'}__{digest:06}"
