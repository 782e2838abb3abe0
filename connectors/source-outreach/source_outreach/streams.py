"""All streams: one per collection of the table, one per custom object, and the two that are read by id."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from source_kit import rows
from source_kit.client import HttpClient, Request
from source_kit.errors import TransientError
from source_kit.rules import Rejected, Unavailable
from source_kit.stream import Answer
from source_kit.work import Page, Plan, Start
from source_outreach.asking import Notices
from source_outreach.base import PLAIN, KaiaStream, OutreachStream
from source_outreach.collections import table
from source_outreach.config import BUCKET, Settings
from source_outreach.discovery import Account

NO_LIST = (400, 404, 405, 422)


class Unlisted(Unavailable):
    """Resources that this account has no list of."""


class ByIdStream(OutreachStream):
    """Resources that Outreach gives one by one only. `ids` says which there are."""

    may_be_one = True

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
        asked = stream_slice or {}
        if asked.get("id") is not None:
            return dict(asked.get("form", PLAIN).params(self.collection.type))
        return super().request_params(stream_state, stream_slice, next_page_token)

    @property
    def missing(self) -> str:
        """What the user is told where there is nothing to ask for."""
        return (
            f"Outreach gives {self.collection.plural} by id only, and none is known. Remove {self.name} from the sync."
        )

    @property
    def is_reachable(self) -> bool:
        """Whether anything can be asked for with this config and account; else the stream is not in the catalog."""
        try:
            return bool(self.ids())
        except TransientError:  # nobody knows; the other streams must not suffer
            return True

    def ids(self) -> Sequence[int | str]:
        """What can be asked for."""
        raise NotImplementedError

    def probe(self) -> None:
        """As a read of the first resource."""
        next(iter(self._by_id()), None)

    def work(self, start: Start) -> Plan:
        """One request a resource."""
        return self._by_id()

    def _by_id(self) -> Plan:
        ids = self.ids()
        if not ids:
            raise Unavailable(self.missing)
        for one in ids:
            try:
                # Nothing may be damage: asked again once.
                records = self.fetch({"id": one}).records or self.fetch({"id": one}).records
            except Unavailable as unavailable:
                if unavailable.status != 404:
                    raise
                records = []
            if not records:
                self.client.log("WARN", f"Stream {self.name}: there is nothing with the id {one}.")
            yield Page(records)


class Imports(ByIdStream):
    """Imports of records: a list where the account has one, else those of the option `import_ids`."""

    def ids(self) -> Sequence[int | str]:
        return self.settings.import_ids

    @property
    def missing(self) -> str:
        """As the base."""
        return f"Outreach gives {self.name} by id only. Set import_ids, or remove {self.name} from the sync."

    @property
    def is_reachable(self) -> bool:
        """By the ids of the config, or as a list: that is in no documentation."""
        try:
            if not self.settings.import_ids:
                self.probe()
        except (Unlisted, Rejected, TransientError) as failure:
            self.client.log("INFO", f"Outreach gave no list of imports: {failure.internal_message}.")
            return False
        except Unavailable:
            pass  # a missing scope, which `check` and a read tell
        return True

    def probe(self) -> None:
        """As a read."""
        if self.settings.import_ids:
            super().probe()
        else:
            self.fetch({"limit": 1})

    def work(self, start: Start) -> Plan:
        """By ids where the config has some."""
        if self.settings.import_ids:
            return self._by_id()
        return OutreachStream.work(self, start)

    def fetch(self, stream_slice: Mapping[str, Any] | None = None, token: Mapping[str, Any] | None = None) -> Answer:
        """As the base; where there is no list, the error says what to do."""
        try:
            return super().fetch(stream_slice, token)
        except (Unavailable, Rejected) as error:
            if error.status in NO_LIST and not self.settings.import_ids:
                raise Unlisted(self.missing, internal_message=error.internal_message) from error
            raise


class OrgSettings(ByIdStream):
    """The settings of the organisation, whose id other answers tell."""

    def ids(self) -> Sequence[int | str]:
        return self.account.organisation_ids()


CLASSES: Mapping[str, type[OutreachStream]] = {
    "imports": Imports,
    "org_settings": OrgSettings,
    "kaia_recordings": KaiaStream,
}


def build(client: HttpClient, settings: Settings, account: Account) -> list[OutreachStream]:
    """One instance of every stream of the table."""
    notices = Notices()
    return [
        CLASSES.get(stream, OutreachStream)(client, settings, collection, account, notices)
        for stream, collection in table().items()
    ]


def custom(client: HttpClient, settings: Settings, account: Account) -> list[OutreachStream]:
    """One instance per custom object, which takes a request to find."""
    return [OutreachStream(client, settings, collection, account) for collection in account.custom_objects()]


def reachable(streams: Sequence[OutreachStream], client: HttpClient) -> list[OutreachStream]:
    """The streams without those of which this config and account reach nothing; up to three requests."""
    barred = [stream.name for stream in streams if not stream.is_allowed]
    if barred:
        client.log(
            "INFO",
            f"Outreach gives apps (S2S) no scope for {', '.join(barred)}: these streams, and custom objects, are left "
            "out. A connection by OAuth reads them.",
        )
    kept = []
    for stream in streams:
        if not stream.is_allowed:
            continue
        if not isinstance(stream, ByIdStream) or stream.is_reachable:
            kept.append(stream)
        else:
            client.log("INFO", f"Stream {stream.name} is left out: {stream.missing}")
    return kept


def token_probe(client: HttpClient) -> None:
    """One cheap request; a token that lacks this very scope is a good token."""
    params = {"page[size]": 1, "count": "false"}
    try:
        client.send(Request("users", BUCKET, params=params, what="the users of the account", accepts=_is_list))
    except Rejected as rejected:
        if rejected.status != 403:
            raise


def _is_list(content: Any) -> bool:
    """A list of resources, as only an API of this kind gives it."""
    return rows.has_list(content, "data") and all(isinstance(each, dict) and "type" in each for each in content["data"])
