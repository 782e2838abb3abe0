"""All streams: one per collection of the table, one per custom object, and the two that are read by id."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from source_kit.client import HttpClient, Request
from source_kit.rules import Rejected, Unavailable
from source_kit.schemas import Schema
from source_kit.work import Page, Start, Work
from source_outreach import gateway
from source_outreach.base import KaiaStream, OutreachStream
from source_outreach.collections import Collection, table
from source_outreach.config import BUCKET, Settings
from source_outreach.discovery import Account

NO_LIST = (400, 404, 422)


class LabelledStream(OutreachStream):
    """A collection with custom fields, which the account has named."""

    def __init__(self, client: HttpClient, settings: Settings, collection: Collection, account: Account) -> None:
        super().__init__(client, settings, collection)
        self.account = account

    def schema(self) -> Schema:
        """The table's, with the labels of the custom fields."""
        return self.collection.schema(self.account.labels().get(self.collection.type))


class ByIdStream(OutreachStream):
    """Resources that Outreach gives one by one only. `ids` says which there are."""

    def __init__(self, client: HttpClient, settings: Settings, collection: Collection, account: Account) -> None:
        super().__init__(client, settings, collection)
        self.account = account

    def path(self, stream_slice: Mapping[str, Any] | None = None, **arguments: Any) -> str:
        """With an id, one resource."""
        one = (stream_slice or {}).get("id")
        return self.collection.path if one is None else f"{self.collection.path}/{one}"

    def request_params(
        self,
        stream_state: Mapping[str, Any] | None,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        """One resource takes no paging."""
        if (stream_slice or {}).get("id") is not None:
            return {}
        return super().request_params(stream_state, stream_slice, next_page_token)

    def is_whole(self, content: Any) -> bool:
        return isinstance(content, dict) and isinstance(content.get("data"), dict | list)

    def resources_of(self, content: Any) -> Sequence[Mapping[str, Any]]:
        """A list or one resource."""
        data = content["data"]
        return data if isinstance(data, list) else [data]

    def ids(self) -> Sequence[int | str]:
        """What can be asked for."""
        raise NotImplementedError

    def probe(self) -> None:
        """As a read of the first resource."""
        next(iter(self._by_id()), None)

    def work(self, start: Start) -> Work:
        """One request a resource."""
        yield from self._by_id()
        return None

    def _by_id(self) -> Work:
        ids = self.ids()
        if not ids:
            raise self._unreachable()
        for one in ids:
            try:
                yield Page(self.fetch({"id": one}).records)
            except Unavailable as unavailable:
                if unavailable.status != 404:
                    raise
                self.client.log("WARN", f"Stream {self.name}: there is nothing with the id {one}.")
        return None

    def _unreachable(self) -> Unavailable:
        return Unavailable(
            f"Outreach gives {self.collection.plural} by id only, and none is known. Remove {self.name} from the sync."
        )


class Imports(ByIdStream):
    """Imports of records: a list where the account has one, else those of the option `import_ids`."""

    def ids(self) -> Sequence[int | str]:
        return self.settings.import_ids

    def probe(self) -> None:
        if self.settings.import_ids:
            super().probe()
            return
        self._listed(lambda: self.fetch({"limit": 1}))

    def work(self, start: Start) -> Work:
        if self.settings.import_ids:
            return (yield from self._by_id())
        pages = self._list()
        first = self._listed(lambda: next(pages))
        yield first
        return (yield from pages)

    def _listed(self, ask: Any) -> Any:
        """The list is in no documentation: without it, say what to do."""
        try:
            return ask()
        except (Unavailable, Rejected) as error:
            if error.status in NO_LIST:
                raise self._unreachable() from error
            raise

    def _unreachable(self) -> Unavailable:
        return Unavailable(
            f"Outreach gives {self.name} by id only. Set import_ids, or remove {self.name} from the sync."
        )


class OrgSettings(ByIdStream):
    """The settings of the organisation, whose id other answers tell."""

    def ids(self) -> Sequence[int | str]:
        return self.account.organisation_ids()


def build(
    client: HttpClient, settings: Settings, account: Account, *, with_custom_objects: bool
) -> list[OutreachStream]:
    """One instance of every stream; custom objects only where asked for, since finding them takes a request."""
    streams = [_stream(client, settings, collection, account) for collection in table().values()]
    if with_custom_objects:
        streams += [OutreachStream(client, settings, collection) for collection in account.custom_objects()]
    return streams


def _stream(client: HttpClient, settings: Settings, collection: Collection, account: Account) -> OutreachStream:
    if collection.stream == "imports":
        return Imports(client, settings, collection, account)
    if collection.stream == "org_settings":
        return OrgSettings(client, settings, collection, account)
    if collection.stream == "kaia_recordings":
        return KaiaStream(client, settings, collection)
    if "custom1" in collection.attributes:
        return LabelledStream(client, settings, collection, account)
    return OutreachStream(client, settings, collection)


def token_probe(client: HttpClient) -> None:
    """One cheap request; a token that lacks this very scope is a good token."""
    params = {"page[size]": 1, "count": "false"}
    try:
        gateway.send(client, Request("users", BUCKET, params=params, what="the users of the account"))
    except Rejected as rejected:
        if rejected.status != 403:
            raise
